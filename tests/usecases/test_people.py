"""People: who may invite, change and disable whom. On both databases."""

from __future__ import annotations

import threading
from itertools import count

import pytest

from gateway.messages import Role
from gateway.store import people as stored
from gateway.usecases import operator_acts, own_account, people
from gateway.usecases.actors import Absent, Actor
from gateway.usecases.operator_acts import Filter
from gateway.usecases.people import NewPerson, PeopleFault, PeopleRefused
from tests.usecases.conftest import Bench
from tests.usecases.test_sign_in import PASSWORD, postgres_bench, wait_until_blocked

__all__ = ["postgres_bench"]

OPERATOR = people.operator("t")
ADMINISTRATOR = Actor("root@bj", None, frozenset({Role.ADMINISTRATOR}), person_id=10_001)
AUDITOR = Actor("audit@bj", None, frozenset({Role.AUDITOR}), person_id=10_002)
MANAGER = Actor("chef@anip", "anip", frozenset({Role.MANAGER}), person_id=10_003)
SENDER = Actor("envoi@anip", "anip", frozenset({Role.SENDER}), person_id=10_004)
STRANGER = Actor("chef@ailleurs", "ailleurs", frozenset({Role.MANAGER}), person_id=10_005)
_names = count(1)


def add(bench: Bench, *roles: Role, institution: str | None = "anip", joined: bool = False) -> int:
    new = NewPerson(f"person{next(_names)}", "Awa", frozenset(roles))
    invited = people.invite(bench.parts, OPERATOR, institution, new)
    if joined:
        own_account.join_with_password(bench.parts, invited.token, PASSWORD)
        codes = own_account.join_with_card(bench.parts, invited.token)
        own_account.join_with_code(bench.parts, invited.token, "", codes[0])
    return invited.person_id


@pytest.mark.parametrize(
    ("actor", "institution", "role", "outcome"),
    [
        (MANAGER, "anip", Role.SENDER, None),
        (MANAGER, "anip", Role.MANAGER, PeopleFault.ROLES),
        (MANAGER, "anip", Role.AUDITOR, PeopleFault.ROLES),
        (MANAGER, "ailleurs", Role.SENDER, Absent),
        (MANAGER, None, Role.AUDITOR, Absent),
        (ADMINISTRATOR, "anip", Role.MANAGER, None),
        (ADMINISTRATOR, "anip", Role.APPROVER, PeopleFault.ROLES),
        (ADMINISTRATOR, "anip", Role.ADMINISTRATOR, PeopleFault.ROLES),
        (ADMINISTRATOR, None, Role.ADMINISTRATOR, None),
        (ADMINISTRATOR, None, Role.MANAGER, PeopleFault.ROLES),
        (ADMINISTRATOR, "nulle-part", Role.MANAGER, Absent),
        (AUDITOR, "anip", Role.SENDER, Absent),
        (SENDER, "anip", Role.SENDER, Absent),
        (STRANGER, "anip", Role.SENDER, Absent),
        (OPERATOR, "anip", Role.APPROVER, None),
        (OPERATOR, None, Role.SENDER, PeopleFault.ROLES),
    ],
)
def test_who_invites_whom(
    bench: Bench, actor: Actor, institution: str | None, role: Role, outcome: PeopleFault | type[Absent] | None
) -> None:
    new = NewPerson("awa", "Awa", frozenset({role}))
    if outcome is None:
        people.invite(bench.parts, actor, institution, new)
    elif outcome is Absent:
        with pytest.raises(Absent):
            people.invite(bench.parts, actor, institution, new)
    else:
        with pytest.raises(PeopleRefused) as refused:
            people.invite(bench.parts, actor, institution, new)
        assert refused.value.faults == (outcome,)
        with bench.parts.database.read() as conn:
            assert stored.by_login(conn, "awa") is None


@pytest.mark.parametrize(
    ("login", "fault"),
    [
        *((bad, PeopleFault.LOGIN) for bad in ("ab", "cli:awa", "awa dossou", "éva", "demo-awa", ".awa", "=cmd")),
        *((good, None) for good in ("abc", "a" * 64, "Awa@Mairie.BJ ")),
    ],
)  # fmt: skip
def test_logins(bench: Bench, login: str, fault: PeopleFault | None) -> None:
    new = NewPerson(login, "Awa", frozenset({Role.SENDER}))
    if fault is None:
        people.invite(bench.parts, MANAGER, "anip", new)
        with pytest.raises(PeopleRefused) as taken:
            people.invite(bench.parts, MANAGER, "anip", new)
        assert taken.value.faults == (PeopleFault.TAKEN,)
    else:
        with pytest.raises(PeopleRefused) as refused:
            people.invite(bench.parts, MANAGER, "anip", new)
        assert refused.value.faults == (fault,)


