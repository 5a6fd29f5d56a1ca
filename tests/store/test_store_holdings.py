"""Holdings: one open per number, however many ask at once; a closed one leaves nothing to the next person."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from gateway.store import holdings
from gateway.store.db import Database
from gateway.store.sealed import Seals
from gateway.store.tables import holdings as table

NUMBER = "+2290197445566"


def test_a_number_keeps_its_holding_until_it_is_closed(database: Database, seals: Seals, now: datetime) -> None:
    later = now + timedelta(days=1)
    with database.begin() as conn:
        assert holdings.find_open(conn, seals, NUMBER, now - timedelta(days=90)) is None
        first = holdings.open_holding(conn, seals, NUMBER, now)
        assert holdings.open_holding(conn, seals, NUMBER, later) == first
        assert holdings.find_open(conn, seals, NUMBER, now - timedelta(days=90)) == first
        row = conn.execute(select(table)).one()
        assert (row.opened_at, row.last_seen_at, row.closed_at) == (now, later, None)
        assert holdings.open_holding(conn, seals, "+2290197445567", now) != first

        assert holdings.close(conn, first, "sim", later)
        assert not holdings.close(conn, first, "sim", later), "closed already"
        assert holdings.find_open(conn, seals, NUMBER, now - timedelta(days=90)) is None
        second = holdings.open_holding(conn, seals, NUMBER, later)
        assert second != first
        assert holdings.msisdn_of(conn, seals, first) == holdings.msisdn_of(conn, seals, second) == NUMBER


def test_no_such_holding(database: Database, seals: Seals) -> None:
    with database.read() as conn, pytest.raises(LookupError):
        holdings.msisdn_of(conn, seals, 404)


def test_many_at_once_open_one(database: Database, seals: Seals, now: datetime) -> None:
    together = threading.Barrier(6)
    got: list[int] = []

    def ask() -> None:
        together.wait(10)
        with database.begin() as conn:
            got.append(holdings.open_holding(conn, seals, NUMBER, now))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(got) == 6
    assert len(set(got)) == 1
