"""What time settles: sendings without an answer, validities over, reports to match, personal data due for erasure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from gateway import logs
from gateway.messages import MtState
from gateway.store import (
    acts,
    backoffice_events,
    cached_answers,
    codes,
    conversations,
    counters,
    daily,
    events,
    hooks,
    idempotency,
    menu_versions,
    mos,
    mt_texts,
    mts,
    outbox,
    people,
    promised_answers,
    reseal,
    saved_dialogues,
    sign_ins,
    sim_checks,
    stray_dlrs,
    submissions,
)
from gateway.store import holdings as stored
from gateway.store.db import Connection, StoreUnavailable
from gateway.usecases import (
    agreements,
    audit,
    campaign_keeping,
    drop,
    hand_over,
    holdings,
    late,
    mt_moves,
    persons,
    polling,
    reconcile,
)
from gateway.usecases import promised_answers as promised
from gateway.usecases import questions as asked
from gateway.usecases.delivery_reports import adopt_waiting, match_strays
from gateway.usecases.parts import Parts

#: Rows that one sweep takes in one transaction.
_LIMIT = 500
#: Transactions of one sweep; what is left waits for the next. 10,000 rows every 30 s: 300 a second.
_ROUNDS = 20
#: The longest window that anything is counted in is a day.
_COUNTERS_KEPT = timedelta(days=2)
#: Sign-ins and invitations that are over.
_SIGN_INS_KEPT = timedelta(days=30)

#: Sweeps that erase or forget: how much is kept by day when the rows are gone.
_ERASING = ("_erased", "_forgotten")

Sweep = Callable[[Connection, datetime], int]


def sweep(parts: Parts) -> dict[str, int]:
    """How many rows each sweep settled. Each has its own transactions; one that fails stops none of the others."""
    counts: dict[str, int] = {}
    for name, step in _sweeps(parts).items():
        try:
            counts[name] = _repeated(parts, name, step)
        except StoreUnavailable as error:
            logs.event("upkeep.failed", level="error", sweep=name, why=error.why, code=error.code)
        except Exception as error:  # a fault of ours in one of them: the others have their own work
            logs.failure("upkeep.failed", error, sweep=name)
    counts |= drop.sweep(parts)
    done = {name: count for name, count in counts.items() if count}
    if done:
        logs.event("upkeep.done", level="info", **done)
    return counts


def _repeated(parts: Parts, name: str, step: Sweep) -> int:
    """A sweep, again while it takes as many rows as it may: short transactions, and no backlog that only grows."""
    total = 0
    for _ in range(_ROUNDS):
        with parts.database.begin() as conn:
            count = step(conn, parts.now())
            if count and name.endswith(_ERASING):
                day = parts.now().astimezone(parts.zone).date()
                daily.add(conn, day, f"erased:{name.rsplit('_', 1)[0]}", {"": count})
        total += count
        if count < _LIMIT:
            break
    return total


def _lost_sendings(parts: Parts, conn: Connection, now: datetime) -> int:
    """A call that left and got no answer within its deadline: the SMS may have gone, nobody sends it again."""
    rows = outbox.sweep_sending(conn, now)
    for row in rows:
        if row.kind != "mt":
            continue
        if mt_moves.move(conn, parts, row.target_id, MtState.UNKNOWN, "sweep", "no_answer", now):
            mt = mts.by_id(conn, row.target_id)
            about = mt.submission_id if mt is not None else None
            logs.event("mt.unknown", level="error", mt_id=row.target_id, submission_id=about)
        else:  # a report has told since what became of it
            outbox.settle_unknown(conn, row.kind, row.target_id, "settled", now)
    return len(rows)


def _validities_over(parts: Parts, conn: Connection, now: datetime) -> int:
    late = mts.past_validity(conn, now, _LIMIT)
    for mt in late:
        to = MtState.EXPIRED if mt.state is MtState.FAILED_TEMPORARY else MtState.NO_REPORT
        mt_moves.move(conn, parts, mt.id, to, "sweep", "validity", now)
    return len(late)


def _strays(parts: Parts, conn: Connection, now: datetime) -> int:
    pairs = stray_dlrs.matchable(conn, _LIMIT)
    return sum(match_strays(conn, parts, channel, external_id, now) for channel, external_id in pairs)


def _adoptions(parts: Parts, conn: Connection, now: datetime) -> int:
    """Reports that came before the answer to their SMS was known to be lost."""
    return adopt_waiting(conn, parts, _LIMIT, now)


def _vital_again(parts: Parts, conn: Connection, now: datetime) -> int:
    """A vital SMS of which nobody knows whether it left is sent once more, while it is worth reading."""
    return reconcile.resend_vital(conn, parts, _LIMIT, now)


def _erasures(parts: Parts, conn: Connection, now: datetime) -> int:
    open_s = parts.settings.privacy.open_demands_s
    undecided_before = None if open_s is None else now - timedelta(seconds=open_s)
    erased = submissions.erase_due(conn, now, _LIMIT, undecided_before)
    if erased:
        mt_texts.erase_of(conn, erased)
    return len(erased)


def _resealed(parts: Parts, conn: Connection, now: datetime) -> int:
    """What an older key sealed, as long as one is still valid beside the newest."""
    del now
    return reseal.again(conn, parts.seals, _LIMIT) if len(parts.seals.key_ids()) > 1 else 0


def _silences(parts: Parts, conn: Connection, now: datetime) -> int:
    """Numbers that gave no sign for too long are nobody's, until somebody dials."""
    silent = stored.silent(conn, parts.silent_since, _LIMIT)
    return sum(holdings.close(conn, parts, one, holdings.Why.SILENCE, now) for one in silent)


