"""Sending SMS: claimed rows, the fewest calls, and one settled answer for each recipient.

Before a call, `sending` and its attempt are committed; a crash from there on leaves rows that nobody sends again,
which the sweep makes `unknown`. No call is made inside a transaction. Calls leave in waves: one transaction begins all
of a wave, its calls are made together, one transaction settles them; so a crash loses sight of one wave at most.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta

from gateway import logs, metrics
from gateway.channels.base import ChannelError
from gateway.messages import Category, MtSms, MtState, SendOutcome, SendResult
from gateway.settings import CALL_THREADS
from gateway.store import holdings, mts, outbox, preferences, stray_dlrs
from gateway.store.db import Connection, StoreUnavailable
from gateway.store.limits import per_call
from gateway.store.mts import MtToSend
from gateway.store.outbox import Claimed
from gateway.usecases import preferences as choices
from gateway.usecases import stops
from gateway.usecases.backoff import wait_s
from gateway.usecases.delivery_reports import match_strays
from gateway.usecases.parts import Parts
from gateway.usecases.preferences import Preferences

#: The answer to a call that was made is worth waiting for the database: without it the SMS would be `unknown`.
_SETTLE_TRIES = 3
#: A sender that must wait longer than this puts its rows back, so that others are not held up.
_PATIENCE_S = 1.0
#: Calls of one wave, and SMS in them: what a crash can leave in `unknown`.
WAVE_CALLS = CALL_THREADS
_WAVE_LETTERS = 1000
#: How soon rows that an operator's stop held back are looked at again.
_STOPPED_S = 3.0
#: Said by an aggregator whose own list has the citizen.
_BLACKLISTED = "UserInBlacklist"


@dataclass(frozen=True, slots=True)
class Letter:
    """One SMS of a batch: its outbox row, which is mine, and what it says to whom."""

    row: Claimed
    mt: MtToSend = field(repr=False)


@dataclass(frozen=True, slots=True)
class Batch:
    """Letters that one call can carry: the same text from the same sender, each number once."""

    channel: str
    sender: str  #: its key in gateway.yaml
    text: str = field(repr=False)
    letters: tuple[Letter, ...]


def send_all(parts: Parts, rows: Sequence[Claimed], pool: ThreadPoolExecutor, *, urgent: bool) -> int:
    """Sends claimed SMS; how many were put back for later because their senders may not send so fast.

    `rows` were claimed together. Raises StoreUnavailable: rows whose answer could not be stored stay in `sending`,
    and the sweep makes them `unknown`.
    """
    waiting = list(prepare(parts, rows))
    put_back = 0
    while waiting:
        wave, later = _next_wave(parts, waiting, urgent)
        put_back += sum(len(batch.letters) for batch, _ in later)
        taken = {id(batch) for batch in (*wave, *(batch for batch, _ in later))}
        waiting = [batch for batch in waiting if id(batch) not in taken]
        _put_back(parts, later)
        if wave:
            _send_wave(parts, wave, pool)
    return put_back


def prepare(parts: Parts, rows: Sequence[Claimed]) -> tuple[Batch, ...]:
    """The calls that these claimed rows need; what must not leave is settled here. Raises StoreUnavailable.

    An SMS whose validity is over becomes `expired`, one that the citizen refuses by now `suppressed`; one that is no
    longer `created` has been settled elsewhere; one that cannot be read is given up, and holds up none of the others.
    """
    ready: list[Letter] = []
    with parts.database.begin() as conn:
        found = mts.for_sending(conn, parts.seals, [row.target_id for row in rows])
        to = [mt.holding_id for mt in found.values() if mt is not None]
        chosen, closed = choices.refusals(conn, to), holdings.closed_among(conn, to)
        for row in rows:
            mt = found.get(row.target_id)
            if mt is not None and mt.holding_id in closed:
                _suppress(conn, row, mt, parts, "changed_hands")
            elif mt is not None and _may_leave(conn, parts, row, mt, chosen[mt.holding_id]):
                ready.append(Letter(row, mt))
            elif row.target_id not in found:
                outbox.done(conn, row.id, row.token, "erased", parts.now())
            elif mt is None:
                _give_up(conn, parts, row, "unreadable")
    return _batches(parts, ready)


def _may_leave(conn: Connection, parts: Parts, row: Claimed, mt: MtToSend, chosen: Preferences) -> bool:
    now = parts.now()
    if mt.state is not MtState.CREATED:
        outbox.done(conn, row.id, row.token, "not_needed", now)
        return False
    if mt.valid_until <= now:
        if outbox.done(conn, row.id, row.token, "expired", now):
            mts.move(conn, mt.id, MtState.EXPIRED, "send", "validity", now)
            _log("mt.expired", mt)
        return False
    if chosen.refuses(mt.category, mt.channel):
        _suppress(conn, row, mt, parts)
        return False
    if mt.channel not in parts.channels:
        _log("mt.stopped", mt, "no_channel", level="error")
        later = now + timedelta(seconds=parts.settings.sms.longest_retry_s)
        outbox.retry(conn, row.id, row.token, later, "no_channel", now)
        return False
    return True


def _suppress(conn: Connection, row: Claimed, mt: MtToSend, parts: Parts, why: str = "refused") -> None:
    """She refused it since it was written, or the number is somebody else's. A vital one is for staff to tell."""
    now, vital = parts.now(), mt.category is Category.VITAL
    code = "reach_otherwise" if vital else why
    if outbox.done(conn, row.id, row.token, code, now):
        mts.move(conn, mt.id, MtState.SUPPRESSED, "send", code, now)
        _log("mt.suppressed", mt, code, level="error" if vital else "info")


