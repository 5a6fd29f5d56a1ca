"""Demands for somebody else: the person whose number it is agrees by "OUI" and the four digits that she was sent.

Until then the demand goes nowhere: no récépissé, no institution. A bare OUI agrees to nothing. The helper is told
what became of it; the demand is the person's, and only she can withdraw it.
"""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta

from gateway import logs
from gateway.engine import compose
from gateway.engine.outcomes import ActAnswer
from gateway.menu.message_keys import SERVICE_SIZE
from gateway.messages import Category, SubmissionState
from gateway.store import agreements, counters, outbox, submission_events, submissions
from gateway.store import holdings as stored
from gateway.store.db import Connection
from gateway.store.submissions import StoredSubmission
from gateway.text import fit, msisdn, reference
from gateway.usecases import hand_over, hooks, notices, withdrawals, writing
from gateway.usecases.acts import Undone
from gateway.usecases.caller import Caller
from gateway.usecases.parts import Parts

AGREED, WRONG, NONE = "agreed", "wrong", "none"
_SCOPE = "agreements"
_DIGITS = 4
_PRIORITY = 3
_HAND_OVER_PRIORITY = 10
NOT_ASKED = ActAnswer("unavailable", closing="agree_not_asked")


def may_ask(conn: Connection, parts: Parts, caller: Caller, now: datetime) -> bool:
    """Whether this helper may have one more person asked today; counted."""
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    helper = stored.digest_of(parts.seals, caller.msisdn).hex()
    return counters.take(conn, _SCOPE, helper, day, 1, parts.settings.agreements.per_helper_day, now) is not None


def ask(
    conn: Connection, parts: Parts, submission: StoredSubmission, number: str, caller: Caller, now: datetime
) -> None:
    """Asks the person by SMS, with who asks and what for. Raises acts.Undone when no SMS may be written to her."""
    sender = next((key for key, one in parts.settings.senders.items() if one.two_way), None)
    if sender is None:  # she could not answer
        raise Undone(NOT_ASKED)
    code = f"{int.from_bytes(parts.random_bytes(8), 'big') % 10**_DIGITS:0{_DIGITS}}"
    expires_at = now + timedelta(seconds=parts.settings.agreements.valid_s)
    digest = _digest(parts, submission.holding_id, code)
    agreements.add(conn, submission.id, submission.holding_id, digest, now, expires_at)
    menus = parts.shelf.current
    service = notices.service_of(parts, submission)
    title = notices.short_title(menus, service, submission.language) if service else submission.service
    policy = parts.settings.sender_of(parts.settings.sms.sender).transliteration
    values = {
        "helper": msisdn.national(caller.msisdn),
        "service": fit.shortened(title, SERVICE_SIZE, policy),
        "otc": code,
    }
    text = writing.Text(
        holding_id=submission.holding_id,
        msisdn=number,
        text=compose.text(menus, "agree_ask", submission.language, values),
        template="agree_ask",
        category=Category.PROCEDURE,
        language=submission.language,
        sender=sender,
        priority=_PRIORITY,
        order_key=f"submission:{submission.id}",
        submission_id=submission.id,
        private=True,
        caused_by=submission.service,
    )
    if writing.write(conn, parts, text, now) is None:
        raise Undone(NOT_ASKED)


def answer(conn: Connection, parts: Parts, holding_id: int, code: str, mo_id: int, now: datetime) -> str:
    """What "OUI" and these digits do: AGREED (the demand is filed), WRONG, or NONE (nothing was asked of her)."""
    waiting = agreements.waiting(conn, holding_id, now)
    tried = [one for one in waiting if one.wrong < parts.settings.agreements.wrong]
    digest = _digest(parts, holding_id, code)
    meant = next((one for one in tried if hmac.compare_digest(one.code_digest, digest)), None)
    if meant is None:
        for one in tried:
            agreements.note_wrong(conn, one.id)
        return WRONG if waiting else NONE
    if not agreements.settle(conn, meant.id, "agreed", now, mo_id):
        return NONE
    _file(conn, parts, meant.submission_id, now)
    return AGREED


def is_asked(conn: Connection, holding_id: int, now: datetime) -> bool:
    """Whether this person has a question to answer."""
    return bool(agreements.waiting(conn, holding_id, now))


def expire(parts: Parts, conn: Connection, limit: int, now: datetime) -> int:
    """How many questions nobody answered in time; each demand is withdrawn, and its helper told."""
    over = agreements.expired(conn, now, limit)
    for one in over:
        if not agreements.settle(conn, one.id, "expired", now):
            continue
        if submissions.set_state(conn, parts.seals, one.submission_id, SubmissionState.WITHDRAWN, now):
            submission_events.add(conn, one.submission_id, "not_agreed", now)
            submission = submissions.by_id(conn, parts.seals, one.submission_id)
            if submission is not None:
                notices.helper_told(conn, parts, submission, "agree_over")
            logs.event("submission.not_agreed", submission_id=one.submission_id)
    return len(over)


def _file(conn: Connection, parts: Parts, submission_id: int, now: datetime) -> None:
    """From now on it is a demand like any other: récépissé to the person, hand-over to the institution."""
    if not submissions.set_state(conn, parts.seals, submission_id, SubmissionState.RECEIVED, now):
        return
    submission = submissions.by_id(conn, parts.seals, submission_id)
    assert submission is not None
    submission_events.add(conn, submission_id, "agreed", now)
    logs.event("submission.agreed", submission_id=submission_id)
    day = submission.submitted_at.astimezone(parts.zone).date().isoformat()
    verification = reference.code(parts.receipt_keys, submission.reference, submission.service, day)
    notices.receipt(conn, parts, submission, verification)
    notices.helper_told(conn, parts, submission, "receipt_helper")
    submissions.set_hand_over_by(conn, submission_id, hand_over.deadline(notices.service_of(parts, submission), now))
    key = withdrawals.order_key(submission_id)
    system = submission.system
    outbox.add(conn, withdrawals.LANE, "submission", submission_id, key, _HAND_OVER_PRIORITY, now, now, system)
    hooks.tell(conn, parts, hooks.RECEIVED, submission_id, now)


def _digest(parts: Parts, holding_id: int, code: str) -> bytes:
    return parts.seals.digest("agreement", f"{holding_id}|{code}")
