"""Signing in: what opens, what it costs to guess, and when it is over. On both databases."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

import argon2
import pyotp
import pytest
from sqlalchemy import text

from gateway.keys import Keyring
from gateway.menu.model import Menus
from gateway.messages import Role
from gateway.settings import Settings
from gateway.store import people as stored
from gateway.store import sign_ins, stops
from gateway.store.db import Connection, open_database
from gateway.store.sealed import Seals
from gateway.usecases import own_account, passwords, people, second_factor, sign_in, upkeep
from gateway.usecases.actors import Absent
from gateway.usecases.own_account import AccountFault, AccountRefused
from gateway.usecases.passwords import PasswordFault
from gateway.usecases.people import NewPerson
from gateway.usecases.sign_in import Entered, Refused, Why
from tests.usecases.conftest import Bench, build_bench

PASSWORD = "trois chats noirs"
HERE = "41.85.0.1"


@dataclass
class Desk:
    """A bench and one person, who has an authenticator."""

    bench: Bench
    id: int
    secret: str

    def code(self) -> str:
        """A code that did not open yet."""
        self.bench.later(seconds=60)
        return self.code_now()

    def code_now(self, steps: int = 0) -> str:
        return pyotp.TOTP(self.secret).at(int(self.bench.time.timestamp()) + 30 * steps)

    def password(self, typed: str = PASSWORD, login: str = "awa", address: str = HERE) -> Entered | Refused:
        return sign_in.give_password(self.bench.parts, login, typed, address)

    def enter(self) -> str:
        half = self.password()
        assert isinstance(half, Entered)
        entered = sign_in.give_factor(self.bench.parts, half.token, self.code(), HERE)
        assert isinstance(entered, Entered)
        return entered.token

    def open(self, token: str) -> bool:
        found = sign_in.session_of(self.bench.parts, token)
        return found is not None and found.proved

    def acts(self) -> list[tuple[str, str, str]]:
        with self.bench.parts.database.read() as conn:
            return [(act.who, act.act, act.detail) for act in reversed(stops.acts(conn, 100))]


@pytest.fixture
def postgres_bench(
    postgres_url: str, seals: Seals, keys: Keyring, shipped_menus: Menus, delivery_settings: Settings, now: datetime
) -> Iterator[Bench]:
    database = open_database(postgres_url)
    yield build_bench(database, seals, keys, shipped_menus, delivery_settings, now)
    database.close()


def wait_until_blocked(bench: Bench, thread: threading.Thread) -> None:
    """Returns when a connection waits for a lock, or the thread ended without waiting for any."""
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    deadline = time.monotonic() + 20
    while thread.is_alive():
        with bench.parts.database.read() as conn:
            if conn.execute(waiting).scalar_one():
                return
        assert time.monotonic() < deadline
        time.sleep(0.01)  # between two looks at the condition


def joined(bench: Bench, login: str = "awa", *roles: Role, institution: str | None = "anip") -> Desk:
    new = NewPerson(login, "Awa D.", frozenset(roles or (Role.SENDER,)))
    invited = people.invite(bench.parts, people.operator("t"), institution, new)
    own_account.join_with_password(bench.parts, invited.token, PASSWORD)
    secret = second_factor.new_secret(bench.parts.random_bytes)
    pending = second_factor.seal_pending(bench.parts.seals, invited.person_id, secret)
    code = pyotp.TOTP(secret).at(bench.time)
    own_account.join_with_code(bench.parts, invited.token, pending, code)
    return Desk(bench, invited.person_id, secret)


@pytest.fixture
def desk(bench: Bench) -> Desk:
    return joined(bench)


def test_password_and_code(desk: Desk) -> None:
    half = desk.password(login=" AWA ")
    assert isinstance(half, Entered)
    assert not desk.open(half.token)
    entered = sign_in.give_factor(desk.bench.parts, half.token, desk.code(), HERE)
    assert isinstance(entered, Entered)
    assert entered.token != half.token
    assert desk.open(entered.token)
    assert sign_in.session_of(desk.bench.parts, half.token) is None
    assert desk.acts()[-1] == ("awa", "sign_in", "totp")


def test_what_a_token_is(desk: Desk) -> None:
    tokens = {desk.enter() for _ in range(3)}
    assert {len(token) for token in tokens} == {43}  # 256 bits
    assert len(tokens) == 3


@pytest.mark.parametrize(("steps", "opens"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_one_step_beside_the_clock(desk: Desk, steps: int, opens: bool) -> None:
    half = desk.password()
    assert isinstance(half, Entered)
    desk.bench.later(seconds=300)
    answer = sign_in.give_factor(desk.bench.parts, half.token, desk.code_now(steps), HERE)
    assert isinstance(answer, Entered) is opens


def test_a_step_opens_once_and_none_before_it(desk: Desk) -> None:
    first, second = desk.password(), desk.password()
    assert isinstance(first, Entered)
    assert isinstance(second, Entered)
    code, earlier = desk.code(), desk.code_now(-1)
    assert isinstance(sign_in.give_factor(desk.bench.parts, first.token, f"{code[:3]} {code[3:]}", HERE), Entered)
    for replayed in (code, earlier):
        assert sign_in.give_factor(desk.bench.parts, second.token, replayed, HERE) == Refused(Why.WRONG)
    assert isinstance(sign_in.give_factor(desk.bench.parts, second.token, desk.code_now(1), HERE), Entered)


def test_of_many_at_once_one_code_opens_once(desk: Desk) -> None:
    halves = [desk.password() for _ in range(4)]
    code = desk.code()
    answers: list[Entered | Refused] = []

    def prove(half: Entered | Refused) -> None:
        assert isinstance(half, Entered)
        answers.append(sign_in.give_factor(desk.bench.parts, half.token, code, HERE))

    threads = [threading.Thread(target=prove, args=(half,)) for half in halves]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(isinstance(answer, Entered) for answer in answers) == 1


def test_a_code_of_the_card_opens_once(desk: Desk) -> None:
    session = sign_in.session_of(desk.bench.parts, desk.enter())
    assert session is not None
    codes = own_account.change_card(desk.bench.parts, session, PASSWORD)
    assert len(set(codes)) == 10
    assert {len(code) for code in codes} == {8}
    for typed, opens in ((f"{codes[3][:4]}-{codes[3][4:]}", True), (codes[3], False), (codes[0], True)):
        half = desk.password()
        assert isinstance(half, Entered)
        answer = sign_in.give_factor(desk.bench.parts, half.token, typed, HERE)
        assert isinstance(answer, Entered) is opens
    assert own_account.codes_left(desk.bench.parts, desk.id) == 8
    own_account.change_card(desk.bench.parts, session, PASSWORD)
    half = desk.password()
    assert isinstance(half, Entered)
    assert sign_in.give_factor(desk.bench.parts, half.token, codes[1], HERE) == Refused(Why.WRONG)  # of the card before


def test_somebody_elses_card_opens_nothing(desk: Desk) -> None:
    other = joined(desk.bench, "bio")
    session = sign_in.session_of(desk.bench.parts, desk.enter())
    assert session is not None
    codes = own_account.change_card(desk.bench.parts, session, PASSWORD)
    half = other.password(login="bio")
    assert isinstance(half, Entered)
    assert sign_in.give_factor(desk.bench.parts, half.token, codes[0], HERE) == Refused(Why.WRONG)


@pytest.mark.parametrize("login", ["awa", "nobody", "awa' OR 1=1"])
def test_wrong_passwords_cost_more_and_more_whether_the_login_exists_or_not(desk: Desk, login: str) -> None:
    for _ in range(5):
        assert desk.password("wrong password", login) == Refused(Why.WRONG)
    assert desk.password("wrong password", login) == Refused(Why.WAIT, 30)
    assert desk.password(PASSWORD, login) == Refused(Why.WAIT, 30)  # the right one does not help
    waits = []
    for _ in range(9):
        refused = desk.password("wrong password", login)
        assert isinstance(refused, Refused)
        waits.append(refused.wait_s)
        desk.bench.later(seconds=refused.wait_s - 1)
        assert desk.password("wrong password", login) == Refused(Why.WAIT, 1)
        desk.bench.later(seconds=1)
        assert desk.password("wrong password", login) == Refused(Why.WRONG)
    assert waits == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]


def test_the_right_password_and_code_forgive(desk: Desk) -> None:
    for _ in range(4):
        desk.password("wrong password")
    desk.enter()
    for _ in range(5):
        assert desk.password("wrong password") == Refused(Why.WRONG)
    assert isinstance(desk.password("wrong password"), Refused)


def test_wrong_codes_cost_too(desk: Desk) -> None:
    for _ in range(5):
        half = desk.password()
        assert isinstance(half, Entered)
        assert sign_in.give_factor(desk.bench.parts, half.token, "000000", HERE) == Refused(Why.WRONG)
    # The right password does not forgive the wrong codes, nor a new session; each was counted on the login as well.
    desk.bench.later(seconds=30)
    half = desk.password()
    assert isinstance(half, Entered)
    assert isinstance(sign_in.give_factor(desk.bench.parts, half.token, "000000", HERE), Refused)
    refused = sign_in.give_factor(desk.bench.parts, half.token, desk.code_now(1), HERE)
    assert refused == Refused(Why.WAIT, 60)


def test_one_address_that_tries_many_logins(desk: Desk) -> None:
    rules = desk.bench.parts.settings.console.model_copy(update={"wrong_per_address": 10})
    settings = desk.bench.parts.settings.model_copy(update={"console": rules})
    desk.bench.parts = replace(desk.bench.parts, settings=settings)
    for number in range(10):
        assert desk.password("wrong password", f"person{number}") == Refused(Why.WRONG)
    assert desk.password() == Refused(Why.WAIT, 30)
    assert isinstance(desk.password(address="41.85.0.2"), Entered)


def test_who_signs_in_does_not_use_up_the_address(desk: Desk) -> None:
    rules = desk.bench.parts.settings.console.model_copy(update={"wrong_per_address": 10})
    settings = desk.bench.parts.settings.model_copy(update={"console": rules})
    desk.bench.parts = replace(desk.bench.parts, settings=settings)
    for _ in range(12):
        desk.enter()


def test_many_tries_at_once_are_no_more_than_one_after_the_other(desk: Desk) -> None:
    answers: list[Entered | Refused] = []
    threads = [threading.Thread(target=lambda: answers.append(desk.password("wrong password"))) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([answer for answer in answers if answer == Refused(Why.WRONG)]) == 5


@pytest.mark.postgres
def test_a_try_waits_for_the_one_before(postgres_bench: Bench) -> None:
    tries = sign_in.tries_of_login(postgres_bench.parts, "awa")
    now, waits = postgres_bench.time, []
    with postgres_bench.parts.database.begin() as conn:
        assert [tries.take(conn, now) for _ in range(4)] == [0] * 4

    def take() -> None:
        with postgres_bench.parts.database.begin() as conn:
            waits.append(tries.take(conn, now))

    thread = threading.Thread(target=take)
    with postgres_bench.parts.database.begin() as conn:
        assert tries.take(conn, now) == 0  # the last free one
        thread.start()
        wait_until_blocked(postgres_bench, thread)
    thread.join()
    assert waits == [30]


def test_what_was_typed_for_an_unknown_login_is_not_kept(desk: Desk) -> None:
    desk.password("x", login="my secret password in the wrong field")
    assert desk.acts()[-1] == ("(unknown)", "sign_in_failed", "password")
    desk.password("x")
    assert desk.acts()[-1] == ("awa", "sign_in_failed", "password")


def test_what_no_database_takes(desk: Desk) -> None:
    assert desk.password("x\0y", login="a\0wa\ud800" * 50) == Refused(Why.WRONG)
    half = desk.password()
    assert isinstance(half, Entered)
    assert sign_in.give_factor(desk.bench.parts, half.token, "\0" * 8, HERE) == Refused(Why.WRONG)
    assert sign_in.give_factor(desk.bench.parts, half.token, "١٢٣٤٥٦", HERE) == Refused(Why.WRONG)
    assert sign_in.session_of(desk.bench.parts, "x" * 5000) is None


@pytest.mark.parametrize(("idle_s", "open_"), [(1799, True), (1800, False)])
def test_idle(desk: Desk, idle_s: int, open_: bool) -> None:
    token = desk.enter()
    desk.bench.later(seconds=idle_s)
    assert desk.open(token) is open_
    desk.bench.later(seconds=1799 if open_ else 0)
    assert desk.open(token) is open_


def test_ten_hours_in_any_case(desk: Desk) -> None:
    token = desk.enter()
    for _ in range(23):
        desk.bench.later(seconds=1560)
        assert desk.open(token)
    desk.bench.later(seconds=36_000 - 23 * 1560 - 1)
    assert desk.open(token)
    desk.bench.later(seconds=1)
    assert not desk.open(token)


@pytest.mark.parametrize(("after_s", "opens"), [(599, True), (600, False)])
def test_the_second_factor_is_waited_for_ten_minutes(desk: Desk, after_s: int, opens: bool) -> None:
    half = desk.password()
    assert isinstance(half, Entered)
    desk.bench.later(seconds=after_s)
    answer = sign_in.give_factor(desk.bench.parts, half.token, desk.code_now(), HERE)
    assert isinstance(answer, Entered) if opens else answer == Refused(Why.OVER)


def test_signing_out(desk: Desk) -> None:
    first, second, third = desk.enter(), desk.enter(), desk.enter()
    session = sign_in.session_of(desk.bench.parts, first)
    assert session is not None
    sign_in.sign_out(desk.bench.parts, session)
    assert [desk.open(token) for token in (first, second, third)] == [False, True, True]
    session = sign_in.session_of(desk.bench.parts, second)
    assert session is not None
    own_account.sign_out_everywhere(desk.bench.parts, session)
    assert [desk.open(token) for token in (first, second, third)] == [False, False, False]


def test_another_password_closes_the_other_sessions(desk: Desk) -> None:
    here, there = desk.enter(), desk.enter()
    session = sign_in.session_of(desk.bench.parts, here)
    assert session is not None
    for current, new, fault in (
        ("not the password", "quatre chiens gris", AccountFault.PASSWORD),
        (PASSWORD, "court", PasswordFault.SHORT),
        (PASSWORD, PASSWORD, PasswordFault.SAME),
    ):
        with pytest.raises(AccountRefused) as refused:
            own_account.change_password(desk.bench.parts, session, current, new)
        assert refused.value.fault is fault
    own_account.change_password(desk.bench.parts, session, PASSWORD, "quatre chiens gris")
    assert [desk.open(token) for token in (here, there)] == [True, False]
    assert desk.password() == Refused(Why.WRONG)
    assert isinstance(desk.password("quatre chiens gris"), Entered)


def test_another_authenticator_takes_the_password_and_a_code_of_it(desk: Desk) -> None:
    parts = desk.bench.parts
    session = sign_in.session_of(parts, desk.enter())
    assert session is not None
    secret = second_factor.new_secret(parts.random_bytes)
    pending = second_factor.seal_pending(parts.seals, desk.id, secret)
    foreign = second_factor.seal_pending(parts.seals, desk.id + 1, secret)
    code = pyotp.TOTP(secret).at(desk.bench.time)
    for current, carried, typed in ((PASSWORD, pending, "000000"), (PASSWORD, foreign, code), (PASSWORD, "", code),
                                    ("no", pending, code)):  # fmt: skip
        with pytest.raises(AccountRefused):
            own_account.change_authenticator(parts, session, current, carried, typed)
    own_account.change_authenticator(parts, session, PASSWORD, pending, code)
    old, desk.secret = desk.secret, secret
    half = desk.password()
    assert isinstance(half, Entered)
    desk.bench.later(seconds=60)
    assert sign_in.give_factor(parts, half.token, pyotp.TOTP(old).at(desk.bench.time), HERE) == Refused(Why.WRONG)
    assert isinstance(sign_in.give_factor(parts, half.token, desk.code_now(), HERE), Entered)


def test_guessing_the_password_of_a_session_left_open(desk: Desk) -> None:
    session = sign_in.session_of(desk.bench.parts, desk.enter())
    assert session is not None
    faults = []
    for _ in range(6):
        with pytest.raises(AccountRefused) as refused:
            own_account.change_card(desk.bench.parts, session, "wrong password")
        faults.append(refused.value.fault)
    assert faults == [AccountFault.PASSWORD] * 5 + [AccountFault.WAIT]


def test_whoever_is_disabled_is_out_at_once(desk: Desk) -> None:
    token, half = desk.enter(), desk.password()
    assert isinstance(half, Entered)
    people.set_enabled(desk.bench.parts, people.operator("t"), desk.id, enabled=False)
    assert not desk.open(token)
    assert sign_in.give_factor(desk.bench.parts, half.token, desk.code(), HERE) == Refused(Why.OVER)
    assert desk.password() == Refused(Why.WRONG)
    people.set_enabled(desk.bench.parts, people.operator("t"), desk.id, enabled=True)
    assert not desk.open(token)
    desk.enter()


def test_a_password_without_a_second_factor_opens_nothing(bench: Bench) -> None:
    invited = people.invite(
        bench.parts, people.operator("t"), "anip", NewPerson("bio", "Bio", frozenset({Role.READER}))
    )
    own_account.join_with_password(bench.parts, invited.token, PASSWORD)
    assert sign_in.give_password(bench.parts, "bio", PASSWORD, HERE) == Refused(Why.WRONG)


def test_an_invitation_opens_once(bench: Bench) -> None:
    parts = bench.parts
    invited = people.invite(parts, people.operator("t"), "anip", NewPerson("bio", "Bio", frozenset({Role.READER})))
    with pytest.raises(AccountRefused) as early:
        own_account.join_with_card(parts, invited.token)
    assert early.value.fault is AccountFault.EARLY
    own_account.join_with_password(parts, invited.token, PASSWORD)
    codes = own_account.join_with_card(parts, invited.token)
    with pytest.raises(AccountRefused):
        own_account.join_with_code(parts, invited.token, "", "00000000")
    entered = own_account.join_with_code(parts, invited.token, "", codes[0])
    assert entered.person.login == "bio"
    for step in (
        lambda: own_account.joining(parts, invited.token),
        lambda: own_account.join_with_password(parts, invited.token, "un autre mot de passe"),
        lambda: own_account.join_with_card(parts, invited.token),
        lambda: own_account.join_with_code(parts, invited.token, "", codes[1]),
    ):
        with pytest.raises(Absent):
            step()


def test_whoever_signs_in_needs_no_invitation_any_more(bench: Bench) -> None:
    """A card that was printed and not proved opens with the password: then the link, which may lie around, is over."""
    parts = bench.parts
    invited = people.invite(parts, people.operator("t"), "anip", NewPerson("bio", "Bio", frozenset({Role.READER})))
    own_account.join_with_password(parts, invited.token, PASSWORD)
    codes = own_account.join_with_card(parts, invited.token)
    half = sign_in.give_password(parts, "bio", PASSWORD, HERE)
    assert isinstance(half, Entered)
    assert isinstance(sign_in.give_factor(parts, half.token, codes[0], HERE), Entered)
    with pytest.raises(Absent):
        own_account.joining(parts, invited.token)


@pytest.mark.parametrize(("after_s", "opens"), [(86_399, True), (86_400, False)])
def test_an_invitation_opens_for_a_day(bench: Bench, after_s: int, opens: bool) -> None:
    invited = people.invite(
        bench.parts, people.operator("t"), "anip", NewPerson("bio", "Bio", frozenset({Role.READER}))
    )
    bench.later(seconds=after_s)
    if opens:
        own_account.joining(bench.parts, invited.token)
    else:
        with pytest.raises(Absent):
            own_account.joining(bench.parts, invited.token)


def test_what_was_kept_with_other_parameters_is_kept_anew(desk: Desk) -> None:
    parts = desk.bench.parts
    old = argon2.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)
    with parts.database.begin() as conn:
        stored.set_password(conn, desk.id, old)
    assert desk.password("wrong password") == Refused(Why.WRONG)
    with parts.database.read() as conn:
        assert _kept(conn, desk.id) == old
    desk.enter()
    with parts.database.read() as conn:
        kept = _kept(conn, desk.id)
    assert kept != old
    assert not passwords.is_old(kept)


def test_demonstration_accounts_open_nothing_elsewhere(bench: Bench) -> None:
    from gateway.usecases import demo_people

    parts = bench.parts
    assert demo_people.make(parts.database, parts.seals, parts.settings, parts.random_bytes, bench.time) == ()
    local = parts.settings.model_copy(update={"local": True})
    made = demo_people.make(parts.database, parts.seals, local, parts.random_bytes, bench.time)
    assert {one.role for one in made} == set(Role)
    assert demo_people.any_enabled(parts.database)
    there = replace(parts, settings=local)
    half = sign_in.give_password(there, "demo-sender", demo_people.PASSWORD, HERE)
    assert isinstance(half, Entered)
    known, code = demo_people.code_of(there, half.person)
    assert known
    entered = sign_in.give_factor(there, half.token, code or "", HERE)
    assert isinstance(entered, Entered)
    # The same database where it is no demonstration.
    assert sign_in.give_password(parts, "demo-sender", demo_people.PASSWORD, HERE) == Refused(Why.WRONG)
    assert sign_in.session_of(parts, entered.token) is None


def test_old_sign_ins_and_invitations_are_forgotten(desk: Desk) -> None:
    token = desk.enter()
    desk.bench.later(days=29)
    upkeep.sweep(desk.bench.parts)
    with desk.bench.parts.database.read() as conn:
        assert sign_ins.find(conn, sign_in.token_digest(desk.bench.parts.seals, token)) is not None
    desk.bench.later(days=2)
    upkeep.sweep(desk.bench.parts)
    with desk.bench.parts.database.read() as conn:
        assert sign_ins.find(conn, sign_in.token_digest(desk.bench.parts.seals, token)) is None


def _kept(conn: Connection, person_id: int) -> str:
    found = stored.by_id(conn, person_id)
    assert found is not None
    return found.password_hash
