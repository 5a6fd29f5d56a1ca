"""What a delivered turn means, given the record: guarantees 1 and 2, decided without any I/O."""

from __future__ import annotations

import msgspec
import pytest

from gateway.messages import UssdEvent, UssdTurn
from gateway.usecases.transcripts import Body, Kind, act_key, keyed, plan, split, traced, who

digest = keyed(b"k" * 32)
NUMBER = "+2290197000000"


def turn(text: str, event: UssdEvent = UssdEvent.CUMULATIVE, **changes: str | None) -> UssdTurn:
    values: dict[str, object] = {
        "channel": "at",
        "session_id": "s1",
        "msisdn": NUMBER,
        "service_code": "*229#",
        "event": event,
        "text": text,
        **changes,
    }
    return UssdTurn(**values)  # type: ignore[arg-type]  # keys are the fields'


def record(
    text: str, state: bytes | None = b"state", turn_id: str = "", at_ms: int = 1000, cumulative: bool = True
) -> Body:
    return Body(
        who=who(turn(""), digest),
        length=len(text) if cumulative else 0,
        mark=digest(text),
        turn=turn_id,
        at_ms=at_ms,
        opened_ms=1000,
        reply="CON",
        final=state is None,
        language="fr",
        state=state,
        trace=traced(None, text, digest) if cumulative else b"",
        msisdn=NUMBER,
        network="",
    )


CUMULATIVE = [
    # stored, delivered, kind, parts, remark
    (None, "", Kind.OPEN, (), "first dial"),
    (None, "1*2", Kind.REPLAY, ("1", "2"), "deep dial, or a rebuild after Redis was lost: one path"),
    (None, "*", Kind.REPLAY, ("",), "an empty answer on the first screen"),
    ("", "", Kind.REPEAT, (), "the first dial delivered twice"),
    ("", "1", Kind.INPUT, ("1",), "first answer"),
    ("1", "1*2", Kind.INPUT, ("2",), "next answer"),
    ("1", "1", Kind.REPEAT, (), "the same turn again"),
    ("1*2", "1", Kind.REPEAT, (), "shorter: a stale delivery gets the current reply"),
    ("1*2", "", Kind.REPEAT, (), "shorter, down to nothing"),
    ("1", "1*", Kind.INPUT, ("",), "a trailing star is an empty answer"),
    ("1*", "1**", Kind.INPUT, ("",), "and another one"),
    ("1", "1*12*5", Kind.INPUT, ("12*5",), "the rest is one input, its star included"),
    ("1*2", "1*3", Kind.CONFLICT, (), "same length, another answer"),
    ("1*2", "3*2*1", Kind.CONFLICT, (), "longer, another prefix"),
    ("1", "12", Kind.CONFLICT, (), "longer, but the stored answer itself changed"),
    ("1*2", "3", Kind.CONFLICT, (), "shorter, and never a transcript of this dialogue"),
    ("1*2*3", "1*2", Kind.REPEAT, (), "shorter by one turn"),
    ("1*2*3", "1*", Kind.CONFLICT, (), "shorter, with an empty answer that never was"),
    ("11*2", "1", Kind.CONFLICT, (), "shorter, half an answer"),
]


@pytest.mark.parametrize(("stored", "text", "kind", "parts", "remark"), CUMULATIVE, ids=[row[-1] for row in CUMULATIVE])
def test_cumulative_text_is_diffed(
    stored: str | None, text: str, kind: Kind, parts: tuple[str, ...], remark: str
) -> None:
    body = None if stored is None else record(stored)
    found = plan(body, turn(text), digest, 2000, 2000)
    assert (found.kind, found.parts) == (kind, parts), remark


def test_after_the_end_a_longer_transcript_gets_the_last_reply_again() -> None:
    assert plan(record("1", state=None), turn("1*2"), digest, 2000, 0).kind is Kind.REPEAT


@pytest.mark.parametrize("change", [{"msisdn": "+2290166000000"}, {"service_code": "*230#"}])
def test_a_dialogue_that_changes_hands_is_a_conflict(change: dict[str, str]) -> None:
    assert plan(record("1"), turn("1*2", **change), digest, 2000, 0).kind is Kind.CONFLICT
    assert plan(record("1"), turn("1", **change), digest, 2000, 0).kind is Kind.CONFLICT


def test_what_stands_before_the_new_input_is_known_for_the_act_key() -> None:
    found = plan(record("1*2"), turn("1*2*5*6"), digest, 2000, 0)
    assert (found.prefix, found.rest) == ("1*2", "5*6")


