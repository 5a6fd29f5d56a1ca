"""Whether a récépissé is genuine: what is said, what is never said, and what guessing costs."""

from __future__ import annotations

import hmac
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from gateway import logs
from gateway.engine.outcomes import Lookup, LookupAnswer, Saved
from gateway.messages import SubmissionState
from gateway.store import holdings, submissions
from gateway.store import verification as stored
from gateway.store.db import StoreUnavailable, Why
from gateway.store.submissions import NewSubmission
from gateway.text import reference
from gateway.usecases import verification
from gateway.usecases.verification import Asker, Outcome, Verdict, verify, verify_receipt
from tests.usecases.conftest import MSISDN, OTHER, Bench

NPI = "1234564412"
#: A reference that nobody has, its check digit right.
NOBODY_S = "482109375625"
assert reference.parse(NOBODY_S)


@dataclass
class Receipt:
    number: str
    code: str

    @property
    def wrong(self) -> str:
        return f"{(int(self.code) + 1) % 10**6:06d}"


Deposit = Callable[..., Receipt]


@pytest.fixture
def deposit() -> Deposit:
    """Stores a submission of MSISDN and gives its récépissé."""

    def store(bench: Bench, **changes: Any) -> Receipt:
        parts = bench.parts
        with parts.database.begin() as conn:
            new = NewSubmission(
                reference=reference.make(parts.random_bytes),
                service="acte-naissance",
                menu_version="m",
                system="etat-civil",
                institution="anip",
                holding_id=holdings.open_holding(conn, parts.seals, MSISDN, bench.time),
                channel="at",
                language="fr",
                assurance="number",
                sensitive=False,
                fields={"npi": NPI},
                subject=(),
                label="...4412",
                idempotency_key=parts.new_id(),
                receipt_key_id="r1",
                promised_on=None,
                keep_s=60,
            )
            new = replace(new, **changes)
            submissions.insert(conn, parts.seals, new, bench.time)
        day = bench.time.astimezone(parts.zone).date().isoformat()
        return Receipt(new.reference, reference.code(parts.receipt_keys, new.reference, new.service, day))

    return store


@pytest.fixture
def receipt(bench: Bench, deposit: Deposit) -> Receipt:
    return deposit(bench)


def ask(
    bench: Bench, number: str, code: str, last4: str | None = None, by: str = MSISDN, address: str | None = None
) -> Verdict:
    seals = bench.parts.seals
    asker = Asker.of_number(seals, by) if address is None else Asker.of_address(seals, address)
    return verify(bench.parts, number, code, last4, asker)


def genuine(outcome: Outcome = Outcome.GENUINE, state: SubmissionState = SubmissionState.RECEIVED) -> Verdict:
    return Verdict(outcome, "acte-naissance", date(2026, 11, 23), state)


def test_genuine(bench, receipt):
    assert ask(bench, receipt.number, receipt.code) == genuine()


@pytest.mark.parametrize(
    ("change", "remark"),
    [
        (lambda typed: f" {typed[:4]} {typed[4:8]}-{typed[8:]}. ", "as it is shown, and more"),
        (lambda typed: typed.replace("0", "O").replace("1", "l"), "letters that look like digits"),
    ],
)
def test_as_people_type_it(sqlite_bench, deposit, change, remark):
    receipt = deposit(sqlite_bench)
    assert ask(sqlite_bench, change(receipt.number), f"{receipt.code[:3]} {receipt.code[3:]}") == genuine()


def test_the_day_is_the_one_in_porto_novo(sqlite_bench, deposit):
    sqlite_bench.time = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)  # past midnight there
    receipt = deposit(sqlite_bench)
    assert ask(sqlite_bench, receipt.number, receipt.code).deposited_on == date(2026, 11, 24)


def test_an_older_key_still_believed(sqlite_bench, deposit):
    receipt = deposit(sqlite_bench)
    sqlite_bench.parts = replace(sqlite_bench.parts, receipt_keys={"r2": b"s" * 32, **sqlite_bench.parts.receipt_keys})
    assert ask(sqlite_bench, receipt.number, receipt.code).genuine
    sqlite_bench.parts = replace(sqlite_bench.parts, receipt_keys={"r2": b"s" * 32})
    assert not ask(sqlite_bench, receipt.number, receipt.code).genuine


