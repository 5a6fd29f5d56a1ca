"""Rows that the tests of the store start from."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from gateway.store import holdings, mts, submissions
from gateway.store.db import Connection
from gateway.store.mts import NewMt
from gateway.store.sealed import Seals
from gateway.store.submissions import NewSubmission

NUMBER = "+2290197445566"
NPI = "4829137405"


@pytest.fixture
def a_submission(now: datetime) -> Callable[..., NewSubmission]:
    """A NewSubmission; what is given replaces what is usual."""

    def make(holding_id: int, **given: Any) -> NewSubmission:
        usual: dict[str, Any] = {
            "reference": "482109375628",
            "service": "acte-naissance",
            "menu_version": "0123456789abcdef",
            "system": "etat-civil",
            "institution": "anip",
            "holding_id": holding_id,
            "channel": "africastalking",
            "language": "fr",
            "assurance": "number",
            "sensitive": False,
            "fields": {"npi": NPI, "commune": "cotonou"},
            "subject": (("npi", NPI),),
            "label": "Acte, ...7405",
            "idempotency_key": f"key-{given.get('reference', '482109375628')}",
            "receipt_key_id": "r1",
            "promised_on": date(2026, 11, 26),
            "keep_s": 90 * 86_400,
        }
        return NewSubmission(**{**usual, **given})

    return make


@pytest.fixture
def an_mt(now: datetime) -> Callable[..., NewMt]:
    """A NewMt; what is given replaces what is usual."""

    def make(holding_id: int, **given: Any) -> NewMt:
        usual: dict[str, Any] = {
            "holding_id": holding_id,
            "msisdn": NUMBER,
            "channel": "africastalking",
            "sender": "",
            "text": "Récépissé 4821 0937 5628",
            "encoding": "GSM-7",
            "segments": 1,
            "template": "receipt",
            "category": "vital",
            "language": "fr",
            "valid_until": now + timedelta(days=2),
        }
        return NewMt(**{**usual, **given})

    return make


@pytest.fixture
def store_mt(seals: Seals, now: datetime, an_mt: Callable[..., NewMt]) -> Callable[..., int]:
    def store(conn: Connection, **given: Any) -> int:
        return mts.insert(conn, seals, an_mt(holdings.open_holding(conn, seals, NUMBER, now), **given), now)

    return store


@pytest.fixture
def store_submission(seals: Seals, now: datetime, a_submission: Callable[..., NewSubmission]) -> Callable[..., int]:
    def store(conn: Connection, **given: Any) -> int:
        holding_id = holdings.open_holding(conn, seals, NUMBER, now)
        return submissions.insert(conn, seals, a_submission(holding_id, **given), now)

    return store