def _batches(parts: Parts, letters: Sequence[Letter]) -> tuple[Batch, ...]:
    """The letters in as few calls as their channels and senders allow, the most urgent first."""
    open_calls: dict[tuple[str, str, str], list[list[Letter]]] = {}
    for letter in letters:
        mt = letter.mt
        calls = open_calls.setdefault((mt.channel, mt.sender, mt.text), [[]])
        sender = parts.settings.sender_of(mt.sender)
        most = per_call(sender.tps, parts.settings.channels[mt.channel].max_recipients_per_call)
        if len(calls[-1]) >= most or any(other.mt.msisdn == mt.msisdn for other in calls[-1]):
            calls.append([])
        calls[-1].append(letter)
    return tuple(
        Batch(channel, sender, text, tuple(call))
        for (channel, sender, text), calls in open_calls.items()
        for call in calls
    )


def _next_wave(parts: Parts, waiting: Sequence[Batch], urgent: bool) -> tuple[list[Batch], list[tuple[Batch, float]]]:
    """The batches that may leave now, and those that may not, each with the seconds it has to wait.

    A sender that may go on in a moment is waited for, when nothing else is to do.
    """
    wave: list[Batch] = []
    later: list[tuple[Batch, float]] = []
    held: dict[str, float] = {}  # sender -> when the next of its batches may be looked at
    stopped = stops.SMS in parts.stops.active()
    for batch in waiting:
        if len(wave) >= WAVE_CALLS or sum(len(one.letters) for one in wave) >= _WAVE_LETTERS:
            break
        tps, count = parts.settings.sender_of(batch.sender).tps, len(batch.letters)
        if stopped:
            later.append((batch, _STOPPED_S))
        elif batch.sender in held:
            later.append((batch, held[batch.sender]))
            held[batch.sender] += count / tps
        else:
            wait = parts.throttle.take(batch.sender, tps, count, urgent=urgent)
            if 0 < wait <= _PATIENCE_S and not wave:
                threading.Event().wait(wait)
                wait = parts.throttle.take(batch.sender, tps, count, urgent=urgent)
            if wait <= 0:
                wave.append(batch)
            elif wait <= _PATIENCE_S:
                break  # after this wave
            else:
                later.append((batch, wait))
                held[batch.sender] = wait + count / tps
    return wave, later


def _put_back(parts: Parts, later: Iterable[tuple[Batch, float]]) -> None:
    """Ready again when their sender may send them; they were not begun, and no attempt is counted."""
    now = parts.now()
    due = {letter.row: now + timedelta(seconds=seconds) for batch, seconds in later for letter in batch.letters}
    if not due:
        return
    with parts.database.begin() as conn:
        for token in {row.token for row in due}:
            mine = {row.id: at for row, at in due.items() if row.token == token}
            outbox.put_back_many(conn, mine, token, "slower", now)


def _send_wave(parts: Parts, wave: Sequence[Batch], pool: ThreadPoolExecutor) -> None:
    """Begins, calls and settles the batches of one wave."""
    started = parts.monotonic()
    begun = [(batch, letters) for batch, letters in _start(parts, wave) if letters]
    calls = [pool.submit(_call, parts, batch, letters) for batch, letters in begun]
    results = [call.result() for call in calls]
    answered = [
        (letter, result)
        for (_, letters), said in zip(begun, results, strict=True)
        for letter, result in zip(letters, said, strict=True)
    ]
    for left in reversed(range(_SETTLE_TRIES)):
        try:
            _settle_wave(parts, answered)
            break
        except StoreUnavailable as error:
            logs.event("mt.not_settled", level="error", why=error.why, tries_left=left)
            if not left:
                raise
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
        moved = mts.move_many(conn, [letter.mt.id for letter in begun], MtState.SENDING, "send", "", now)
        for letter in begun:
            if letter.mt.id not in moved:
                outbox.done(conn, letter.row.id, letter.row.token, "not_needed", now)
    return [(batch, tuple(one for one in batch.letters if one.row.id in mine and one.mt.id in moved)) for batch in wave]