def test_the_state_is_the_present_one(sqlite_bench, deposit):
    receipt = deposit(sqlite_bench)
    stored = sqlite_bench.submission(receipt.number)
    with sqlite_bench.parts.database.begin() as conn:
        submissions.set_state(conn, sqlite_bench.parts.seals, stored.id, SubmissionState.GRANTED, sqlite_bench.time)
    assert ask(sqlite_bench, receipt.number, receipt.code) == genuine(state=SubmissionState.GRANTED)


def test_a_sensitive_service_is_not_named(sqlite_bench, deposit):
    receipt = deposit(sqlite_bench, sensitive=True)
    assert ask(sqlite_bench, receipt.number, receipt.code) == replace(genuine(), service="")


@pytest.mark.parametrize(
    ("number", "code", "remark"),
    [
        (None, None, "a real reference, a wrong code"),
        (NOBODY_S, "123456", "a reference that nobody has"),
        ("482109375628", "123456", "a wrong check digit"),
        ("bonjour", "123456", "no reference"),
        ("", "", "nothing"),
        ("4" * 10_000, "1" * 10_000, "far too long"),
        ("482109375625\0", "12\0", "what no column takes"),
        ("４８２１０９３７５６２５", "١٢٣٤٥٦", "digits of other scripts"),
    ],
)
def test_not_genuine_is_one_answer(bench, receipt, number, code, remark):
    assert ask(bench, number or receipt.number, code or receipt.wrong) == Verdict(Outcome.NOT_GENUINE)


