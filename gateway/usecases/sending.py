"""Sending SMS: a batch of claimed rows, the fewest calls, and one settled answer for each recipient.

Before a call, `sending` and its attempt are committed; a crash from there on leaves rows that nobody sends again,
which the sweep makes `unknown`. No call is made inside a transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from gateway import logs, metrics
from gateway.channels.base import ChannelError
from gateway.messages import MtSms, MtState, SendOutcome, SendResult
from gateway.store import mts, outbox
from gateway.store.db import Connection, StoreUnavailable
from gateway.store.mts import MtToSend
from gateway.store.outbox import Claimed
from gateway.usecases.backoff import wait_s
from gateway.usecases.delivery_reports import match_strays
from gateway.usecases.parts import Parts

#: The answer to a call that was made is worth waiting for the database: without it the SMS would be `unknown`.
_SETTLE_TRIES = 3


@dataclass(frozen=True, slots=True)
class Letter:
    """One SMS of a batch: its outbox row, which is mine, and what it says to whom."""

    row: Claimed
    mt: MtToSend = field(repr=False)


@dataclass(frozen=True, slots=True)
class Batch:
    """Letters that one call can carry: the same text from the same sender, each number once."""

    channel: str
    sender: str
    text: str = field(repr=False)
    letters: tuple[Letter, ...]


def prepare(parts: Parts, rows: Sequence[Claimed]) -> tuple[Batch, ...]:
    """The calls that these claimed rows need; what must not leave is settled here. Raises StoreUnavailable.

    An SMS whose validity is over becomes `expired`; one that is no longer `created` has been settled elsewhere; one
    that cannot be read is given up, and holds up none of the others.
    """
    ready: list[Letter] = []
    with parts.database.begin() as conn:
        found = mts.for_sending(conn, parts.seals, [row.target_id for row in rows])
        for row in rows:
            mt = found.get(row.target_id)
            if mt is not None and _may_leave(conn, parts, row, mt):
                ready.append(Letter(row, mt))
            elif row.target_id not in found:
                outbox.done(conn, row.id, row.token, "erased", parts.now())
            elif mt is None:
                _give_up(conn, parts, row, "unreadable")
    return _batches(parts, ready)


def send(parts: Parts, batch: Batch) -> None:
    """Makes one call and settles each recipient. Raises StoreUnavailable.

    When the answer cannot be stored the rows stay in `sending`, and the sweep makes them `unknown`.
    """
    started = parts.monotonic()
    letters = _start(parts, batch)
    if not letters:
        return
    results = _call(parts, batch, letters)
    for left in reversed(range(_SETTLE_TRIES)):
        try:
            _settle_all(parts, letters, results)
            break
        except StoreUnavailable as error:
            logs.event("mt.not_settled", level="error", channel=batch.channel, why=error.why, tries_left=left)
            if not left:
                raise
    duration_ms = round((parts.monotonic() - started) * 1000)
    for letter, result in zip(letters, results, strict=True):
        metrics.sms_sent.labels(batch.channel, result.outcome).inc()
        logs.event(
            "mt.sent",
            mt_id=letter.mt.id,
            channel=batch.channel,
            outcome=result.outcome,
            code=result.code,
            attempt=letter.row.attempts + 1,
            duration_ms=duration_ms,
        )


def _may_leave(conn: Connection, parts: Parts, row: Claimed, mt: MtToSend) -> bool:
    now = parts.now()
    if mt.state is not MtState.CREATED:
        outbox.done(conn, row.id, row.token, "not_needed", now)
        return False
    if mt.valid_until <= now:
        if outbox.done(conn, row.id, row.token, "expired", now):
            mts.move(conn, mt.id, MtState.EXPIRED, "send", "validity", now)
            logs.event("mt.expired", mt_id=mt.id, channel=mt.channel)
        return False
    if mt.channel not in parts.channels:
        logs.event("mt.stopped", level="error", mt_id=mt.id, channel=mt.channel, code="no_channel")
        later = now + timedelta(seconds=parts.settings.sms.longest_retry_s)
        outbox.retry(conn, row.id, row.token, later, "no_channel", now)
        return False
    return True


def _batches(parts: Parts, letters: Sequence[Letter]) -> tuple[Batch, ...]:
    """The letters in as few calls as their channels allow, the most urgent first."""
    open_calls: dict[tuple[str, str, str], list[list[Letter]]] = {}
    for letter in letters:
        mt = letter.mt
        calls = open_calls.setdefault((mt.channel, mt.sender, mt.text), [[]])
        most = parts.settings.channels[mt.channel].max_recipients_per_call
        if len(calls[-1]) >= most or any(other.mt.msisdn == mt.msisdn for other in calls[-1]):
            calls.append([])
        calls[-1].append(letter)
    return tuple(
        Batch(channel, sender, text, tuple(call))
        for (channel, sender, text), calls in open_calls.items()
        for call in calls
    )


def _start(parts: Parts, batch: Batch) -> tuple[Letter, ...]:
    """The letters that may now leave: `sending` and an attempt are committed for each."""
    now, deadline_s = parts.now(), parts.settings.sms.sending_deadline_s
    started: list[Letter] = []
    with parts.database.begin() as conn:
        for letter in batch.letters:
            row = letter.row
            if outbox.start_sending(conn, row.id, row.token, deadline_s, now) is None:
                continue  # the lease ended or another worker has it: do not call
            if mts.move(conn, letter.mt.id, MtState.SENDING, "send", "", now):
                started.append(letter)
            else:
                outbox.done(conn, row.id, row.token, "not_needed", now)
    return tuple(started)


def _call(parts: Parts, batch: Batch, letters: Sequence[Letter]) -> tuple[SendResult, ...]:
    """One result for each letter, in their order, whatever the channel does."""
    numbers = tuple(letter.mt.msisdn for letter in letters)
    try:
        answered = parts.channels[batch.channel].send(MtSms(batch.channel, batch.sender, batch.text, numbers))
    except ChannelError as error:  # refused before anything left
        return tuple(SendResult(number, SendOutcome.STOP, code=error.code) for number in numbers)
    except Exception as error:  # a fault of ours, and bytes may have left: never resent by itself
        logs.failure("mt.call_failed", error, channel=batch.channel)
        return tuple(SendResult(number, SendOutcome.UNKNOWN, code="failed") for number in numbers)
    by_number = {result.msisdn: result for result in answered}
    nothing_said = SendOutcome.UNKNOWN
    return tuple(by_number.get(number) or SendResult(number, nothing_said, code="no_result") for number in numbers)


def _settle_all(parts: Parts, letters: Sequence[Letter], results: Sequence[SendResult]) -> None:
    with parts.database.begin() as conn:
        for letter, result in zip(letters, results, strict=True):
            if not _settle(conn, parts, letter, result):
                logs.event("mt.late_answer", level="warning", mt_id=letter.mt.id, code=result.code)


def _settle(conn: Connection, parts: Parts, letter: Letter, result: SendResult) -> bool:
    """Whether my token stood: then the row and the SMS are where the answer puts them."""
    row, mt_id, now, code = letter.row, letter.mt.id, parts.now(), result.code
    match result.outcome:
        case SendOutcome.ACCEPTED:
            settled = outbox.done(conn, row.id, row.token, code, now)
            if settled:
                _accepted(conn, parts, letter, result)
        case SendOutcome.REJECTED:
            settled = outbox.done(conn, row.id, row.token, code, now)
            if settled:
                mts.move(conn, mt_id, MtState.REJECTED, "send", code, now)
        case SendOutcome.UNKNOWN:
            settled = outbox.unknown(conn, row.id, row.token, code, now)
            if settled:
                mts.move(conn, mt_id, MtState.UNKNOWN, "send", code, now)
        case SendOutcome.RETRY | SendOutcome.STOP:
            settled = _later(conn, parts, letter, result)
    return settled


def _accepted(conn: Connection, parts: Parts, letter: Letter, result: SendResult) -> None:
    """A report may have come before this answer: it was kept aside, and is matched now."""
    now, mt = parts.now(), letter.mt
    mts.move(conn, mt.id, MtState.ACCEPTED, "send", result.code, now)
    if result.external_id:
        mts.set_external(conn, mt.id, result.external_id, result.cost, now)
        match_strays(conn, parts.seals, mt.channel, result.external_id, now)


def _give_up(conn: Connection, parts: Parts, row: Claimed, code: str, reason: str = "") -> bool:
    """It surely did not leave, and is not tried again: a person must look."""
    now = parts.now()
    settled = outbox.dead(conn, row.id, row.token, code, now)
    if settled:
        mts.move(conn, row.target_id, MtState.FAILED_PERMANENT, "send", reason or code, now)
        logs.event("mt.dead", level="error", mt_id=row.target_id, code=code)
    return settled


def _later(conn: Connection, parts: Parts, letter: Letter, result: SendResult) -> bool:
    """It surely did not leave: ready again, later. STOP waits for a person, and is not counted as giving up."""
    row, mt_id, now, sms = letter.row, letter.mt.id, parts.now(), parts.settings.sms
    tries, stopped = row.attempts + 1, result.outcome is SendOutcome.STOP
    if stopped:
        logs.event("mt.stopped", level="error", mt_id=mt_id, channel=letter.mt.channel, code=result.code)
    elif tries >= sms.attempts:
        return _give_up(conn, parts, row, result.code, "attempts")
    first_s = sms.longest_retry_s if stopped else sms.first_retry_s
    delay_s = wait_s(tries, first_s, sms.longest_retry_s, result.retry_after_s, parts.random_bytes)
    due_at = now + timedelta(seconds=delay_s)
    settled = outbox.retry(conn, row.id, row.token, due_at, result.code, now)
    if settled:
        mts.move(conn, mt_id, MtState.CREATED, "send", result.code, now)
    return settled
