"""What the way to an institution gives as proof of a message, kept in the history of the demand."""

from __future__ import annotations

from datetime import datetime

from gateway.messages import BackofficeAnswer
from gateway.store import submission_events
from gateway.store.db import Connection


def keep(conn: Connection, submission_id: int, answer: BackofficeAnswer, now: datetime) -> None:
    """Adds the proof after what it proves: where to find the message as `code`, its digest as `event_id`.

    The history is linked and sealed, and outlives the outbox. The digest covers a random key (Idempotency-Key), so that
    nobody finds out personal data by trying.
    """
    if answer.evidence is not None:
        found, digest = answer.evidence.message_id, answer.evidence.digest
        submission_events.add(conn, submission_id, "evidence", now, found, digest)