def test_roles_given_and_taken(bench: Bench) -> None:
    person = add(bench, Role.SENDER, Role.MANAGER)
    changed = people.set_roles(bench.parts, MANAGER, person, frozenset({Role.APPROVER}))
    assert changed.roles == {Role.APPROVER, Role.MANAGER}  # a manager takes no manager's role
    changed = people.set_roles(bench.parts, ADMINISTRATOR, person, frozenset())
    assert changed.roles == {Role.APPROVER}
    for actor, chosen in ((ADMINISTRATOR, {Role.SENDER}), (MANAGER, {Role.MANAGER}), (MANAGER, set())):
        with pytest.raises(PeopleRefused):
            people.set_roles(bench.parts, actor, person, frozenset(chosen))
    for actor in (AUDITOR, SENDER, STRANGER):
        with pytest.raises(Absent):
            people.set_roles(bench.parts, actor, person, frozenset({Role.READER}))


def test_nobody_changes_himself(bench: Bench) -> None:
    mine = add(bench, Role.MANAGER)
    me = Actor("me", "anip", frozenset({Role.MANAGER}), person_id=mine)
    for act in (
        lambda: people.set_roles(bench.parts, me, mine, frozenset({Role.SENDER})),
        lambda: people.reset(bench.parts, me, mine),
        lambda: people.set_enabled(bench.parts, me, mine, enabled=False),
    ):
        with pytest.raises(PeopleRefused) as refused:
            act()
        assert refused.value.faults == (PeopleFault.OWN,)


@pytest.mark.parametrize(
    ("actor", "role", "may"),
    [
        (MANAGER, Role.SENDER, True), (MANAGER, Role.APPROVER, True), (MANAGER, Role.MANAGER, False),
        (ADMINISTRATOR, Role.MANAGER, True), (ADMINISTRATOR, Role.APPROVER, False), (OPERATOR, Role.APPROVER, True),
        (AUDITOR, Role.SENDER, False), (STRANGER, Role.SENDER, False), (SENDER, Role.READER, False),
    ],
)  # fmt: skip
def test_nobody_takes_an_account_with_a_role_that_he_could_not_give(
    bench: Bench, actor: Actor, role: Role, may: bool
) -> None:
    person = add(bench, role)
    for act in (
        lambda: people.reset(bench.parts, actor, person),
        lambda: people.set_enabled(bench.parts, actor, person, enabled=False),
    ):
        if may:
            act()
        else:
            with pytest.raises(Absent):
                act()


@pytest.mark.parametrize(("role", "institution"), [(Role.MANAGER, "anip"), (Role.ADMINISTRATOR, None)])
def test_the_last_one_stays(bench: Bench, role: Role, institution: str | None) -> None:
    last = add(bench, role, institution=institution, joined=True)
    add(bench, role, institution=institution)  # invited, never came
    half = people.invite(bench.parts, OPERATOR, institution, NewPerson("half", "Half", frozenset({role})))
    own_account.join_with_password(bench.parts, half.token, PASSWORD)  # came half the way

    def leaves() -> list[str]:
        found = []
        for act in (
            lambda: people.set_enabled(bench.parts, OPERATOR, last, enabled=False),
            lambda: people.set_roles(
                bench.parts, OPERATOR, last, frozenset({Role.AUDITOR if institution is None else Role.READER})
            ),
        ):
            try:
                act()
                found.append("done")
            except PeopleRefused as refused:
                found += refused.faults
        return found

    assert leaves() == [PeopleFault.LAST, PeopleFault.LAST]
    add(bench, role, institution=institution, joined=True)
    assert leaves() == ["done", "done"]


@pytest.mark.postgres
def test_two_managers_who_are_disabled_at_once(postgres_bench: Bench) -> None:
    """Whoever is second waits for the first, and then sees that only one is left."""
    bench = postgres_bench
    first, second = (add(bench, Role.MANAGER, joined=True) for _ in range(2))
    outcomes: list[str] = []

    def disable() -> None:
        try:
            people.set_enabled(bench.parts, ADMINISTRATOR, second, enabled=False)
            outcomes.append("done")
        except PeopleRefused as refused:
            outcomes.extend(refused.faults)

    thread = threading.Thread(target=disable)
    with bench.parts.database.begin() as conn:
        stored.lock(conn, "anip")
        stored.set_disabled(conn, first, bench.time)
        thread.start()
        wait_until_blocked(bench, thread)
    thread.join()
    assert outcomes == [PeopleFault.LAST]


