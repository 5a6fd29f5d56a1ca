"""What a delivered turn means, given the record of its dialogue: the same again, a new input, a rebuild, a conflict.

Pure. The transcript itself is never kept: a record holds its length and its keyed hash, which is enough to tell
whether a longer transcript begins with it, and short hashes of the earlier ones, which tell a stale delivery from a
foreign one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto

import msgspec

from gateway.messages import UssdEvent, UssdTurn

#: Keyed hash of a text: 16 bytes, so that two transcripts never share one and none can be guessed back.
Hash = Callable[[str], bytes]


class Body(msgspec.Struct, array_like=True, frozen=True):
    """What a record holds about a dialogue. `state` is None once it has ended."""

    who: bytes  #: hash of number and service code: a dialogue never changes them
    length: int  #: characters of the transcript (cumulative channels)
    mark: bytes  #: hash of the transcript, or of the last input
    turn: str  #: the aggregator's turn id; empty when it gives none
    at_ms: int  #: when this turn was answered
    opened_ms: int  #: when the dialogue was opened
    reply: str
    final: bool
    language: str
    state: bytes | None
    trace: bytes  #: earlier transcripts of this dialogue, see `traced`
    msisdn: str  #: whose dialogue it is, for the copy kept of a dropped one (the record is sealed)
    network: str

    def __repr__(self) -> str:
        """Nothing of the citizen."""
        return f"Body(length={self.length}, final={self.final})"


class Kind(Enum):
    REPEAT = auto()  #: answered already: the stored reply
    CONFLICT = auto()  #: another prefix, number or service code: one END sentence, the record untouched
    OPEN = auto()  #: a new dialogue; `parts` is its dial tail
    INPUT = auto()  #: one answer, `parts[0]`
    REPLAY = auto()  #: several answers to apply in order, without any durable effect
    LOST = auto()  #: an answer to a dialogue nobody remembers, on a channel that does not repeat the transcript


@dataclass(frozen=True, slots=True)
class Plan:
    kind: Kind
    parts: tuple[str, ...] = field(default=(), repr=False)
    prefix: str = field(default="", repr=False)  #: transcript before `parts`, for the act keys of a cumulative channel
    rest: str = field(default="", repr=False)  #: INPUT on a cumulative channel: the new text, whole, before any split


def who(turn: UssdTurn, digest: Hash) -> bytes:
    """What binds a dialogue to its number and service code."""
    return digest(f"{turn.msisdn}|{turn.service_code}")


#: A repetition may be received while the first delivery is at work, which no channel allows to last longer
#: (settings: deadline_ms). One from before that means that the clock went back: it is a new answer.
_LONGEST_TURN_MS = 30_000


def plan(body: Body | None, turn: UssdTurn, digest: Hash, now_ms: int, window_ms: int, ordered: bool = True) -> Plan:
    """What to do with `turn`; `window_ms` serves only channels that name no turn.

    `ordered`: turn ids are sequence numbers, so that a smaller one is a stale delivery; False for request ids.
    """
    if body is not None and body.who != who(turn, digest):
        return Plan(Kind.CONFLICT)
    if turn.event is UssdEvent.CUMULATIVE:
        return _diff(body, turn.text, digest)
    return _last_input(body, turn, digest, now_ms, window_ms, ordered)


def _diff(body: Body | None, text: str, digest: Hash) -> Plan:
    if body is None:
        return Plan(Kind.REPLAY, parts=split(text)) if text else Plan(Kind.OPEN)
    if len(text) < body.length:
        return Plan(Kind.REPEAT if _entry(text, digest) in _entries(body.trace) else Kind.CONFLICT)
    if len(text) == body.length:
        return Plan(Kind.REPEAT if digest(text) == body.mark else Kind.CONFLICT)
    prefix = text[: body.length]
    if digest(prefix) != body.mark or (prefix and text[body.length] != "*"):
        return Plan(Kind.CONFLICT)
    if body.state is None:
        return Plan(Kind.REPEAT)
    rest = text[body.length + 1 :] if prefix else text
    return Plan(Kind.INPUT, parts=(rest,), prefix=prefix, rest=rest)


def split(rest: str) -> tuple[str, ...]:
    """The answers in a piece of transcript; a trailing `*` is an empty answer, and a lone `*` is one of those."""
    return ("",) if rest == "*" else tuple(rest.split("*"))


#: One entry of a trace: the transcript's length in 2 bytes, and the first 6 bytes of its hash.
_ENTRY_BYTES = 8
#: Turns remembered: a delivery staler than that is no retry.
_ENTRIES = 40


def traced(body: Body | None, text: str, digest: Hash) -> bytes:
    """The trace to keep with transcript `text`: every earlier one, to tell a stale delivery from a foreign one."""
    start = body.length if body is not None else 0
    trace = body.trace if body is not None else b""
    if text and start == 0:
        trace += _entry("", digest)
    places = [place for place, character in enumerate(text) if character == "*" and place >= max(start, 1)]
    if body is not None and places and places[0] == start:  # the one that the record answers: its hash is there
        trace += start.to_bytes(2, "big") + body.mark[:6]
        del places[0]
    trace += b"".join(_entry(text[:place], digest) for place in places)
    return trace[-_ENTRIES * _ENTRY_BYTES :]


def _entry(text: str, digest: Hash) -> bytes:
    return len(text).to_bytes(2, "big") + digest(text)[:6]


def _entries(trace: bytes) -> set[bytes]:
    return {trace[start : start + _ENTRY_BYTES] for start in range(0, len(trace), _ENTRY_BYTES)}


def _last_input(body: Body | None, turn: UssdTurn, digest: Hash, now_ms: int, window_ms: int, ordered: bool) -> Plan:
    new = turn.event is UssdEvent.NEW
    fresh = Plan(Kind.REPLAY, parts=split(turn.text)) if turn.text else Plan(Kind.OPEN)
    if body is None:
        return fresh if new else Plan(Kind.LOST)
    if turn.turn_id is not None:
        if turn.turn_id == body.turn or (ordered and _earlier(turn.turn_id, body.turn)):
            return Plan(Kind.REPEAT)
    elif digest(turn.text) == body.mark and -_LONGEST_TURN_MS <= now_ms - body.at_ms <= window_ms:
        return Plan(Kind.REPEAT)
    if new:
        return fresh
    if body.state is None:
        return Plan(Kind.REPEAT)
    return Plan(Kind.INPUT, parts=(turn.text,))


def _earlier(turn_id: str, answered: str) -> bool:
    """Whether a sequence number comes before the one answered last: a stale delivery."""
    return turn_id.isdecimal() and answered.isdecimal() and int(turn_id) < int(answered)


def act_key(turn: UssdTurn, text: str, body: Body | None, version: int, ordinal: int, digest: Hash) -> bytes:
    """What makes an act one act: the channel, the dialogue, the input that caused it and its ordinal.

    On a cumulative channel the input is named by the transcript up to it (`text`), which a rebuild finds again; else by
    the aggregator's turn id, else by the version of the record that it answers.
    """
    opened_ms = body.opened_ms if body is not None else 0
    if turn.event is UssdEvent.CUMULATIVE:
        cause = f"t:{text}"
    elif turn.turn_id is not None:
        cause = f"i:{opened_ms}:{turn.turn_id}"
    else:
        cause = f"v:{opened_ms}:{version}"
    return digest("\x1f".join((turn.channel, turn.session_id, turn.msisdn, cause, str(ordinal))))


def keyed(key: bytes) -> Hash:
    """The hash used for all of the above: BLAKE2b with `key`, 16 bytes."""

    def digest(text: str) -> bytes:
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), key=key, digest_size=16).digest()

    return digest