@contextmanager
def work(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What is done meanwhile, in its order: each query without its values, each HMAC, each opening of a seal."""
    done: list[str] = []
    real_hmac = hmac.new
    engine = bench.parts.database._writing

    def queried(*given: Any) -> None:
        done.append(given[2])

    def made(*given: Any) -> Any:
        done.append("hmac")
        return real_hmac(*given)

    def opened(*given: Any) -> bytes:
        done.append("open")
        return b"{}"

    event.listen(engine, "before_cursor_execute", queried)
    with monkeypatch.context() as patched:
        patched.setattr(reference.hmac, "new", made)
        patched.setattr(type(bench.parts.seals), "open_bytes", opened)
        yield done
    event.remove(engine, "before_cursor_execute", queried)


def test_an_unknown_reference_costs_the_same_work_as_a_wrong_code(bench, receipt, monkeypatch):
    with work(bench, monkeypatch) as of_wrong_code:
        ask(bench, receipt.number, receipt.wrong)
    for unknown in (NOBODY_S, "482109375628", "bonjour", ""):
        with work(bench, monkeypatch) as of_unknown:
            ask(bench, unknown, receipt.wrong)
        assert of_unknown == of_wrong_code, unknown
        bench.later(hours=1)
    assert of_wrong_code.count("hmac") == len(bench.parts.receipt_keys)
    assert "open" not in of_wrong_code
    assert len(of_wrong_code) > 4  # it was really seen


@pytest.mark.parametrize(
    ("fields", "last4", "outcome", "remark"),
    [
        ({"npi": NPI}, "4412", Outcome.HOLDER_YES, "the NPI ends so"),
        ({"npi": NPI}, " 44 12 ", Outcome.HOLDER_YES, "with spaces"),
        ({"npi": NPI}, "4413", Outcome.HOLDER_NO, "it does not"),
        ({"npi": NPI}, "412", Outcome.HOLDER_NO, "three digits of it"),
        ({"npi": NPI}, "64412", Outcome.HOLDER_NO, "five"),
        ({"npi": NPI}, NPI, Outcome.HOLDER_NO, "all: the question is the last four"),
        ({"npi": NPI}, "été!", Outcome.HOLDER_NO, "no digits"),
        ({"npi": "4412"}, "4412", Outcome.HOLDER_NO, "what is stored is no NPI"),
        ({"commune": "cotonou"}, "4412", Outcome.HOLDER_NO, "a demand without one"),
    ],
)
def test_the_npi(sqlite_bench, deposit, fields, last4, outcome, remark):
    receipt = deposit(sqlite_bench, fields=fields)
    assert ask(sqlite_bench, receipt.number, receipt.code, last4) == genuine(outcome)


def test_an_erased_npi_is_no(bench, receipt):
    stored = bench.submission(receipt.number)
    with bench.parts.database.begin() as conn:
        submissions.set_state(conn, bench.parts.seals, stored.id, SubmissionState.GRANTED, bench.time)
        assert submissions.erase_due(conn, bench.time + timedelta(hours=1), 10) == (stored.id,)
    verdict = ask(bench, receipt.number, receipt.code, "4412")
    assert verdict == genuine(Outcome.HOLDER_NO, SubmissionState.GRANTED)


def test_the_npi_is_not_told_by_a_wrong_code(sqlite_bench, deposit):
    receipt = deposit(sqlite_bench)
    for last4 in ("4412", "4413"):
        assert ask(sqlite_bench, receipt.number, receipt.wrong, last4) == Verdict(Outcome.NOT_GENUINE)


def test_ten_tries_an_hour_for_a_number(bench, receipt):
    for _ in range(10):
        assert ask(bench, receipt.number, receipt.code).genuine
    assert ask(bench, receipt.number, receipt.code) == Verdict(Outcome.TOO_MANY)
    assert ask(bench, receipt.number, receipt.code, by=OTHER).genuine  # another phone is another count
    assert ask(bench, receipt.number, receipt.code, address="41.85.0.1").genuine
    bench.time = bench.time.replace(minute=59, second=59)
    assert ask(bench, receipt.number, receipt.code) == Verdict(Outcome.TOO_MANY)
    bench.later(seconds=1)
    assert ask(bench, receipt.number, receipt.code).genuine


@pytest.mark.parametrize(
    ("first", "second", "same", "remark"),
    [
        ("41.85.0.1", "41.85.0.1", True, ""),
        ("41.85.0.1", "41.85.0.2", False, ""),
        ("41.85.0.1", "::ffff:41.85.0.1", True, "the same peer on an IPv6 socket"),
        ("2001:db8::1", "2001:db8::ffff:1", True, "one subscriber has the whole /64"),
        ("2001:db8::1", "2001:db8:0:1::1", False, "the next /64"),
        ("", "unix:", True, "no address: one count for all of them"),
    ],
)
def test_addresses(sqlite_bench, first, second, same, remark):
    seals = sqlite_bench.parts.seals
    assert (Asker.of_address(seals, first) == Asker.of_address(seals, second)) is same
    assert first not in repr(Asker.of_address(seals, first)) or not first


def test_an_address_has_a_high_ceiling(sqlite_bench, deposit):
    settings = sqlite_bench.parts.settings
    limits = settings.limits.model_copy(update={"verify_per_address_hour": 12})
    sqlite_bench.parts = replace(sqlite_bench.parts, settings=settings.model_copy(update={"limits": limits}))
    receipt = deposit(sqlite_bench)
    answers = [ask(sqlite_bench, receipt.number, receipt.code, address="41.85.0.1").outcome for _ in range(14)]
    assert answers == [Outcome.GENUINE] * 12 + [Outcome.TOO_MANY] * 2


def guess(bench: Bench, receipt: Receipt, number: int, last4: str | None = None) -> Verdict:
    """Each time from another phone: only the reference counts."""
    code = receipt.wrong if last4 is None else receipt.code
    return ask(bench, receipt.number, code, last4, by=f"+22901970{number:05d}")


@pytest.mark.parametrize("real", [True, False], ids=["real", "unknown"])
def test_after_five_wrong_codes_a_reference_waits_longer_and_longer(bench, receipt, real):
    asked = receipt if real else Receipt(NOBODY_S, "000000")
    bench.time = bench.time.replace(hour=1, minute=0)
    for number in range(5):
        assert guess(bench, asked, number) == Verdict(Outcome.NOT_GENUINE)
    waits = []
    for number in range(5, 15):
        later = guess(bench, asked, number)
        assert later.outcome is Outcome.LATER
        waits.append(later.wait_s)
        bench.later(seconds=later.wait_s - 1)
        assert guess(bench, asked, 100 + number) == Verdict(Outcome.LATER, wait_s=1)
        bench.later(seconds=1)
        assert guess(bench, asked, 200 + number) == Verdict(Outcome.NOT_GENUINE)
    assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


def test_waiting_is_no_lock_and_the_right_code_ends_it(bench, receipt):
    for number in range(6):
        guess(bench, receipt, number)
    assert ask(bench, receipt.number, receipt.code) == Verdict(Outcome.LATER, wait_s=2)
    bench.later(seconds=2)
    assert ask(bench, receipt.number, receipt.code).genuine
    for number in range(5):  # the five free ones are back
        assert guess(bench, receipt, number) == Verdict(Outcome.NOT_GENUINE)
    assert guess(bench, receipt, 9).outcome is Outcome.LATER


def test_another_reference_does_not_wait(sqlite_bench, deposit):
    mine, another = deposit(sqlite_bench), deposit(sqlite_bench)
    for number in range(6):
        guess(sqlite_bench, mine, number)
    assert ask(sqlite_bench, another.number, another.code).genuine


def test_spelling_a_reference_otherwise_is_no_way_round(sqlite_bench, deposit):
    receipt = deposit(sqlite_bench)
    for number, typed in enumerate((receipt.number, reference.show(receipt.number)) * 3):
        guess(sqlite_bench, replace(receipt, number=typed), number)
    assert guess(sqlite_bench, receipt, 9).outcome is Outcome.LATER


def test_the_npi_cannot_be_found_by_trying(bench, receipt):
    """Whoever holds a récépissé has its code: a genuine answer must not give back the free tries at its NPI."""
    for number in range(5):
        assert guess(bench, receipt, number, last4=f"000{number}").outcome is Outcome.HOLDER_NO
        assert ask(bench, receipt.number, receipt.code).outcome is Outcome.GENUINE
    assert guess(bench, receipt, 9, last4="4412") == Verdict(Outcome.LATER, wait_s=2)
    assert ask(bench, receipt.number, receipt.code).outcome is Outcome.GENUINE  # the récépissé alone is told
    bench.later(seconds=2)
    assert guess(bench, receipt, 9, last4="4412").outcome is Outcome.HOLDER_YES


def test_guesses_side_by_side_do_not_pass_the_free_ones(bench, receipt):
    """Eight phones at once: no more than five wrong codes are looked at before the reference waits."""
    answers: list[Outcome] = []
    start = threading.Barrier(8)

    def one(number: int) -> None:
        start.wait(10)
        answers.append(guess(bench, receipt, number).outcome)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [Outcome.LATER] * 3 + [Outcome.NOT_GENUINE] * 5


def looked_up(bench: Bench, caller: Any, left_s: float = 5.0, **args: str) -> LookupAnswer:
    return verify_receipt(bench.parts, Lookup("verify_receipt", args), caller, left_s)


def test_the_source_says_it_in_words(sqlite_bench, deposit, caller, other):
    receipt = deposit(sqlite_bench)
    found = looked_up(sqlite_bench, caller, reference=receipt.number, code=receipt.code, last4="-")
    values = {"service_title": "Acte de naissance", "day": "23/11/2026", "state_label": "reçue"}
    assert found == LookupAnswer("genuine", {name: Saved(value) for name, value in values.items()})
    found = looked_up(sqlite_bench, other, reference=receipt.number, code=receipt.code, last4="4412")
    values = {"service_title": "Birth certificate", "day": "23/11/2026", "state_label": "received"}
    assert found == LookupAnswer("holder_yes", {name: Saved(value) for name, value in values.items()})
    assert looked_up(sqlite_bench, other, reference=receipt.number, code=receipt.wrong) == LookupAnswer("not_genuine")
    for _ in range(4):
        looked_up(sqlite_bench, other, reference=receipt.number, code=receipt.wrong, last4="")
    later = looked_up(sqlite_bench, caller, reference=receipt.number, code=receipt.code)
    assert later == LookupAnswer("later", {"wait": Saved(2)})


def test_the_source_without_a_database(sqlite_bench, caller, monkeypatch):
    def away(*args: Any) -> Any:
        raise StoreUnavailable(Why.AWAY)

    assert looked_up(sqlite_bench, caller, 0.0, reference=NOBODY_S).outcome == "unavailable"
    monkeypatch.setattr(stored, "proof_of", away)
    assert looked_up(sqlite_bench, caller, reference=NOBODY_S, code="1").outcome == "unavailable"


def test_nothing_personal_is_logged_or_shown(sqlite_bench, deposit, monkeypatch):
    lines: list[bytes] = []
    logs.start("info", lambda: sqlite_bench.time)  # whatever another test left
    monkeypatch.setattr(logs._Sink, "write", staticmethod(lines.append))
    receipt = deposit(sqlite_bench)
    verdict = ask(sqlite_bench, receipt.number, receipt.code, "4412")
    ask(sqlite_bench, receipt.number, receipt.wrong, "4412")
    assert len(lines) == 2
    said = b"".join(lines).decode() + repr(verdict)
    for secret in (receipt.number, receipt.code, "4412", MSISDN[-8:]):
        assert secret not in said


def test_a_service_that_is_no_longer_there_keeps_its_id(sqlite_bench):
    assert verification.in_words(sqlite_bench.parts, replace(genuine(), service="gone"), "fr")[0] == "gone"
