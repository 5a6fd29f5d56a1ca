"""SMS from citizens: stored once for each id of a channel, settled once, erased when due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.messages import MoSms
from gateway.store import mos
from gateway.store.db import Database
from gateway.store.mos import MoState
from gateway.store.sealed import Seals

NUMBER = "+2290197000001"


def sms(external_id: str = "A1", channel: str = "at", text: str = "AIDE", number: str = NUMBER) -> MoSms:
    return MoSms(channel, external_id, number, "22900", text, datetime(2026, 11, 24, tzinfo=UTC), "61603")


def test_stored_once_for_each_id_of_a_channel(database: Database, seals: Seals, now: datetime) -> None:
    with database.begin() as conn:
        first = mos.add(conn, seals, sms(), now)
        assert first is not None
        assert mos.add(conn, seals, sms(text="autre"), now) is None, "the aggregator repeats itself"
        assert mos.add(conn, seals, sms(channel="other"), now) is not None
        found = mos.by_id(conn, seals, first)
        assert found is not None
        assert (found.msisdn, found.text, found.to, found.network) == (NUMBER, "AIDE", "22900", "61603")
        assert (found.state, found.outcome, found.sent_at) == (MoState.RECEIVED, "", datetime(2026, 11, 24, tzinfo=UTC))
        assert mos.by_id(conn, seals, 99) is None


@pytest.mark.parametrize("text", ["", "é€ ɖɔ 😀", "x" * 1600, "\0"], ids=["empty", "any letter", "long", "a null"])
def test_any_text_comes_back_as_it_was(database: Database, seals: Seals, now: datetime, text: str) -> None:
    with database.begin() as conn:
        mo_id = mos.add(conn, seals, sms(text=text), now)
        assert mo_id is not None
        found = mos.by_id(conn, seals, mo_id)
        assert found is not None
        assert found.text == text


def test_settled_once(database: Database, seals: Seals, now: datetime) -> None:
    with database.begin() as conn:
        mo_id = mos.add(conn, seals, sms(), now)
        assert mo_id is not None
        assert mos.settle(conn, mo_id, MoState.HANDLED, "help", now)
        assert not mos.settle(conn, mo_id, MoState.IGNORED, "loop", now)
        (found,) = mos.list_page(conn, seals, 10)
        assert (found.state, found.outcome, found.handled_at) == (MoState.HANDLED, "help", now)
        assert mos.list_page(conn, seals, 10, before_id=mo_id) == ()


def test_counted_since(database: Database, seals: Seals, now: datetime) -> None:
    with database.begin() as conn:
        for number in range(4):
            mos.add(conn, seals, sms(f"A{number}"), now + timedelta(seconds=number))
        mos.add(conn, seals, sms("B", number="+2290197000002"), now + timedelta(seconds=3))
        assert mos.count_since(conn, seals, NUMBER, now, 10) == 3
        assert mos.count_since(conn, seals, NUMBER, now, 2) == 2


def test_erased_when_due_and_only_what_was_settled(database: Database, seals: Seals, now: datetime) -> None:
    with database.begin() as conn:
        settled, waiting, young = (mos.add(conn, seals, sms(f"A{n}"), now + timedelta(days=n // 2)) for n in range(3))
        assert settled
        assert young
        mos.settle(conn, settled, MoState.HANDLED, "", now)
        mos.settle(conn, young, MoState.HANDLED, "", now)
        assert mos.erase_due(conn, now + timedelta(seconds=1), 10) == 1
        found = [mos.by_id(conn, seals, mo_id or 0) for mo_id in (settled, waiting, young)]
        assert [(one.text, one.msisdn) for one in found if one] == [(None, None), ("AIDE", NUMBER), ("AIDE", NUMBER)]
        assert mos.erase_due(conn, now + timedelta(seconds=1), 10) == 0


def test_nothing_personal_in_its_repr(database: Database, seals: Seals, now: datetime) -> None:
    with database.begin() as conn:
        found = mos.by_id(conn, seals, mos.add(conn, seals, sms(text="secret"), now) or 0)
    assert NUMBER not in repr(found)
    assert "secret" not in repr(found)