def _call(parts: Parts, batch: Batch, letters: Sequence[Letter]) -> tuple[SendResult, ...]:
    """One result for each letter, in their order, whatever the channel does."""
    numbers = tuple(letter.mt.msisdn for letter in letters)
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


def _settle_wave(parts: Parts, answered: Sequence[tuple[Letter, SendResult]]) -> None:
    """Puts rows and SMS where the answers say: those that were taken all together, the others one by one."""
    with parts.database.begin() as conn:
        late = [(letter, result) for letter, result, settled in _settled(conn, parts, answered) if not settled]
    for letter, result in late:  # my token did not stand: the sweep or a person was first
        _log("mt.late_answer", letter.mt, result.code, level="warning")


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
                mts.move(conn, mt_id, MtState.REJECTED, "send", code, now)
                if code == _BLACKLISTED:
                    _opted_out(conn, parts, letter.mt)
        case SendOutcome.UNKNOWN:
            settled = outbox.unknown(conn, row.id, row.token, code, now)
            if settled:
                mts.move(conn, mt_id, MtState.UNKNOWN, "send", code, now)
        case SendOutcome.RETRY | SendOutcome.STOP:
            settled = _later(conn, parts, letter, result)
    return settled


def _accepted(conn: Connection, parts: Parts, group: Sequence[tuple[Letter, SendResult]], code: str) -> None:
    """A report may have come before these answers: it was kept aside, and is matched now."""
    now = parts.now()
    mts.move_many(conn, [letter.mt.id for letter, _ in group], MtState.ACCEPTED, "send", code, now)
    named = [(letter.mt, result) for letter, result in group if result.external_id]
    mts.set_external_many(conn, {mt.id: (result.external_id or "", result.cost) for mt, result in named}, now)
    by_channel: dict[str, list[str]] = {}
    for mt, result in named:
        by_channel.setdefault(mt.channel, []).append(result.external_id or "")
    for channel, ids in by_channel.items():
        for external_id in stray_dlrs.among(conn, channel, ids):
            match_strays(conn, parts.seals, channel, external_id, now)


def _opted_out(conn: Connection, parts: Parts, mt: MtToSend) -> None:
    """The aggregator has her on its list: mirrored here, so that nothing more is tried, and staff know."""
    preferences.note(
        conn, mt.holding_id, f"sender:{mt.channel}", choices.OUT, "aggregator", parts.now(), evidence="send"
    )
    if mt.category is Category.VITAL:
        _log("mt.suppressed", mt, "reach_otherwise", level="error")


def _give_up(conn: Connection, parts: Parts, row: Claimed, code: str, reason: str = "") -> bool:
    """It surely did not leave, and is not tried again: a person must look."""
    now = parts.now()
    settled = outbox.dead(conn, row.id, row.token, code, now)
    if settled:
        mts.move(conn, row.target_id, MtState.FAILED_PERMANENT, "send", reason or code, now)
        mt = mts.by_id(conn, row.target_id)
        about = mt.submission_id if mt is not None else None
        logs.event("mt.dead", level="error", mt_id=row.target_id, submission_id=about, code=code)
    return settled


def _later(conn: Connection, parts: Parts, letter: Letter, result: SendResult) -> bool:
    """It surely did not leave: ready again, later. STOP waits for a person, and is not counted as giving up."""
    row, mt_id, now, sms = letter.row, letter.mt.id, parts.now(), parts.settings.sms
    tries, stopped = row.attempts + 1, result.outcome is SendOutcome.STOP
    if stopped:
        _log("mt.stopped", letter.mt, result.code, level="error")
    elif tries >= sms.attempts:
        return _give_up(conn, parts, row, result.code, "attempts")
    first_s = sms.longest_retry_s if stopped else sms.first_retry_s
    delay_s = wait_s(tries, first_s, sms.longest_retry_s, result.retry_after_s, parts.random_bytes)
    due_at = now + timedelta(seconds=delay_s)
    settled = outbox.retry(conn, row.id, row.token, due_at, result.code, now)
    if settled:
        mts.move(conn, mt_id, MtState.CREATED, "send", result.code, now)
    return settled


def _log(name: str, mt: MtToSend, code: str = "", level: logs.Level = "info") -> None:
    logs.event(name, level, mt_id=mt.id, submission_id=mt.submission_id, channel=mt.channel, code=code)
