"""SMS about a submission: its récépissé, its acknowledgement, its decision. Stored in the caller's transaction.

They leave in the order they were written: each has the submission as its `order_key`. Those of a sensitive service
name neither the service nor the decision, because phones are shared. Nothing is written to a number that
changed hands since the submission.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from gateway import logs
from gateway.engine import compose
from gateway.menu.message_keys import INSTITUTION_SIZE, INSTITUTION_TEXT_SIZE, QUESTION_SIZE, SERVICE_SIZE
from gateway.menu.model import Menus, Service
from gateway.messages import Category, Decision, SubmissionState
from gateway.settings import APPEAL_SIZE
from gateway.store import holdings, restored
from gateway.store.db import Connection
from gateway.store.sealed import SealBroken
from gateway.store.submissions import StoredSubmission
from gateway.text import fit, reference
from gateway.usecases import holdings as held
from gateway.usecases import preferences, writing
from gateway.usecases.parts import Parts

LANE = writing.URGENT
#: News that she may refuse to be sent.
_REFUSABLE = ("acknowledged", "in_progress", "agree_over", "receipt_helper", "late")


def receipt(conn: Connection, parts: Parts, submission: StoredSubmission, verification: str) -> int | None:
    """The id of the récépissé's SMS: reference, service, date and hour, promised date, verification code.

    None when no sender of ours reaches her operator: the demand stands all the same, and the log says so.
    """
    local = submission.submitted_at.astimezone(parts.zone)
    promised = submission.promised_on
    values = {
        "date": f"{local:%d/%m/%Y}",
        "time": f"{local:%H:%M}",
        "promised_date": f"{promised:%d/%m}" if promised else "",
        "verification": verification,
    }
    key = "receipt_sensitive" if submission.sensitive else "receipt"
    return _write(conn, parts, submission, key if promised else f"{key}_no_promise", values, receipt=True)


def acknowledged(conn: Connection, parts: Parts, submission: StoredSubmission) -> int | None:
    """The notice that the institution took the demand. After a restore it may have left before: a person decides."""
    if submission.sensitive:
        mt = _write(conn, parts, submission, "acknowledged_sensitive", {})
    else:
        key = "acknowledged_case" if submission.case_number else "acknowledged"
        mt = _write(conn, parts, submission, key, {"case": submission.case_number})
    return _unless_told(conn, parts, submission, mt)


def in_progress(conn: Connection, parts: Parts, submission: StoredSubmission) -> int | None:
    """The notice that somebody works on the demand; call it once."""
    return _write(conn, parts, submission, "in_progress_sensitive" if submission.sensitive else "in_progress", {})


def more_needed(
    conn: Connection,
    parts: Parts,
    submission: StoredSubmission,
    question: Mapping[str, str],
    code: str,
    answer_by: datetime | None,
) -> int | None:
    """What the institution asks, how it is answered and until when. Of a sensitive demand only that something is.

    Private: it is shown again to nobody, and the code in it to no log.
    """
    two_way = next((key for key, one in parts.settings.senders.items() if one.two_way), None)
    local = None if answer_by is None else answer_by.astimezone(parts.zone)
    values = {
        "institution": institution(parts, submission, submission.language),
        "question": words(question, submission.language, parts.shelf.current.languages[0]),
        "otc": code,
        "date": f"{local:%d/%m}" if local else "",
        "time": f"{local:%H:%M}" if local else "",
    }
    key = "question_sensitive" if submission.sensitive else "question_dial" if two_way is None else "question_ask"
    sender = two_way if key == "question_ask" else None
    key = f"{key}_until" if local else key
    return _write(conn, parts, submission, key, values, private=True, sender=sender)


def institution(parts: Parts, submission: StoredSubmission, language: str) -> str:
    """What the institution of a demand is called."""
    declared = parts.settings.institutions.get(submission.institution)
    names = {} if declared is None else declared.name
    return words(names, language, parts.settings.languages[0]) or submission.institution


def decided(conn: Connection, parts: Parts, submission: StoredSubmission, decision: Decision) -> int | None:
    """The notice of the decision, with the institution's own words when it gave some."""
    if submission.sensitive:
        return _write(conn, parts, submission, "decided_sensitive", {})
    refused = decision is Decision.REFUSED
    return _with_words(conn, parts, submission, f"decided_{decision.value}", "message", refused=refused)


def not_accepted(conn: Connection, parts: Parts, submission: StoredSubmission) -> int | None:
    """The notice that the institution would not take the demand, with its reason when it gave one. As above."""
    if submission.sensitive:
        mt = _write(conn, parts, submission, "not_accepted_sensitive", {})
    else:
        mt = _with_words(conn, parts, submission, "not_accepted", "reason", refused=True)
    return _unless_told(conn, parts, submission, mt)


def late(conn: Connection, parts: Parts, submission: StoredSubmission) -> int | None:
    """Tells that the promised date has passed. After a restore it may have been told before: a person decides."""
    key = "late_sensitive" if submission.sensitive else "late"
    promised = f"{submission.promised_on:%d/%m}" if submission.promised_on else ""
    return _unless_told(conn, parts, submission, _write(conn, parts, submission, key, {"promised_date": promised}))


