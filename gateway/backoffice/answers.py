"""What an HTTP answer of an institution's system means: taken, refused, later; and the news it tells."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.utils import parsedate_to_datetime

import msgspec

from gateway.backoffice import mapping
from gateway.backoffice.base import Fault
from gateway.backoffice.mapping import Reading
from gateway.backoffice.ways import Way
from gateway.messages import BackofficeAnswer, BackofficeEvent, Decision, EventType, Evidence, HandOver
from gateway.outgoing import Answer, NoAnswer, NotSent
from gateway.settings.mapping import Answers, Meaning

#: However long an institution asks us to wait, we look again within a day.
_LONGEST_WAIT_S = 86_400
#: The system is busy, still works on the same key (409), or the request never reached the program that decides.
_BUSY = frozenset({408, 409, 425, 429})
#: Not a word about this demand but about the way to the system: a wrong address, a token that ran out. A
#: person must look; until then demands wait, because refusing them would tell citizens what nobody decided.
_MISCONFIGURED = frozenset({401, 403, 404, 405, 407})
#: What HTTP itself says of the form of a request (RFC 9110 §15.5, RFC 6585 §3, §5): likewise, unless the body refuses.
_FORM = frozenset({406, 411, 412, 413, 414, 415, 417, 421, 426, 428, 431})
#: Taken, and nothing more to tell than its number.
_TAKEN = {"accepted": HandOver.ACCEPTED, "delivered": HandOver.DELIVERED}
_EVENTS: Mapping[Meaning, tuple[EventType, Decision | None]] = {
    "accepted": (EventType.ACKNOWLEDGED, None),
    "delivered": (EventType.DELIVERED, None),
    "in_progress": (EventType.IN_PROGRESS, None),
    "more_needed": (EventType.MORE_NEEDED, None),
    "granted": (EventType.DECIDED, Decision.GRANTED),
    "refused": (EventType.DECIDED, Decision.REFUSED),
    "rejected": (EventType.DECIDED, Decision.REFUSED),
}


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the answers of one system."""

    system: str
    answers: Answers
    way: Way
    now: Callable[[], datetime] = field(repr=False)

    def submitted(self, answer: Answer, reference: str) -> BackofficeAnswer:
        """What the answer to a submission means; what cannot be read is a RETRY."""
        failed = self._failed(answer)
        if failed is not None:
            return failed
        status, evidence = answer.status, self.way.evidence(answer)
        read = mapping.read(self.answers, answer.body)
        reading, blank = read or Reading(), not answer.body.strip()
        meaning = reading.meaning
        if 400 <= status < 500:
            if meaning in ("rejected", "refused"):
                return _rejected(reading, f"http_{status}", evidence)
            page = status == 400 and read is None and not blank  # a proxy's, as for http:// to a port of https://
            if page or status in _FORM:
                return self._retry(f"http_{status}", answer, misconfigured=True)
            return _rejected(Reading(), f"http_{status}", evidence)
        # What is no JSON says no state either, but a proxy's page or half an answer took nothing.
        if not reading.said and status in (200, 201, 202, 204) and (read is not None or blank):
            meaning = self.answers.when_absent
        if status not in (200, 201, 202) and not (status == 204 and meaning):
            return self._retry(f"http_{status}", answer)  # no answer that we know
        if meaning == "rejected":
            return _rejected(reading, "rejected", evidence)
        event = None if meaning is None or meaning in _TAKEN else self._event(reading, reference)
        if meaning is None or (event is None and meaning not in _TAKEN):
            return self._retry("unreadable", answer)
        return BackofficeAnswer(
            _TAKEN.get(meaning, HandOver.ACCEPTED),
            case_number=reading.case_number,
            code=meaning,
            evidence=evidence,
            events=() if event is None else (event,),
        )

    def told(self, answer: Answer) -> BackofficeAnswer:
        """What the answer to news of ours means; a demand that is not known there (404, 410) needs none."""
        fault, code = self.way.fault(answer), f"http_{answer.status}"
        if fault is None and (200 <= answer.status < 300 or answer.status in (404, 410)):
            return BackofficeAnswer(HandOver.ACCEPTED, code=code, evidence=self.way.evidence(answer))
        return self._failed(answer) or self._retry(code, answer)

    def news(self, answer: Answer, reference: str) -> tuple[BackofficeEvent, ...] | Fault:
        """The state that is told, as an event with the same id each time it is read; a Fault when none is."""
        fault = self.unread(answer)
        if fault is not None:
            return fault
        reading = mapping.read(self.answers, answer.body)
        event = None if reading is None else self._event(reading, reference)
        return Fault("unreadable", misconfigured=True) if event is None else (event,)

    def unread(self, answer: Answer) -> Fault | None:
        """Why an answer to a reading is none, before its body is looked at."""
        fault = self.way.fault(answer)
        if fault is None and answer.status != 200:
            fault = Fault(f"http_{answer.status}", misconfigured=_wrong_way(answer.status))
        return None if fault is None else replace(fault, retry_after_s=_wait_s(answer.retry_after, self.now))

    def _failed(self, answer: Answer) -> BackofficeAnswer | None:
        """A RETRY when the way or the system failed; None for what somebody decided."""
        fault, status = self.way.fault(answer), answer.status
        if fault is not None:
            return self._retry(fault.code, answer, misconfigured=fault.misconfigured)
        if status in _BUSY or status >= 500 or _wrong_way(status):
            return self._retry(f"http_{status}", answer, misconfigured=_wrong_way(status))
        return None

    def _retry(self, code: str, answer: Answer, *, misconfigured: bool = False) -> BackofficeAnswer:
        wait_s = _wait_s(answer.retry_after, self.now)
        return BackofficeAnswer(HandOver.RETRY, code=code, retry_after_s=wait_s, misconfigured=misconfigured)

    def _event(self, reading: Reading, reference: str) -> BackofficeEvent | None:
        """What a state tells; None for no state of ours, and for a question without words."""
        if reading.meaning is None or (reading.meaning == "more_needed" and not reading.question):
            return None
        type_, decision = _EVENTS[reading.meaning]
        asks = type_ is EventType.MORE_NEEDED
        about = ["", reading.question] if asks else [reading.case_number, {}]  # a new file number asks nothing anew
        said = [reference, reading.meaning, *about, reading.news]
        return BackofficeEvent(
            system=self.system,
            event_id="read-" + hashlib.sha256(msgspec.json.encode(said, order="sorted")).hexdigest()[:40],
            type=type_,
            reference=reference,
            occurred_at=None,
            case_number=reading.case_number,
            decision=decision,
            message=reading.reason if decision is not None else {},
            question=reading.question if asks else {},
            answer_by=reading.answer_by if asks else None,
        )


def lost(error: NotSent | NoAnswer) -> BackofficeAnswer:
    """A RETRY for a call that got no answer."""
    return BackofficeAnswer(HandOver.RETRY, code=code_of(error))


def code_of(error: NotSent | NoAnswer) -> str:
    """no_connection, cut, too_slow or too_large."""
    return error.code if isinstance(error, NoAnswer) else "no_connection"


def _wrong_way(status: int) -> bool:
    return status in _MISCONFIGURED or 300 <= status < 400


def _rejected(reading: Reading, otherwise: str, evidence: Evidence | None) -> BackofficeAnswer:
    code = reading.code or otherwise
    return BackofficeAnswer(HandOver.REJECTED, code=code, reason=reading.reason, evidence=evidence)


def _wait_s(header: str, now: Callable[[], datetime]) -> int | None:
    """Seconds asked for by a Retry-After header (RFC 9110 §10.2.3), None when it is absent or unreadable."""
    text = header.strip()
    if text.isascii() and text.isdigit():
        return min(int(text[:9]), _LONGEST_WAIT_S)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, IndexError, OverflowError):
        return None
    if until.tzinfo is None:
        return None
    return min(max(0, int((until - now()).total_seconds())), _LONGEST_WAIT_S)
