"""Sending SMS: the calls of claimed rows, and one settled answer for each recipient.

Before a call, `sending` and its attempt are committed; a crash from there on leaves rows that nobody sends again,
which the sweep makes `unknown`. No call is made inside a transaction. Calls leave in waves: one transaction begins all
of a wave, its calls are made together, one transaction settles them; so a crash loses sight of one wave at most.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from gateway import logs, metrics
from gateway.channels.base import ChannelError
from gateway.messages import Category, MtSms, MtState, SendOutcome, SendResult
from gateway.store import mts, outbox, preferences, stray_dlrs
from gateway.store.db import Connection, StoreUnavailable
from gateway.store.mts import MtToSend
from gateway.store.outbox import Claimed
from gateway.usecases import mt_moves
from gateway.usecases import preferences as choices
from gateway.usecases.backoff import wait_s
from gateway.usecases.delivery_reports import match_strays
from gateway.usecases.letters import Batch, Letter, give_up, log, next_wave, prepare, put_back
from gateway.usecases.parts import Parts

#: The answer to a call that was made is worth waiting for a database that is restarted: without it the SMS would be
#: `unknown`, and a vital one sent twice.
_SETTLE_WAITS_S = (0.1, 1.0, 3.0, 6.0)
#: Said by an aggregator whose own list has the citizen.
_BLACKLISTED = "UserInBlacklist"


def send_all(parts: Parts, rows: Sequence[Claimed], pool: ThreadPoolExecutor, *, urgent: bool) -> int:
    """Sends claimed SMS; how many were put back for later because their senders may not send so fast.

    `rows` were claimed together. Raises StoreUnavailable: rows whose answer could not be stored stay in `sending`,
    and the sweep makes them `unknown`.
    """
    waiting = list(prepare(parts, rows, urgent=urgent))
    held_back = 0
    while waiting:
        wave, later = next_wave(parts, waiting, urgent)
        held_back += sum(len(batch.letters) for batch, _ in later)
        taken = {id(batch) for batch in (*wave, *(batch for batch, _ in later))}
        waiting = [batch for batch in waiting if id(batch) not in taken]
        put_back(parts, later)
        if wave:
            _send_wave(parts, wave, pool)
    return held_back


def _send_wave(parts: Parts, wave: Sequence[Batch], pool: ThreadPoolExecutor) -> None:
    """Begins, calls and settles the batches of one wave."""
    started = parts.monotonic()
    until = parts.now() + timedelta(seconds=parts.settings.sms.sending_deadline_s)
    begun = [(batch, letters) for batch, letters in _start(parts, wave) if letters]
    calls = [pool.submit(_call, parts, batch, letters, until) for batch, letters in begun]
    results = [call.result() for call in calls]
    answered = [
        (letter, result)
        for (_, letters), said in zip(begun, results, strict=True)
        for letter, result in zip(letters, said, strict=True)
    ]
    _settle_patiently(parts, answered)
    duration_ms = round((parts.monotonic() - started) * 1000)
    for letter, result in answered:
        metrics.sms_sent.labels(letter.mt.channel, result.outcome).inc()
        logs.event(
            "mt.sent",
            mt_id=letter.mt.id,
            submission_id=letter.mt.submission_id,
            channel=letter.mt.channel,
            outcome=result.outcome,
            code=result.code,
            attempt=letter.row.attempts + 1,
            duration_ms=duration_ms,
        )


def _start(parts: Parts, wave: Sequence[Batch]) -> list[tuple[Batch, tuple[Letter, ...]]]:
    """For each batch the letters that may now leave: `sending` and an attempt are committed for each of them."""
    now, deadline_s = parts.now(), parts.settings.sms.sending_deadline_s
    every = [letter for batch in wave for letter in batch.letters]
    with parts.database.begin() as conn:
        mine: set[int] = set()
        for token in {letter.row.token for letter in every}:
            ids = [letter.row.id for letter in every if letter.row.token == token]
            # Not among them: the lease ended or another worker has it. Do not call.
            mine |= outbox.start_sending_many(conn, ids, token, deadline_s, now)
        begun = [letter for letter in every if letter.row.id in mine]
        moved = mt_moves.move_many(conn, parts, [letter.mt.id for letter in begun], MtState.SENDING, "send", "", now)
        for letter in begun:
            if letter.mt.id not in moved:
                outbox.done(conn, letter.row.id, letter.row.token, "not_needed", now)
    return [(batch, tuple(one for one in batch.letters if one.row.id in mine and one.mt.id in moved)) for batch in wave]


def _call(parts: Parts, batch: Batch, letters: Sequence[Letter], until: datetime) -> tuple[SendResult, ...]:
    """One result for each letter, in their order, whatever the channel does.

    From `until` on the rows may be somebody else's, who sends them again: a call not begun by then is not made.
    """
    numbers = tuple(letter.mt.msisdn for letter in letters)
    if parts.now() >= until:  # no thread was free, or the machine slept
        return tuple(SendResult(number, SendOutcome.RETRY, code="late") for number in numbers)
    name = parts.settings.sender_of(batch.sender).name
    try:
        answered = parts.channels[batch.channel].send(MtSms(batch.channel, name, batch.text, numbers))
    except ChannelError as error:  # refused before anything left
        return tuple(SendResult(number, SendOutcome.STOP, code=error.code) for number in numbers)
    except Exception as error:  # a fault of ours, and bytes may have left: never resent by itself
        logs.failure("mt.call_failed", error, channel=batch.channel)
        return tuple(SendResult(number, SendOutcome.UNKNOWN, code="failed") for number in numbers)
    _slow_down(parts, batch.sender, answered)
    by_number = {result.msisdn: result for result in answered}
    nothing_said = SendOutcome.UNKNOWN
    return tuple(by_number.get(number) or SendResult(number, nothing_said, code="no_result") for number in numbers)


def _slow_down(parts: Parts, sender: str, answered: Iterable[SendResult]) -> None:
    """The aggregator takes no more for now: every worker sends more slowly by this sender."""
    refused = next((result for result in answered if result.code == "http_429"), None)
    if refused is not None:
        logs.event("mt.slowed", level="warning", sender=sender, retry_after_s=refused.retry_after_s)
        parts.throttle.refused(sender, parts.settings.sender_of(sender).tps, refused.retry_after_s)


def _settle_patiently(parts: Parts, answered: Sequence[tuple[Letter, SendResult]]) -> None:
    """As `_settle_wave`, again while the database is away. Raises StoreUnavailable after the last try."""
    for wait in (*_SETTLE_WAITS_S, None):
        try:
            _settle_wave(parts, answered)
            return
        except StoreUnavailable as error:
            logs.event("mt.not_settled", level="error", why=error.why, again_in_s=wait)
            if wait is None:
                raise
            threading.Event().wait(wait)


def _settle_wave(parts: Parts, answered: Sequence[tuple[Letter, SendResult]]) -> None:
    """Puts rows and SMS where the answers say: those that were taken all together, the others one by one."""
    with parts.database.begin() as conn:
        late = [(letter, result) for letter, result, settled in _settled(conn, parts, answered) if not settled]
    for letter, result in late:  # my token did not stand: the sweep or a person was first
        log("mt.late_answer", letter.mt, result.code, level="warning")


def _settled(
    conn: Connection, parts: Parts, answered: Sequence[tuple[Letter, SendResult]]
) -> Iterator[tuple[Letter, SendResult, bool]]:
    taken: dict[tuple[str, str], list[tuple[Letter, SendResult]]] = {}
    for letter, result in answered:
        if result.outcome is SendOutcome.ACCEPTED:
            taken.setdefault((letter.row.token, result.code), []).append((letter, result))
        else:
            yield letter, result, _settle(conn, parts, letter, result)
    for (token, code), group in taken.items():
        done = outbox.done_many(conn, [letter.row.id for letter, _ in group], token, code, parts.now())
        _accepted(conn, parts, [pair for pair in group if pair[0].row.id in done], code)
        for letter, result in group:
            yield letter, result, letter.row.id in done


def _settle(conn: Connection, parts: Parts, letter: Letter, result: SendResult) -> bool:
    """Whether my token stood: then the row and the SMS are where the answer puts them."""
    row, mt_id, now, code = letter.row, letter.mt.id, parts.now(), result.code
    settled = False
    match result.outcome:
        case SendOutcome.REJECTED:
            settled = outbox.done(conn, row.id, row.token, code, now)
            if settled:
                mt_moves.move(conn, parts, mt_id, MtState.REJECTED, "send", code, now)
                if code == _BLACKLISTED:
                    _opted_out(conn, parts, letter.mt)
        case SendOutcome.UNKNOWN:
            settled = outbox.unknown(conn, row.id, row.token, code, now)
            if settled:
                mt_moves.move(conn, parts, mt_id, MtState.UNKNOWN, "send", code, now)
        case SendOutcome.RETRY | SendOutcome.STOP:
            settled = _later(conn, parts, letter, result)
    return settled


def _accepted(conn: Connection, parts: Parts, group: Sequence[tuple[Letter, SendResult]], code: str) -> None:
    """A report may have come before these answers: it was kept aside, and is matched now."""
    now = parts.now()
    mt_moves.move_many(conn, parts, [letter.mt.id for letter, _ in group], MtState.ACCEPTED, "send", code, now)
    named = [(letter.mt, result) for letter, result in group if result.external_id]
    mts.set_external_many(conn, {mt.id: (result.external_id or "", result.cost) for mt, result in named}, now)
    by_channel: dict[str, list[str]] = {}
    for mt, result in named:
        by_channel.setdefault(mt.channel, []).append(result.external_id or "")
    for channel, ids in by_channel.items():
        for external_id in stray_dlrs.among(conn, channel, ids):
            match_strays(conn, parts, channel, external_id, now)


def _opted_out(conn: Connection, parts: Parts, mt: MtToSend) -> None:
    """The aggregator has her on its list: mirrored here, so that nothing more is tried, and staff know."""
    preferences.note(
        conn, mt.holding_id, f"sender:{mt.channel}", choices.OUT, "aggregator", parts.now(), evidence="send"
    )
    if mt.category is Category.VITAL:
        log("mt.suppressed", mt, "reach_otherwise", level="error")


def _later(conn: Connection, parts: Parts, letter: Letter, result: SendResult) -> bool:
    """It surely did not leave: ready again, later. STOP waits for a person, and is not counted as giving up."""
    row, mt_id, now, sms = letter.row, letter.mt.id, parts.now(), parts.settings.sms
    tries, stopped = row.attempts + 1, result.outcome is SendOutcome.STOP
    if stopped:
        log("mt.stopped", letter.mt, result.code, level="error")
    elif tries >= sms.attempts:
        return give_up(conn, parts, row, result.code, "attempts")
    first_s = sms.longest_retry_s if stopped else sms.first_retry_s
    delay_s = wait_s(tries, first_s, sms.longest_retry_s, result.retry_after_s, parts.random_bytes)
    due_at = now + timedelta(seconds=delay_s)
    settled = outbox.retry(conn, row.id, row.token, due_at, result.code, now)
    if settled:
        mt_moves.move(conn, parts, mt_id, MtState.CREATED, "send", result.code, now)
    return settled
