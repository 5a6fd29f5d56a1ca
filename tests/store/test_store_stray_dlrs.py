"""Reports that came before their SMS was known: kept once, given once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from gateway.messages import Dlr, MtState
from gateway.store import mts, stray_dlrs
from gateway.store.db import Database
from gateway.store.sealed import Seals
from tests.store.conftest import NUMBER


def _dlr(external_id: str = "ATX_1", state: MtState | None = MtState.SENT, raw: str = "Sent", reason: str = "") -> Dlr:
    return Dlr("africastalking", external_id, state, raw, reason, msisdn=NUMBER)


def test_a_report_is_kept_once_and_given_once(database: Database, seals: Seals, now: datetime) -> None:
    later = now + timedelta(seconds=1)
    with database.begin() as conn:
        assert stray_dlrs.add(conn, seals, _dlr(state=MtState.DELIVERED, raw="Success"), later)
        assert stray_dlrs.add(conn, seals, _dlr(), now)
        assert not stray_dlrs.add(conn, seals, _dlr(), later), "repeated"
        assert stray_dlrs.add(conn, seals, _dlr("ATX_2"), now)
        given = stray_dlrs.take(conn, "africastalking", "ATX_1", later)
        assert [(dlr.state, dlr.raw_status) for dlr in given] == [
            (MtState.SENT, "Sent"),
            (MtState.DELIVERED, "Success"),
        ]
        assert stray_dlrs.take(conn, "africastalking", "ATX_1", later) == ()
        assert stray_dlrs.take(conn, "http", "ATX_2", later) == ()


def test_a_hostile_report_is_bounded(database: Database, seals: Seals, now: datetime) -> None:
    with database.begin() as conn:
        assert stray_dlrs.add(conn, seals, _dlr("i\x00" * 200, None, "s\x00" * 99, "r" * 99), now)
        (kept,) = stray_dlrs.take(conn, "africastalking", "i\x00" * 200, now)
    assert (kept.external_id, kept.raw_status, kept.code, kept.state) == ("i" * 128, "s" * 64, "r" * 64, None)


def test_those_whose_sms_became_known(
    database: Database, seals: Seals, now: datetime, store_mt: Callable[..., int]
) -> None:
    with database.begin() as conn:
        for external_id in ("ATX_1", "ATX_2", "ATX_3"):
            stray_dlrs.add(conn, seals, _dlr(external_id), now)
        mts.set_external(conn, store_mt(conn), "ATX_1", "", now)
        mts.set_external(conn, store_mt(conn), "ATX_2", "", now)
        stray_dlrs.take(conn, "africastalking", "ATX_2", now)
        assert stray_dlrs.matchable(conn, 10) == (("africastalking", "ATX_1"),)


def test_among(database: Database, seals: Seals, now: datetime) -> None:
    with database.begin() as conn:
        stray_dlrs.add(conn, seals, _dlr("ATX_1"), now)
        stray_dlrs.add(conn, seals, _dlr("ATX_2"), now)
        stray_dlrs.take(conn, "africastalking", "ATX_2", now)
        assert stray_dlrs.among(conn, "africastalking", ["ATX_1", "ATX_2", "ATX_3"]) == {"ATX_1"}
        assert stray_dlrs.among(conn, "http", ["ATX_1"]) == frozenset()


def test_adoptable_is_one_sms_and_one_id(
    database: Database, seals: Seals, now: datetime, store_mt: Callable[..., int]
) -> None:
    with database.begin() as conn:
        first = store_mt(conn)
        stray_dlrs.add(conn, seals, _dlr("ATX_1"), now)
        assert stray_dlrs.adoptable(conn, 10) == (), "its fate is not unknown"
        mts.move(conn, first, MtState.SENDING, "send", "", now)
        mts.move(conn, first, MtState.UNKNOWN, "sweep", "", now)
        assert stray_dlrs.adoptable(conn, 10) == ((first, "africastalking", "ATX_1"),)
        stray_dlrs.add(conn, seals, _dlr("ATX_2"), now)
        assert stray_dlrs.adoptable(conn, 10) == (), "two ids: nobody can tell"


def test_old_ones_are_forgotten(database: Database, seals: Seals, now: datetime) -> None:
    with database.begin() as conn:
        stray_dlrs.add(conn, seals, _dlr("ATX_1"), now - timedelta(seconds=1))
        stray_dlrs.add(conn, seals, _dlr("ATX_2"), now)
        assert stray_dlrs.forget(conn, now) == 1
        assert len(stray_dlrs.take(conn, "africastalking", "ATX_2", now)) == 1