def test_what_is_seen(bench: Bench) -> None:
    person = add(bench, Role.SENDER)
    for actor in (MANAGER, ADMINISTRATOR, AUDITOR):
        assert people.open_(bench.parts, actor, person)[0].id == person
        assert [one.id for one in people.list_(bench.parts, actor, "anip")] == [person]
    for actor in (SENDER, STRANGER):
        with pytest.raises(Absent):
            people.open_(bench.parts, actor, person)
        with pytest.raises(Absent):
            people.list_(bench.parts, actor, "anip")
    with pytest.raises(Absent):
        people.managers(bench.parts, MANAGER)


def test_looking_for_somebody(bench: Bench) -> None:
    for login, name in (("awa@m", "Awa Dossou"), ("b_o@m", "Bio 100%"), ("cosi@m", "Cosi")):
        people.invite(bench.parts, MANAGER, "anip", NewPerson(login, name, frozenset({Role.READER})))
    found = {
        search: [one.login for one in people.list_(bench.parts, MANAGER, "anip", search=search)]
        for search in ("DOSS", "_", "%", "o")
    }
    assert found == {"DOSS": ["awa@m"], "_": ["b_o@m"], "%": ["b_o@m"], "o": ["awa@m", "b_o@m", "cosi@m"]}
    first = people.list_(bench.parts, MANAGER, "anip", limit=2)
    assert [one.login for one in people.list_(bench.parts, MANAGER, "anip", after=first[-1].id)] == ["cosi@m"]


def test_who_did_what(bench: Bench) -> None:
    people.invite(bench.parts, MANAGER, "anip", NewPerson("awa", "Awa", frozenset({Role.SENDER})))
    people.invite(bench.parts, ADMINISTRATOR, None, NewPerson("root2", "Root", frozenset({Role.ADMINISTRATOR})))
    mine = operator_acts.list_(bench.parts, MANAGER, Filter())
    assert [(act.who, act.act, act.subject, act.detail) for act in mine] == [
        ("chef@anip", "invite", "person:awa", "sender")
    ]
    assert len(operator_acts.list_(bench.parts, AUDITOR, Filter())) == 2
    assert operator_acts.list_(bench.parts, STRANGER, Filter()) == ()
    for actor in (ADMINISTRATOR, SENDER):
        with pytest.raises(Absent):
            operator_acts.list_(bench.parts, actor, Filter())
    day = bench.time.astimezone(bench.parts.zone).date()
    for wanted, found in (
        (Filter(who="CHEF@anip"), 1), (Filter(who="chef"), 0), (Filter(act="invite"), 2), (Filter(act="reset"), 0),
        (Filter(since=day, until=day), 2), (Filter(since=day.replace(year=day.year + 1)), 0),
        (Filter(until=day.replace(year=day.year - 1)), 0),
    ):  # fmt: skip
        assert len(operator_acts.list_(bench.parts, AUDITOR, wanted)) == found, wanted


def test_nothing_in_the_file_is_a_formula(bench: Bench) -> None:
    from gateway.store import stops

    evil = ('=HYPERLINK("http://x")', "+1", "-1", "@SUM(A1)", "\tx", "a;b\r\nc", 'say "x"', "normal")
    with bench.parts.database.begin() as conn:
        for one in evil:
            stops.note_act(conn, "w", "stop", "sms", one, bench.time)
    text = b"".join(operator_acts.csv(bench.parts, AUDITOR, Filter(), ("a", "b"))).decode("utf-8-sig")
    cells = [line.split('";"')[4] for line in text.splitlines()[1:]]
    assert list(reversed(cells)) == [
        "'=HYPERLINK(\"\"http://x\"\")", "'+1", "'-1", "'@SUM(A1)", "' x", "a;b  c", 'say ""x""', "normal",
    ]  # fmt: skip


def test_a_long_file_has_every_act(bench: Bench) -> None:
    from gateway.store import stops

    with bench.parts.database.begin() as conn:
        for number in range(1203):
            stops.note_act(conn, "w", "stop", "sms", str(number), bench.time)
    text = b"".join(operator_acts.csv(bench.parts, AUDITOR, Filter(), ("a",))).decode("utf-8-sig")
    assert len(text.splitlines()) == 1204