def withdrawn(conn: Connection, parts: Parts, submission: StoredSubmission) -> int | None:
    """The confirmation that the demand was withdrawn, as she asked."""
    return _write(conn, parts, submission, "withdrawn_sensitive" if submission.sensitive else "withdrawn_sms", {})


def moved_away(conn: Connection, parts: Parts, submission: StoredSubmission) -> int | None:
    """Tells the number before that another one follows the demand from now on; nothing when it is nobody's."""
    return _write(conn, parts, submission, "moved_away", {})


def helper_told(conn: Connection, parts: Parts, submission: StoredSubmission, key: str) -> int | None:
    """Tells whoever made the demand for somebody else what became of it."""
    if submission.helper_id is None:
        return None
    chosen = preferences.of(conn, submission.helper_id).language
    if chosen in parts.shelf.current.languages:
        submission = replace(submission, language=chosen)
    return _write(conn, parts, submission, key, {}, holding=submission.helper_id)


def service_of(parts: Parts, submission: StoredSubmission) -> Service | None:
    """The service as it stands now; None when the menus in use no longer have it."""
    return parts.shelf.current.services.get(submission.service)


def short_title(menus: Menus, service: Service, language: str) -> str:
    """What lists and SMS call a service."""
    titles = (service.short_title or service.title).by_language
    return titles.get(language) or titles[menus.languages[0]]


def state_word(menus: Menus, state: SubmissionState, language: str, *, asked: bool = False) -> str:
    """A state as anybody may read it; that a question waits (`asked`) is said to the citizen alone, while it does."""
    shown = SubmissionState.IN_PROGRESS if state is SubmissionState.MORE_NEEDED and not asked else state
    return compose.text(menus, f"state_{shown.value}", language, {})


def words(by_language: Mapping[str, str], language: str, default: str) -> str:
    """What an institution wrote, in the citizen's language, else in the default one, else in any; "" for nothing."""
    return by_language.get(language) or by_language.get(default) or next(iter(by_language.values()), "")


def _unless_told(conn: Connection, parts: Parts, submission: StoredSubmission, mt: int | None) -> int | None:
    """The SMS; it does not leave when a restore forgot whether the institution had answered already."""
    if mt is not None and restored.is_doubted(conn, submission.id):
        restored.doubt_sms(conn, mt, parts.now())
    return mt


def _with_words(
    conn: Connection, parts: Parts, submission: StoredSubmission, key: str, name: str, *, refused: bool
) -> int | None:
    """With what the institution said, and after a refusal with the means of appeal."""
    default = parts.shelf.current.languages[0]
    said = words(submission.message, submission.language, default)
    institution = parts.settings.institutions.get(submission.institution)
    appeal = words(institution.appeal, submission.language, default) if refused and institution else ""
    key = f"{key}_{name}" if said else key
    values = {name: said} if said else {}
    if not appeal:
        return _write(conn, parts, submission, key, values)
    return _write(conn, parts, submission, f"{key}_appeal", {**values, "appeal": appeal})


def _write(
    conn: Connection,
    parts: Parts,
    submission: StoredSubmission,
    key: str,
    values: Mapping[str, str],
    *,
    receipt: bool = False,
    holding: int | None = None,
    private: bool = False,
    sender: str | None = None,
) -> int | None:
    """The id of the stored SMS and its outbox row; None when the number is no longer the citizen's, or unreadable."""
    now, holding = parts.now(), submission.holding_id if holding is None else holding
    try:
        msisdn = holdings.msisdn_of(conn, parts.seals, holding)
    except SealBroken:  # what the institution decided is kept all the same
        logs.event("notice.unreadable", level="error", submission_id=submission.id, template=key)
        return None
    if held.find(conn, parts, msisdn) != holding:
        logs.event("notice.withheld", level="warning", submission_id=submission.id, template=key)
        return None
    return writing.write(
        conn,
        parts,
        writing.Text(
            holding_id=holding,
            msisdn=msisdn,
            text=_text(parts, submission, key, values),
            template=key,
            category=Category.PROCEDURE if key.startswith(_REFUSABLE) else Category.VITAL,
            language=submission.language,
            priority=writing.RECEIPT_PRIORITY if receipt else writing.NOTICE_PRIORITY,
            order_key=f"submission:{submission.id}",
            validity_s=parts.settings.sms.receipt_validity_s if receipt else None,
            submission_id=submission.id,
            private=private or submission.sensitive,
            sender=sender,
            caused_by=submission.service if receipt else None,
        ),
        now,
    )


def _text(parts: Parts, submission: StoredSubmission, key: str, values: Mapping[str, str]) -> str:
    menus, language = parts.shelf.current, submission.language
    service = service_of(parts, submission)
    shown = {
        "reference": reference.show(submission.reference),
        "code": parts.settings.service_code,
        "service": short_title(menus, service, language) if service else submission.service,
        **values,
    }
    policy = parts.settings.sender_of(parts.settings.sms.sender).transliteration
    sizes = {
        "service": SERVICE_SIZE,
        "message": INSTITUTION_TEXT_SIZE,
        "reason": INSTITUTION_TEXT_SIZE,
        "institution": INSTITUTION_SIZE,
        "question": QUESTION_SIZE,
        "appeal": APPEAL_SIZE,
    }
    for name, size in sizes.items():
        if name in shown:
            shown[name] = fit.shortened(shown[name], size, policy)
    return compose.text(menus, key, language, shown)
