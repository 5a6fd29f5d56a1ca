"""Whoever steals the database reads no number, identifier, name or text of a citizen in it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import text

from gateway.messages import Dlr, MoSms, MtState, SubmissionState
from gateway.store import (
    acts,
    conversations,
    counters,
    holdings,
    mos,
    mts,
    preferences,
    saved_dialogues,
    stray_dlrs,
    submissions,
)
from gateway.store.db import Database
from gateway.store.sealed import Seals
from gateway.store.tables import metadata

NUMBER = "+2290197445566"
NPI = "4829137405"
PERSONAL = ("97445566", NPI, "4829", "Adjovi", "Récépissé", "Votre acte", "...7405")


def test_nothing_personal_is_in_clear(
    database: Database,
    database_url: str,
    seals: Seals,
    now: datetime,
    store_mt: Callable[..., int],
    store_submission: Callable[..., int],
) -> None:
    with database.begin() as conn:
        holding_id = holdings.open_holding(conn, seals, NUMBER, now)
        made = store_submission(conn, fields={"npi": NPI, "nom": "Adjovi"}, reference="111122223333")
        submissions.set_state(conn, seals, made, SubmissionState.GRANTED, now, message={"fr": "Votre acte est prêt"})
        mt_id = store_mt(conn, submission_id=made, text="Récépissé de Adjovi")
        mts.move(conn, mt_id, MtState.DELIVERED, "dlr", "", now)
        acts.insert(conn, seals, b"k", "submit", "submitted", {"npi": NPI, "number": NUMBER}, now)
        stray_dlrs.add(conn, seals, Dlr("africastalking", "ATX_1", None, "Success", "", NUMBER), now)
        dropped = saved_dialogues.DroppedDialogue(
            holding_id, "acte", "africastalking", "fr", "recap", f"{NPI} Adjovi".encode(), now + timedelta(days=3)
        )
        saved_dialogues.save(conn, seals, dropped, now)
        mos.add(conn, seals, MoSms("africastalking", "A1", NUMBER, "22900", f"Votre acte {NPI} Adjovi"), now)
        talking = conversations.Conversation(holding_id, state=f"{NPI} Adjovi".encode(), proposal=f"STATUT {NPI}")
        conversations.save(conn, seals, talking, now)
        preferences.note(conn, holding_id, "language", "en", "sms", now, mo_id=1)
        counters.add(conn, "sms_number", holdings.digest_of(seals, NUMBER).hex(), now, 1, now)

    if database_url.startswith("sqlite"):
        database.close()
        file = Path(database_url.removeprefix("sqlite:///"))
        stolen = b"".join(part.read_bytes() for part in file.parent.glob(f"{file.name}*"))
    else:
        with database.read() as conn:
            rows = [row for table in metadata.tables for row in conn.execute(text(f"SELECT * FROM {table}"))]
        stolen = b"\n".join(cell if isinstance(cell, bytes) else str(cell).encode() for row in rows for cell in row)
    assert b"acte-naissance" in stolen, "this is really where it would be"
    for words in PERSONAL:
        assert words.encode() not in stolen, words
