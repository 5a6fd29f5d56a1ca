"""Letters: claimed SMS that may leave now, in as few calls as their channels and senders allow.

What must not leave is settled here: refused, expired, erased, of a number that changed hands. A sender that may not
send so fast has its letters put back.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from gateway import logs
from gateway.messages import Category, MtState
from gateway.settings import CALL_THREADS
from gateway.store import holdings, mts, outbox
from gateway.store.db import Connection
from gateway.store.limits import per_call
from gateway.store.mts import MtToSend
from gateway.store.outbox import Claimed
from gateway.usecases import campaign_letters, mt_moves, stops
from gateway.usecases import preferences as choices
from gateway.usecases.parts import Parts
from gateway.usecases.preferences import Preferences

#: A sender that must wait longer than this puts its rows back, so that others are not held up.
_PATIENCE_S = 1.0
#: Calls of one wave, and SMS in them: what a crash can leave in `unknown`.
WAVE_CALLS = CALL_THREADS
_WAVE_LETTERS = 1000
#: How soon rows that an operator's stop held back are looked at again.
_STOPPED_S = 3.0


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


def prepare(parts: Parts, rows: Sequence[Claimed], *, urgent: bool = True) -> tuple[Batch, ...]:
    """The calls that these claimed rows need; what must not leave is settled here. Raises StoreUnavailable.

    An SMS whose validity is over becomes `expired`, one that the citizen refuses by now `suppressed`; one that is no
    longer `created` has been settled elsewhere; one that cannot be read is given up, and holds up none of the others.
    """
    ready: list[Letter] = []
    with parts.database.begin() as conn:
        found = mts.for_sending(conn, parts.seals, [row.target_id for row in rows])
        to = [mt.holding_id for mt in found.values() if mt is not None]
        chosen, closed = choices.refusals(conn, to), holdings.closed_among(conn, to)
        held_back = frozenset() if urgent else campaign_letters.held_back(conn, parts, rows, found, chosen)
        for row in rows:
            mt = found.get(row.target_id)
            if row.id in held_back:
                continue
            if mt is not None and mt.holding_id in closed:
                _suppress(conn, row, mt, parts, "changed_hands")
            elif mt is not None and _may_leave(conn, parts, row, mt, chosen[mt.holding_id]):
                ready.append(Letter(row, mt))
            elif row.target_id not in found:
                outbox.done(conn, row.id, row.token, "erased", parts.now())
            elif mt is None:
                give_up(conn, parts, row, "unreadable")
    return _batches(parts, ready)


def next_wave(parts: Parts, waiting: Sequence[Batch], urgent: bool) -> tuple[list[Batch], list[tuple[Batch, float]]]:
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


def put_back(parts: Parts, later: Iterable[tuple[Batch, float]]) -> None:
    """Ready again when their sender may send them; they were not begun, and no attempt is counted."""
    now = parts.now()
    due = {letter.row: now + timedelta(seconds=seconds) for batch, seconds in later for letter in batch.letters}
    if not due:
        return
    with parts.database.begin() as conn:
        for token in {row.token for row in due}:
            mine = {row.id: at for row, at in due.items() if row.token == token}
            outbox.put_back_many(conn, mine, token, "slower", now)


def give_up(conn: Connection, parts: Parts, row: Claimed, code: str, reason: str = "") -> bool:
    """It surely did not leave, and is not tried again: a person must look."""
    now = parts.now()
    settled = outbox.dead(conn, row.id, row.token, code, now)
    if settled:
        mt_moves.move(conn, parts, row.target_id, MtState.FAILED_PERMANENT, "send", reason or code, now)
        mt = mts.by_id(conn, row.target_id)
        about = mt.submission_id if mt is not None else None
        logs.event("mt.dead", level="error", mt_id=row.target_id, submission_id=about, code=code)
    return settled


def log(name: str, mt: MtToSend, code: str = "", level: logs.Level = "info") -> None:
    logs.event(name, level, mt_id=mt.id, submission_id=mt.submission_id, channel=mt.channel, code=code)


def _may_leave(conn: Connection, parts: Parts, row: Claimed, mt: MtToSend, chosen: Preferences) -> bool:
    now = parts.now()
    if mt.state is not MtState.CREATED:
        outbox.done(conn, row.id, row.token, "not_needed", now)
        return False
    if mt.valid_until <= now:
        if outbox.done(conn, row.id, row.token, "expired", now):
            mt_moves.move(conn, parts, mt.id, MtState.EXPIRED, "send", "validity", now)
            log("mt.expired", mt)
        return False
    if chosen.refuses(mt.category, mt.channel):
        _suppress(conn, row, mt, parts)
        return False
    if mt.channel not in parts.channels:
        log("mt.stopped", mt, "no_channel", level="error")
        later = now + timedelta(seconds=parts.settings.sms.longest_retry_s)
        outbox.retry(conn, row.id, row.token, later, "no_channel", now)
        return False
    return True


def _suppress(conn: Connection, row: Claimed, mt: MtToSend, parts: Parts, why: str = "refused") -> None:
    """She refused it since it was written, or the number is somebody else's. A vital one is for staff to tell."""
    now, vital = parts.now(), mt.category is Category.VITAL
    code = "reach_otherwise" if vital else why
    if outbox.done(conn, row.id, row.token, code, now):
        mt_moves.move(conn, parts, mt.id, MtState.SUPPRESSED, "send", code, now)
        log("mt.suppressed", mt, code, level="error" if vital else "info")


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
