"""SMS: stored sealed, moved forward only, except that a late *delivered* is always believed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import product

import pytest
from sqlalchemy import select, update

from gateway.messages import MtState
from gateway.store import holdings, mt_texts, mts
from gateway.store.db import Database
from gateway.store.mts import MtEvent
from gateway.store.sealed import Seals
from gateway.store.tables import mts as table

M = MtState
Store = Callable[..., int]
NUMBER = "+2290197445566"

#: Written out by hand, apart from the code: from each state, where a message can go.
ALLOWED = {
    M.CREATED: {M.SENDING, M.DELIVERED, M.FAILED_PERMANENT, M.REJECTED, M.EXPIRED, M.SUPPRESSED},
    M.SENDING: set(M) - {M.SENDING, M.NO_REPORT, M.SUPPRESSED},
    M.ACCEPTED: {
        M.SENT,
        M.DELIVERED,
        M.FAILED_TEMPORARY,
        M.FAILED_PERMANENT,
        M.REJECTED,
        M.EXPIRED,
        M.NO_REPORT,
    },
    M.SENT: {M.DELIVERED, M.FAILED_TEMPORARY, M.FAILED_PERMANENT, M.REJECTED, M.EXPIRED, M.NO_REPORT},
    M.DELIVERED: set(),
    M.FAILED_TEMPORARY: {M.DELIVERED, M.FAILED_PERMANENT, M.EXPIRED},
    M.FAILED_PERMANENT: {M.DELIVERED},
    M.REJECTED: {M.DELIVERED},
    M.EXPIRED: {M.DELIVERED},
    M.NO_REPORT: {M.DELIVERED, M.FAILED_PERMANENT, M.EXPIRED},
    M.UNKNOWN: {
        M.ACCEPTED,
        M.SENT,
        M.DELIVERED,
        M.FAILED_TEMPORARY,
        M.FAILED_PERMANENT,
        M.REJECTED,
        M.EXPIRED,
    },
    M.SUPPRESSED: {M.DELIVERED},
}


def test_every_move(sqlite_database: Database, store_mt: Store, now: datetime) -> None:
    with sqlite_database.begin() as conn:
        mt_id = store_mt(conn)
        for start, to in product(M, M):
            conn.execute(update(table).values(state=start))
            assert mts.move(conn, mt_id, to, "dlr", "code", now) == (to in ALLOWED[start]), f"{start} -> {to}"


def test_an_sms_is_sent_as_it_was_stored(database: Database, store_mt: Store, seals: Seals, now: datetime) -> None:
    with database.begin() as conn:
        first, second = store_mt(conn, text="un"), store_mt(conn, text="deux", sender="ANIP")
        found = mts.for_sending(conn, seals, [second, first, 404])
    assert set(found) == {first, second}
    assert (found[second].text, found[second].sender, found[second].msisdn) == ("deux", "ANIP", NUMBER)
    assert (found[first].state, found[first].valid_until) == (M.CREATED, now + timedelta(days=2))
    assert "deux" not in repr(found)
    assert NUMBER not in repr(found)


def test_each_move_is_noted_once(database: Database, store_mt: Store, now: datetime) -> None:
    with database.begin() as conn:
        mt_id = store_mt(conn)
        later = now + timedelta(seconds=5)
        assert mts.move(conn, mt_id, M.SENDING, "send", "", now)
        assert mts.move(conn, mt_id, M.ACCEPTED, "send", "101", later)
        assert not mts.move(conn, mt_id, M.ACCEPTED, "dlr", "101", later)
        assert mts.move(conn, mt_id, M.DELIVERED, "dlr", "x\x00" * 70, later)
        assert not mts.move(conn, 404, M.DELIVERED, "dlr", "", later)
        found = mts.by_id(conn, mt_id)
        assert found is not None
        assert (found.state, found.reason, found.updated_at) == (M.DELIVERED, "x" * 64, later)
        assert mts.events_of(conn, mt_id) == (
            MtEvent(now, M.CREATED, "send", ""),
            MtEvent(now, M.SENDING, "send", ""),
            MtEvent(later, M.ACCEPTED, "send", "101"),
            MtEvent(later, M.DELIVERED, "dlr", "x" * 64),
        )


@pytest.mark.parametrize(
    ("channel", "external_id", "msisdn", "found", "remark"),
    [
        ("africastalking", "ATX_1", None, 1, "the latest of two that share an id"),
        ("africastalking", "ATX_1", NUMBER, 0, "the recipient tells them apart"),
        ("africastalking", "ATX_1", "+2290197000009", None, "nobody we wrote to"),
        ("http", "ATX_1", None, None, "another channel's id"),
        ("africastalking", "ATX_2", None, None, "an id we do not know"),
        ("africastalking", "", None, None, "no id at all"),
    ],
)
def test_the_sms_of_a_report(
    database: Database,
    store_mt: Store,
    seals: Seals,
    now: datetime,
    channel: str,
    external_id: str,
    msisdn: str | None,
    found: int | None,
    remark: str,
) -> None:
    with database.begin() as conn:
        ids = [store_mt(conn), store_mt(conn, msisdn="+2290197000001"), store_mt(conn)]
        for mt_id in ids[:2]:
            mts.set_external(conn, mt_id, "ATX_1", "XOF 9", now)
        looked = mts.by_external_id(conn, seals, channel, external_id, msisdn)
    assert (looked.id if looked else None) == (None if found is None else ids[found])


def test_a_long_id_is_found_by_its_long_form(database: Database, store_mt: Store, seals: Seals, now: datetime) -> None:
    with database.begin() as conn:
        mt_id = store_mt(conn)
        mts.set_external(conn, mt_id, "i" * 200, "c" * 99, now)
        found = mts.by_external_id(conn, seals, "africastalking", "i" * 200)
    assert found is not None
    assert found.id == mt_id


def test_those_past_their_validity(database: Database, store_mt: Store, now: datetime) -> None:
    with database.begin() as conn:
        waiting = {}
        for state in M:
            waiting[state] = store_mt(conn, valid_until=now)
            conn.execute(update(table).where(table.c.id == waiting[state]).values(state=state))
        expected = [waiting[M.ACCEPTED], waiting[M.SENT], waiting[M.FAILED_TEMPORARY]]
        assert mts.past_validity(conn, now - timedelta(microseconds=1), 10) == ()
        assert [mt.id for mt in mts.past_validity(conn, now, 10)] == expected
        assert [mt.id for mt in mts.past_validity(conn, now, 2)] == expected[:2]
        assert mts.count_by_state(conn) == dict.fromkeys(M, 1)


def test_lists_and_erasure(
    database: Database, store_mt: Store, store_submission: Store, seals: Seals, now: datetime
) -> None:
    with database.begin() as conn:
        about = store_submission(conn)
        ids = [store_mt(conn, submission_id=about), store_mt(conn), store_mt(conn, submission_id=about)]
        holding_id = holdings.open_holding(conn, seals, NUMBER, now)
        assert [mt.id for mt in mts.of_holding(conn, holding_id, 2)] == [ids[2], ids[1]]
        assert [mt.id for mt in mts.of_submission(conn, about)] == [ids[0], ids[2]]
        assert mt_texts.erase_of(conn, [about]) == 2
        assert mt_texts.erase_of(conn, [about]) == 0, "once"
        assert mt_texts.erase_of(conn, []) == 0
        assert set(mts.for_sending(conn, seals, ids)) == {ids[1]}
        row = conn.execute(select(table).where(table.c.id == ids[0])).one()
        assert row.text_sealed is row.msisdn_sealed is None
        assert [mt.state for mt in mts.of_submission(conn, about)] == [M.CREATED, M.CREATED]
