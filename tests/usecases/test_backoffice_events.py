from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from gateway.messages import BackofficeEvent, Decision, EventType, SubmissionState
from gateway.store import submission_events
from gateway.usecases.backoffice_events import take_event
from gateway.usecases.hand_over import hand_over
from gateway.usecases.submissions import submit

_ids = count(1)


@pytest.fixture
def number(bench, act, caller):
    return submit(bench.parts, act(), caller, b"k" * 32).values["reference"].raw


def event(bench, number: str, decision: str | None = None, **more: object) -> BackofficeEvent:
    return BackofficeEvent(
        system=str(more.pop("system", "etat-civil")),
        event_id=str(more.pop("event_id", f"evt_{next(_ids)}")),
        type=EventType.DECIDED if decision else EventType.ACKNOWLEDGED,
        reference=number,
        occurred_at=bench.time,
        decision=Decision(decision) if decision else None,
        **more,
    )


def take(bench, *args: object, **more: object) -> str:
    return take_event(bench.parts, event(bench, *args, **more), bench.time)


def notices(bench, number: str) -> list[str]:
    return [mt.template for mt in bench.sms(number)][1:]


def test_acknowledged_then_granted(bench, number):
    bench.announced.clear()
    assert take(bench, number, case_number="EC-1") == "taken"
    assert take(bench, number, "granted", message={"fr": "Passez à la mairie.", "en": "Come."}) == "taken"
    stored = bench.submission(number)
    assert (stored.state, stored.case_number, stored.decision) == ("granted", "EC-1", Decision.GRANTED)
    assert stored.closed_at == bench.time
    assert notices(bench, number) == ["acknowledged_case", "decided_granted_message"]
    assert bench.texts(number)[2].endswith("est acceptée. Passez à la mairie.")
    assert bench.announced == ["urgent", "urgent"]


def test_refused_without_a_word(bench, number):
    assert take(bench, number, "refused") == "taken"
    assert notices(bench, number) == ["decided_refused"]


def test_the_same_event_twice_has_no_effect(bench, number):
    assert take(bench, number, event_id="e1") == "taken"
    assert take(bench, number, event_id="e1") == "repeated"
    assert len(notices(bench, number)) == 1


@pytest.mark.fault("F9", "F20")
def test_the_same_event_many_times_at_once(bench, number):
    same = event(bench, number, "granted", event_id="e1")
    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(lambda _: take_event(bench.parts, same, bench.time), range(8)))
    assert sorted(outcomes) == ["repeated"] * 7 + ["taken"]
    assert len(notices(bench, number)) == 1


@pytest.mark.parametrize(
    ("first", "then", "remark"),
    [
        ("granted", None, "an acknowledgement after the decision"),
        ("granted", "refused", "a second decision"),
        ("granted", "granted", "the same decision under another id"),
        (None, None, "a second acknowledgement"),
    ],
)
def test_late_events_tell_nothing_twice(sqlite_bench, act, caller, first, then, remark):
    bench = sqlite_bench
    number = submit(bench.parts, act(), caller, b"k" * 32).values["reference"].raw
    assert take(bench, number, first) == "taken"
    state = bench.submission(number).state
    assert take(bench, number, then) == "late"
    assert bench.submission(number).state == state
    assert len(notices(bench, number)) == 1
    with bench.parts.database.read() as conn:
        assert submission_events.of(conn, bench.submission(number).id)[-1].code == "late"


def test_acknowledged_at_once_and_by_event(bench, number):
    hand_over(bench.parts, bench.claim("backoffice"))
    assert take(bench, number, case_number="EC-7") == "late"
    assert notices(bench, number) == ["acknowledged"]
    assert bench.submission(number).case_number == "EC-7"


@pytest.mark.parametrize(
    ("reference", "system"),
    [("482109375625", "etat-civil"), (None, "impots")],
    ids=["no such submission", "another system's"],
)
def test_an_unknown_reference(bench, number, reference, system):
    for _ in range(2):  # not recorded: heard again each time
        outcome = take(bench, reference or number, system=system, event_id="e1")
        assert outcome == "unknown_reference"
    assert bench.submission(number).state == SubmissionState.RECEIVED


def test_a_sensitive_service_says_only_that_there_is_news(sqlite_bench, act, caller):
    bench = sqlite_bench.with_service(sensitive=True)
    number = submit(bench.parts, act(), caller, b"k" * 32).values["reference"].raw
    take(bench, number, case_number="EC-1")
    take(bench, number, "refused", message={"fr": "Acte introuvable."})
    assert notices(bench, number) == ["acknowledged_sensitive", "decided_sensitive"]
    for text in bench.texts(number)[1:]:
        for told in ("naissance", "refus", "introuvable", "EC-1"):
            assert told not in text


@pytest.mark.parametrize(
    ("message", "encoding", "remark"),
    [
        ("Acte prêt à l'arrondissement", "GSM-7", "accents that phones have, or plain letters"),
        ("Prêt 😀", "UCS-2", "nothing is lost silently: it leaves as it is"),
        ("x" * 200, "GSM-7", "the longest"),
        ("x" * 201, "GSM-7", "visibly cut"),
        ("😀" * 33, "UCS-2", "the longest: 66 units"),
        ("😀" * 34, "UCS-2", "visibly cut"),
        ("ligne 1\nligne 2", "GSM-7", "one line"),
    ],
)
def test_what_institutions_write(sqlite_bench, act, caller, message, encoding, remark):
    bench = sqlite_bench
    number = submit(bench.parts, act(), caller, b"k" * 32).values["reference"].raw
    take(bench, number, "granted", message={"fr": message})
    from gateway.text import segments

    text = bench.texts(number)[1]
    measure = segments.measure(text)
    assert measure.encoding == encoding
    assert measure.segments <= 2
    assert "?" not in text
    assert "\n" not in text
    assert text.endswith("..") is (message in ("x" * 201, "😀" * 34))
