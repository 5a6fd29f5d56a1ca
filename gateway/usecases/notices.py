"""SMS about a submission: its récépissé, its acknowledgement, its decision. Stored in the caller's transaction.

They leave in the order they were written: each has the submission as its `order_key`. Those of a sensitive service
name neither the service nor the decision, because phones are shared. Nothing is written to a number that
changed hands since the submission.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from gateway import logs
from gateway.engine import compose
from gateway.menu.message_keys import INSTITUTION_TEXT_SIZE, SERVICE_SIZE
from gateway.menu.model import Menus, Service
from gateway.messages import Decision
from gateway.store import holdings, mts, outbox
from gateway.store.db import Connection
from gateway.store.sealed import SealBroken
from gateway.store.submissions import StoredSubmission
from gateway.text import pages, reference, segments, transliterate
from gateway.usecases.parts import Parts

LANE = "urgent"
#: A récépissé leaves before the notices of others.
RECEIPT_PRIORITY = 10
NOTICE_PRIORITY = 20


def receipt(conn: Connection, parts: Parts, submission: StoredSubmission, verification: str) -> int:
    """The id of the récépissé's SMS: reference, service, date and hour, promised date, verification code."""
    local = submission.submitted_at.astimezone(parts.zone)
    promised = submission.promised_on
    values = {
        "date": f"{local:%d/%m/%Y}",
        "time": f"{local:%H:%M}",
        "promised_date": f"{promised:%d/%m}" if promised else "",
        "verification": verification,
    }
    key = "receipt_sensitive" if submission.sensitive else "receipt"
    mt = _write(conn, parts, submission, key if promised else f"{key}_no_promise", values, receipt=True)
    if mt is None:  # the holding was opened in this very transaction
        raise LookupError("a récépissé needs its holding")
    return mt


def acknowledged(conn: Connection, parts: Parts, submission: StoredSubmission) -> int | None:
    """The notice that the institution took the demand."""
    if submission.sensitive:
        return _write(conn, parts, submission, "acknowledged_sensitive", {})
    key = "acknowledged_case" if submission.case_number else "acknowledged"
    return _write(conn, parts, submission, key, {"case": submission.case_number})


def decided(conn: Connection, parts: Parts, submission: StoredSubmission, decision: Decision) -> int | None:
    """The notice of the decision, with the institution's own words when it gave some."""
    if submission.sensitive:
        return _write(conn, parts, submission, "decided_sensitive", {})
    return _with_words(conn, parts, submission, f"decided_{decision.value}", "message")


def not_accepted(conn: Connection, parts: Parts, submission: StoredSubmission) -> int | None:
    """The notice that the institution would not take the demand, with its reason when it gave one."""
    if submission.sensitive:
        return _write(conn, parts, submission, "not_accepted_sensitive", {})
    return _with_words(conn, parts, submission, "not_accepted", "reason")


def service_of(parts: Parts, submission: StoredSubmission) -> Service | None:
    """The service as it stands now; None when the menus in use no longer have it."""
    return parts.shelf.current.services.get(submission.service)


def short_title(menus: Menus, service: Service, language: str) -> str:
    """What lists and SMS call a service."""
    titles = (service.short_title or service.title).by_language
    return titles.get(language) or titles[menus.languages[0]]


def words(by_language: Mapping[str, str], language: str, default: str) -> str:
    """What an institution wrote, in the citizen's language, else in the default one, else in any; "" for nothing."""
    return by_language.get(language) or by_language.get(default) or next(iter(by_language.values()), "")


def _with_words(conn: Connection, parts: Parts, submission: StoredSubmission, key: str, name: str) -> int | None:
    said = words(submission.message, submission.language, parts.shelf.current.languages[0])
    return _write(conn, parts, submission, f"{key}_{name}" if said else key, {name: said})


def _write(
    conn: Connection,
    parts: Parts,
    submission: StoredSubmission,
    key: str,
    values: Mapping[str, str],
    *,
    receipt: bool = False,
) -> int | None:
    """The id of the stored SMS and its outbox row; None when the number is no longer the citizen's, or unreadable."""
    now = parts.now()
    try:
        msisdn = holdings.msisdn_of(conn, parts.seals, submission.holding_id)
    except SealBroken:  # what the institution decided is kept all the same
        logs.event("notice.unreadable", level="error", submission_id=submission.id, template=key)
        return None
    if holdings.find_open(conn, parts.seals, msisdn) != submission.holding_id:
        logs.event("notice.withheld", level="warning", submission_id=submission.id, template=key)
        return None
    sms = parts.settings.sms
    text = _text(parts, submission, key, values)
    measure = segments.measure(text)
    validity_s = sms.receipt_validity_s if receipt else sms.validity_s
    mt = mts.insert(
        conn,
        parts.seals,
        mts.NewMt(
            holding_id=submission.holding_id,
            msisdn=msisdn,
            channel=sms.channel,
            sender=sms.sender,
            text=text,
            encoding=measure.encoding,
            segments=measure.segments,
            submission_id=submission.id,
            template=key,
            category="receipt" if receipt else "notice",
            language=submission.language,
            valid_until=now + timedelta(seconds=validity_s),
        ),
        now,
    )
    priority = RECEIPT_PRIORITY if receipt else NOTICE_PRIORITY
    outbox.add(conn, LANE, "mt", mt, f"submission:{submission.id}", priority, now, now)
    return mt


def _text(parts: Parts, submission: StoredSubmission, key: str, values: Mapping[str, str]) -> str:
    menus, language = parts.shelf.current, submission.language
    service = service_of(parts, submission)
    shown = {
        "reference": reference.show(submission.reference),
        "code": parts.settings.service_code,
        "service": short_title(menus, service, language) if service else submission.service,
        **values,
    }
    sizes = {"service": SERVICE_SIZE, "message": INSTITUTION_TEXT_SIZE, "reason": INSTITUTION_TEXT_SIZE}
    for name, size in sizes.items():
        if name in shown:
            shown[name] = _fitted(shown[name], size)
    return _plain(compose.text(menus, key, language, shown))


def _fitted(text: str, size: int) -> str:
    """At most `size` septets on one line, or a third of it in UCS-2: the same number of segments holds it."""
    text = _plain(" ".join(text.split()))
    if segments.measure(text).encoding == "GSM-7":
        return pages.cut(text, size, "gsm7")
    return pages.cut(text, size // 3, "ucs2")


def _plain(text: str) -> str:
    """`text` in the GSM 7-bit alphabet; as it is (so in UCS-2) when that would lose a character."""
    plain = transliterate.plain(text)
    return text if plain.lost else plain.text
