from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.messages import Category, Dlr, MtState
from gateway.store import holdings, mts
from gateway.usecases.delivery_reports import take_dlr
from gateway.usecases.upkeep import sweep

NUMBER = "+2290197000000"


def sent(bench, external_id: str = "ATX_1", *, as_state: MtState = MtState.ACCEPTED) -> int:
    with bench.parts.database.begin() as conn:
        holding = holdings.open_holding(conn, bench.parts.seals, NUMBER, bench.time)
        new = mts.NewMt(
            holding_id=holding,
            msisdn=NUMBER,
            channel="at",
            sender="",
            text="Bonjour",
            encoding="GSM-7",
            segments=1,
            template="test",
            category=Category.PROCEDURE,
            language="fr",
            valid_until=bench.time + timedelta(hours=48),
        )
        mt = mts.insert(conn, bench.parts.seals, new, bench.time)
        for state in (MtState.SENDING, MtState.ACCEPTED, as_state):
            mts.move(conn, mt, state, "send", "", bench.time)
        mts.set_external(conn, mt, external_id, "", bench.time)
    return mt


def report(bench, state: MtState | None, external_id: str = "ATX_1", **more: object) -> str:
    return take_dlr(bench.parts, Dlr("at", external_id, state, "Word", **more), bench.time)


def history(bench, mt: int) -> list[tuple[str, str]]:
    with bench.parts.database.read() as conn:
        return [(event.state.value, event.source) for event in mts.events_of(conn, mt)][3:]


def state(bench, mt: int) -> MtState:
    with bench.parts.database.read() as conn:
        return mts.by_id(conn, mt).state


def test_a_report_moves_its_sms(bench):
    mt = sent(bench)
    assert report(bench, MtState.SENT) == "moved"
    assert report(bench, MtState.DELIVERED) == "moved"
    assert history(bench, mt) == [("sent", "dlr"), ("delivered", "dlr")]


@pytest.mark.fault("F8")
def test_f8_delivered_after_the_validity_is_believed(bench):
    mt = sent(bench)
    bench.later(hours=48)
    sweep(bench.parts)
    assert state(bench, mt) == MtState.NO_REPORT
    bench.later(hours=24)
    assert report(bench, MtState.DELIVERED) == "moved"
    assert history(bench, mt) == [("no_report", "sweep"), ("delivered", "dlr")]


@pytest.mark.fault("F9")
def test_f9_the_same_report_twice(bench):
    mt = sent(bench)
    assert report(bench, MtState.DELIVERED) == "moved"
    assert report(bench, MtState.DELIVERED) == "unchanged"
    assert len(history(bench, mt)) == 1


@pytest.mark.parametrize(
    ("first", "then", "ends", "remark"),
    [
        (MtState.DELIVERED, MtState.SENT, "delivered", "no step back"),
        (MtState.DELIVERED, MtState.FAILED_PERMANENT, "delivered", "nothing undoes a delivery"),
        (MtState.FAILED_PERMANENT, MtState.SENT, "failed_permanent", "no step back"),
        (MtState.FAILED_PERMANENT, MtState.DELIVERED, "delivered", "a late delivery is believed"),
        (MtState.FAILED_TEMPORARY, MtState.DELIVERED, "delivered", "settled at last"),
        (MtState.FAILED_TEMPORARY, MtState.FAILED_PERMANENT, "failed_permanent", "settled at last"),
    ],
)
@pytest.mark.fault("F10")
def test_f10_reports_out_of_order(sqlite_bench, first, then, ends, remark):
    mt = sent(sqlite_bench)
    report(sqlite_bench, first)
    report(sqlite_bench, then)
    assert state(sqlite_bench, mt) == ends


@pytest.mark.fault("F11")
def test_f11_an_unknown_id_or_word_is_kept_aside(bench):
    mt = sent(bench)
    assert report(bench, MtState.DELIVERED, "ATX_unknown") == "stray"
    assert report(bench, None) == "unknown_status"
    assert state(bench, mt) == MtState.ACCEPTED


def test_the_reason_is_kept(bench):
    mt = sent(bench)
    report(bench, MtState.FAILED_PERMANENT, reason="UserDoesNotExist")
    with bench.parts.database.read() as conn:
        assert mts.by_id(conn, mt).reason == "UserDoesNotExist"


def test_a_report_for_another_number_is_not_believed(bench):
    mt = sent(bench)
    assert report(bench, MtState.DELIVERED, msisdn="+2290197000009") == "stray"
    assert state(bench, mt) == MtState.ACCEPTED
    assert report(bench, MtState.DELIVERED, msisdn=NUMBER) == "moved"


@pytest.mark.parametrize(
    ("at", "ends"),
    [(MtState.ACCEPTED, "no_report"), (MtState.SENT, "no_report"), (MtState.FAILED_TEMPORARY, "expired")],
)
def test_validity_over(sqlite_bench, at, ends):
    bench = sqlite_bench
    mt = sent(bench, as_state=at)
    bench.later(hours=47.99)
    assert sweep(bench.parts)["validities_over"] == 0
    bench.later(hours=0.01)
    assert sweep(bench.parts)["validities_over"] == 1
    assert state(bench, mt) == ends


def test_a_stray_is_matched_by_the_sweep(bench):
    """On PostgreSQL a report and the answer can be stored at once, neither seeing the other."""
    report(bench, MtState.DELIVERED, "ATX_7")
    mt = sent(bench, "ATX_7")
    assert sweep(bench.parts)["strays_matched"] == 1
    assert state(bench, mt) == MtState.DELIVERED
    assert sweep(bench.parts)["strays_matched"] == 0
