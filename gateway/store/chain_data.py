"""What entries of a history say of personal data: a digest under the demand's own salt, which is erased with the data.

With the salt, the stored data can be compared with what an entry covered. Without it, a digest says nothing: not even
whoever knows what was typed can find it again. Whoever changes covered data adds an entry that covers them anew;
of questions and statements each entry covers the one text that came with it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Row, Select, literal, select, union_all, update

from gateway.messages import StatementKind
from gateway.store import holdings, questions, statements
from gateway.store.db import Connection
from gateway.store.sealed import SealBroken, Seals
from gateway.store.submissions import FIELDS, MESSAGE, RELATION
from gateway.store.tables import holdings as holdings_table
from gateway.store.tables import questions as questions_table
from gateway.store.tables import statements as statements_table
from gateway.store.tables import submission_events, submissions

#: Kinds of entries that cover the demand as it then stood; the newest one covers it as it stands.
DEMAND = ("proposed", "received", "moved")
#: Kinds that cover the institution's decision and its words.
ANSWER = ("decided", "not_accepted")
#: Kinds that each cover one text: a question of the institution, what the citizen said.
SAID = ("more_needed", "answered", "corrected")
#: The entry that says that salt and data are gone.
ERASED = "erased"
#: The code of an entry that covers anew what no longer fitted the one before.
ALTERED = "altered"
_QUESTION = "question"
_SALT = "submissions.salt_sealed"
_SALT_BYTES = 32

_Row = Row[*tuple[Any, ...]]


def digest_of(conn: Connection, seals: Seals, submission_id: int, value: Any) -> bytes | None:
    """The `data_digest` of an entry about `value`, a JSON value; None once the demand's data are erased.

    The salt is made at the first use. Raises SealBroken when it cannot be opened.
    """
    s = submissions.c
    asked = select(s.salt_sealed, s.fields_sealed).where(s.id == submission_id).with_for_update()
    row = conn.execute(asked).one_or_none()
    if row is None or row.fields_sealed is None:
        return None
    if row.salt_sealed is not None:
        return digest(seals.open_bytes(row.salt_sealed, _SALT), value)
    salt = seals.random_bytes(_SALT_BYTES)
    conn.execute(update(submissions).where(s.id == submission_id).values(salt_sealed=seals.seal_bytes(salt, _SALT)))
    return digest(salt, value)


def of_demand(conn: Connection, seals: Seals, submission_id: int) -> bytes | None:
    """The digest of the demand as it stands: fields, number, language, service, for whom. None when it is unreadable.

    Then what an earlier entry covered still has to fit.
    """
    row = conn.execute(select(*columns()).join(*number()).where(submissions.c.id == submission_id)).one_or_none()
    try:
        return None if row is None else digest_of(conn, seals, submission_id, demand(seals, row))
    except SealBroken:
        return None


def of_answer(conn: Connection, seals: Seals, submission_id: int) -> bytes | None:
    """The digest of the decision and of the institution's words, as they were just stored. None as above."""
    row = conn.execute(select(*columns()).join(*number()).where(submissions.c.id == submission_id)).one_or_none()
    try:
        return None if row is None else digest_of(conn, seals, submission_id, answer(seals, row))
    except SealBroken:
        return None


def of_question(
    conn: Connection, seals: Seals, submission_id: int, event_id: str, text: Mapping[str, str]
) -> bytes | None:
    """The digest of a question, by the institution's own id of the event that asked. None as above."""
    return _of_said(conn, seals, submission_id, _QUESTION, event_id, dict(text))


def of_statement(
    conn: Connection, seals: Seals, submission_id: int, kind: StatementKind, key: str, text: str
) -> bytes | None:
    """The digest of what the citizen said, by its idempotency key. None as above."""
    return _of_said(conn, seals, submission_id, kind.value, key, text)


def _of_said(conn: Connection, seals: Seals, submission_id: int, kind: str, key: str, text: Any) -> bytes | None:
    try:
        return digest_of(conn, seals, submission_id, [kind, key, text])
    except SealBroken:
        return None


def fits(conn: Connection, seals: Seals, submission_id: int) -> bool:
    """Whether the demand is still as the newest entry that covers it says; ask before another one covers it anew."""
    e = submission_events.c
    covering = select(e.data_digest).where(
        e.submission_id == submission_id, e.kind.in_(DEMAND), e.data_digest.is_not(None)
    )
    covered = conn.execute(covering.order_by(e.number.desc()).limit(1)).scalar_one_or_none()
    return covered is None or covered == of_demand(conn, seals, submission_id)


def digest(salt: bytes, value: Any) -> bytes:
    """HMAC-SHA256 of the JSON of `value`, its keys in order."""
    return hmac.digest(salt, msgspec.json.encode(value, order="sorted"), hashlib.sha256)


def columns() -> tuple[Any, ...]:
    """What `demand`, `answer` and `salt` read of a row; join `number`."""
    s = submissions.c
    kept = (s.salt_sealed, s.fields_sealed, s.relation_sealed, s.message_sealed, s.language, s.service, s.on_behalf)
    return (s.id, s.reference, *kept, s.decision, holdings_table.c.msisdn_sealed)


def number() -> tuple[Any, Any]:
    return holdings_table, holdings_table.c.id == submissions.c.holding_id


def salt(seals: Seals, row: _Row) -> bytes:
    """Raises SealBroken."""
    return seals.open_bytes(row.salt_sealed, _SALT)


def demand(seals: Seals, row: _Row) -> Any:
    """What an entry of DEMAND covers. Raises SealBroken."""
    return {
        "fields": seals.open_json(row.fields_sealed, FIELDS),
        "number": holdings.opened(seals, row.msisdn_sealed),
        "language": row.language,
        "service": row.service,
        "on_behalf": row.on_behalf,
        "relation": None if row.relation_sealed is None else seals.open(row.relation_sealed, RELATION),
    }


def answer(seals: Seals, row: _Row) -> Any:
    """What an entry of ANSWER covers. Raises SealBroken."""
    words = None if row.message_sealed is None else seals.open_json(row.message_sealed, MESSAGE)
    return {"decision": row.decision, "message": words}


def said_rows(submission_id: int | None = None) -> Select[Any]:
    """What `said` reads: every question and statement that has its text, demand by demand."""
    q, st = questions_table.c, statements_table.c
    asked = select(q.submission_id, literal(_QUESTION).label("kind"), q.event_id.label("key"), q.text_sealed)
    told = select(st.submission_id, st.kind, st.idempotency_key.label("key"), st.text_sealed)
    both = union_all(asked.where(q.text_sealed.is_not(None)), told.where(st.text_sealed.is_not(None))).subquery()
    rows = select(both).order_by(both.c.submission_id)
    return rows if submission_id is None else rows.where(both.c.submission_id == submission_id)


def said(seals: Seals, row: Any) -> Any:
    """What an entry of SAID covers. Raises SealBroken."""
    if row.kind == _QUESTION:
        return [row.kind, row.key, seals.open_json(row.text_sealed, questions.TEXT)]
    return [row.kind, row.key, seals.open(row.text_sealed, statements.TEXT)]