SEQUENCE = [
    # stored turn id, delivered event, turn id, kind, remark
    ("2", UssdEvent.INPUT, "2", Kind.REPEAT, "the same sequence"),
    ("2", UssdEvent.INPUT, "3", Kind.INPUT, "the next one"),
    ("3", UssdEvent.INPUT, "2", Kind.REPEAT, "a stale one gets the current reply"),
    ("9", UssdEvent.INPUT, "10", Kind.INPUT, "sequences are numbers, not words"),
    ("req-9", UssdEvent.INPUT, "req-10", Kind.INPUT, "request ids have no order"),
    ("1", UssdEvent.NEW, "1", Kind.REPEAT, "the dial delivered twice"),
    ("7", UssdEvent.NEW, "8", Kind.OPEN, "the aggregator uses the session id for a new dialogue"),
]


@pytest.mark.parametrize(("stored", "event", "turn_id", "kind", "remark"), SEQUENCE, ids=[row[-1] for row in SEQUENCE])
def test_a_turn_id_names_the_turn(stored: str, event: UssdEvent, turn_id: str, kind: Kind, remark: str) -> None:
    text = "" if event is UssdEvent.NEW else "1"
    found = plan(
        record("1", turn_id=stored, cumulative=False),
        turn(text, event, turn_id=turn_id),
        digest,
        99_000,
        2000,
    )
    assert found.kind is kind, remark


WINDOW = [
    (1000 + 2000, "1", Kind.REPEAT, "identical, at the edge of the window"),
    (1000 + 2001, "1", Kind.INPUT, "identical, just past it: the citizen answered the same again"),
    (1000 + 1, "2", Kind.INPUT, "another answer, however soon"),
]


@pytest.mark.parametrize(("now_ms", "text", "kind", "remark"), WINDOW, ids=[row[-1] for row in WINDOW])
def test_without_a_turn_id_a_window_decides(now_ms: int, text: str, kind: Kind, remark: str) -> None:
    found = plan(record("1", cumulative=False), turn(text, UssdEvent.INPUT), digest, now_ms, 2000)
    assert found.kind is kind, remark


def test_last_input_channels_without_a_record() -> None:
    assert plan(None, turn("", UssdEvent.NEW), digest, 0, 0) == plan(None, turn(""), digest, 0, 0)
    assert plan(None, turn("21*3", UssdEvent.NEW), digest, 0, 0).parts == ("21", "3")
    assert plan(None, turn("3", UssdEvent.INPUT), digest, 0, 0).kind is Kind.LOST


@pytest.mark.parametrize(
    ("rest", "parts"),
    [("1", ("1",)), ("1*2", ("1", "2")), ("1*", ("1", "")), ("*", ("",)), ("**", ("", "", ""))],
)
def test_split(rest: str, parts: tuple[str, ...]) -> None:
    assert split(rest) == parts


def test_act_keys() -> None:
    body = record("1")
    key = act_key(turn("1*2*1"), "1*2*1", body, 4, 0, digest)
    assert key == act_key(turn("1*2*1*9"), "1*2*1", None, 9, 0, digest), "a rebuild finds the act by the transcript"
    assert key != act_key(turn("1*2*1"), "1*2*1", body, 4, 1, digest), "the second act of one input is another"
    assert key != act_key(turn("1*2*1", session_id="s2"), "1*2*1", body, 4, 0, digest)
    assert key != act_key(turn("1*2*1", msisdn="+2290166000000"), "1*2*1", body, 4, 0, digest)
    last = turn("1", UssdEvent.INPUT, turn_id="5")
    assert act_key(last, "", body, 4, 0, digest) == act_key(last, "", body, 5, 0, digest)
    window = turn("1", UssdEvent.INPUT)
    assert act_key(window, "", body, 4, 0, digest) != act_key(window, "", body, 5, 0, digest)


def test_a_trace_grows_with_each_turn_and_stays_small() -> None:
    body = record("")
    text = ""
    for number in range(100):
        text = f"{text}*{number}" if text else f"{number}"
        body = msgspec.structs.replace(body, trace=traced(body, text, digest), length=len(text), mark=digest(text))
    assert len(body.trace) == 40 * 8
    last = text.rsplit("*", 1)[0]
    assert plan(body, turn(last), digest, 2000, 0).kind is Kind.REPEAT
    assert plan(body, turn(last[:-1] + "x"), digest, 2000, 0).kind is Kind.CONFLICT