def _sweeps(parts: Parts) -> dict[str, Sweep]:
    privacy = parts.settings.privacy
    texts, acts_kept = timedelta(seconds=privacy.texts_s), timedelta(seconds=privacy.acts_s)
    calls = timedelta(seconds=parts.settings.api.idempotency_s)
    return {
        "entries_sealed": lambda conn, now: audit.seal(parts, conn, now),
        "lost_sendings": partial(_lost_sendings, parts),
        "validities_over": partial(_validities_over, parts),
        "strays_matched": partial(_strays, parts),
        "submissions_erased": partial(_erasures, parts),
        "reports_adopted": partial(_adoptions, parts),
        "vital_resent": partial(_vital_again, parts),
        "holdings_closed": partial(_silences, parts),
        "questions_over": lambda conn, now: asked.expire(parts, conn, _LIMIT, now),
        "hand_overs_over": lambda conn, now: hand_over.expire(parts, conn, _LIMIT, now),
        "answers_over": lambda conn, now: promised.expire(parts, conn, _LIMIT, now),
        "late_told": lambda conn, now: late.tell(parts, conn, _LIMIT, now),
        "agreements_over": lambda conn, now: agreements.expire(parts, conn, _LIMIT, now),
        "polls_planned": lambda conn, now: polling.adopt(parts, conn, _LIMIT, now),
        "resealed": partial(_resealed, parts),
        "erasures_finished": lambda conn, now: persons.finish(parts, conn, _LIMIT, now),
        "holdings_forgotten": lambda conn, now: stored.forget(
            conn, parts.seals, now - timedelta(seconds=privacy.closed_holdings_s), _LIMIT
        ),
        "codes_forgotten": lambda conn, now: codes.forget(conn, now - timedelta(seconds=privacy.codes_s)),
        "code_texts_erased": lambda conn, now: mt_texts.erase_over(conn, "code_sms", now, _LIMIT),
        "sim_checks_forgotten": lambda conn, now: sim_checks.forget(conn, now - texts),
        "answers_forgotten": cached_answers.forget,
        "promises_forgotten": lambda conn, now: promised_answers.forget(conn, now - texts),
        "mos_erased": lambda conn, now: mos.erase_due(conn, now - texts, _LIMIT),
        "texts_erased": lambda conn, now: mt_texts.erase_older(conn, now - texts, _LIMIT),
        "campaigns_erased": lambda conn, now: campaign_keeping.erase(conn, now - texts, _LIMIT, now),
        "conversations_forgotten": conversations.forget,
        "counters_forgotten": lambda conn, now: counters.forget(conn, now - _COUNTERS_KEPT),
        "dialogues_forgotten": saved_dialogues.forget,
        "acts_forgotten": lambda conn, now: acts.forget(conn, now - acts_kept),
        "events_forgotten": lambda conn, now: backoffice_events.forget(conn, now - texts),
        "strays_forgotten": lambda conn, now: stray_dlrs.forget(conn, now - texts),
        "outbox_forgotten": lambda conn, now: outbox.forget_done(conn, now - texts, _LIMIT),
        "hooks_forgotten": lambda conn, now: hooks.forget(conn, now - texts, _LIMIT),
        "events_to_pull_forgotten": lambda conn, now: events.forget(conn, now - texts, _LIMIT),
        "calls_forgotten": lambda conn, now: idempotency.forget(conn, now - calls, _LIMIT),
        "sign_ins_forgotten": lambda conn, now: sign_ins.forget(conn, now - _SIGN_INS_KEPT),
        "invitations_forgotten": lambda conn, now: people.forget_invitations(conn, now - _SIGN_INS_KEPT),
        "menus_forgotten": lambda conn, now: menu_versions.forget(conn, now - texts),
    }
