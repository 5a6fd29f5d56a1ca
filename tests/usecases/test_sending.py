from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.channels.base import ChannelError, ChannelFault
from gateway.messages import Category, Dlr, MtState, SendOutcome, SendResult
from gateway.store import holdings, mts, outbox
from gateway.store.db import StoreUnavailable, Why
from gateway.usecases import sending
from gateway.usecases.delivery_reports import take_dlr
from gateway.usecases.letters import prepare
from gateway.usecases.reconcile import Settled, resend
from gateway.usecases.upkeep import sweep

POOL = ThreadPoolExecutor(4)
NUMBERS = [f"+22901970000{n:02d}" for n in range(20)]


def write(bench, number: str, text: str = "Bonjour", lane: str = "urgent", **more: object) -> int:
    """An SMS and its outbox row; its id."""
    with bench.parts.database.begin() as conn:
        holding = holdings.open_holding(conn, bench.parts.seals, number, bench.time)
        new = mts.NewMt(
            holding_id=holding,
            msisdn=number,
            channel=str(more.get("channel", "at")),
            sender="s",
            text=text,
            encoding="GSM-7",
            segments=1,
            template="test",
            category=Category(str(more.get("category", "procedure"))),
            language="fr",
            valid_until=bench.time + timedelta(hours=48),
        )
        mt = mts.insert(conn, bench.parts.seals, new, bench.time)
        outbox.add(conn, lane, "mt", mt, None, 10, bench.time, bench.time)
    return mt


def state(bench, mt: int) -> mts.Mt:
    with bench.parts.database.read() as conn:
        found = mts.by_id(conn, mt)
    assert found is not None
    return found


def attempts(bench, mt: int) -> int:
    return bench.row("mt", mt).attempts


def history(bench, mt: int) -> list[str]:
    with bench.parts.database.read() as conn:
        return [event.state.value for event in mts.events_of(conn, mt)]


def send_all(bench, lane: str = "urgent") -> None:
    sending.send_all(bench.parts, bench.claim(lane), POOL, urgent=lane == "urgent")


def send(parts, batch) -> None:
    sending._send_wave(parts, [batch], POOL)


def test_accepted(bench):
    mt = write(bench, NUMBERS[0])
    send_all(bench)
    (call,) = bench.aggregator.calls
    assert (call.sender, call.text, call.recipients) == ("PASSERELLE", "Bonjour", (NUMBERS[0],))
    assert (state(bench, mt).state, state(bench, mt).external_id) == (MtState.ACCEPTED, "ATX_1")
    assert history(bench, mt) == ["created", "sending", "accepted"]
    assert (bench.row("mt", mt).state, attempts(bench, mt)) == ("done", 1)


def test_identical_texts_share_calls_of_at_most_the_channel_s_size(bench):
    for number in NUMBERS[:7]:
        write(bench, number, "Avis")
    write(bench, NUMBERS[8], "Autre")
    write(bench, NUMBERS[0], "Avis")  # the same number twice is not in one call
    send_all(bench)
    sizes = sorted((call.text, len(call.recipients)) for call in bench.aggregator.calls)
    assert sizes == [("Autre", 1), ("Avis", 2), ("Avis", 3), ("Avis", 3)]
    assert all(len(set(call.recipients)) == len(call.recipients) for call in bench.aggregator.calls)


OUTCOMES = [
    # outcome, MT, outbox row, remark
    (SendOutcome.ACCEPTED, "accepted", "done", "taken"),
    (SendOutcome.REJECTED, "rejected", "done", "never will be"),
    (SendOutcome.UNKNOWN, "unknown", "unknown", "may have left"),
    (SendOutcome.RETRY, "created", "ready", "surely not sent"),
    (SendOutcome.STOP, "created", "ready", "nothing leaves until a person acts"),
]


@pytest.mark.parametrize("row", OUTCOMES, ids=[row[0].value for row in OUTCOMES])
def test_each_outcome(bench, row):
    outcome, mt_state, row_state, _ = row
    mt = write(bench, NUMBERS[0])
    bench.aggregator.results[NUMBERS[0]] = SendResult("", outcome, "ATX_9", "code_9")
    send_all(bench)
    assert state(bench, mt).state == mt_state
    assert state(bench, mt).reason == "code_9"
    assert (bench.row("mt", mt).state, bench.row("mt", mt).last_code) == (row_state, "code_9")
    send_all(bench)  # at the same time nothing is due again
    assert len(bench.aggregator.calls) == 1


@pytest.mark.fault("F17")
def test_f17_one_recipient_of_a_call_is_refused(bench):
    good, bad, lost = (write(bench, number, "Avis") for number in NUMBERS[:3])
    bench.aggregator.results[NUMBERS[1]] = SendResult("", SendOutcome.REJECTED, None, "403")
    bench.aggregator.results[NUMBERS[2]] = SendResult("", SendOutcome.UNKNOWN, None, "missing")
    send_all(bench)
    assert len(bench.aggregator.calls) == 1
    assert [state(bench, mt).state.value for mt in (good, bad, lost)] == ["accepted", "rejected", "unknown"]


@pytest.mark.parametrize(
    ("result", "least_s", "most_s", "remark"),
    [
        (SendResult("", SendOutcome.RETRY, code="500"), 2.5, 5, "our own wait"),
        (SendResult("", SendOutcome.RETRY, code="429", retry_after_s=90), 90, 99, "as long as asked"),
        (SendResult("", SendOutcome.STOP, code="405"), 450, 900, "long: a person must pay or mend"),
    ],
    ids=lambda value: value.code if isinstance(value, SendResult) else None,
)
def test_when_it_is_tried_again(bench, result, least_s, most_s, remark):
    mt = write(bench, NUMBERS[0])
    bench.aggregator.results[NUMBERS[0]] = result
    send_all(bench)
    wait_s = (bench.row("mt", mt).due_at - bench.time).total_seconds()
    assert least_s <= wait_s <= most_s
    bench.time = bench.row("mt", mt).due_at
    bench.aggregator.results.clear()
    send_all(bench)
    assert state(bench, mt).state == MtState.ACCEPTED
    assert history(bench, mt) == ["created", "sending", "created", "sending", "accepted"]


def test_retries_end(bench):
    mt = write(bench, NUMBERS[0])
    bench.aggregator.results[NUMBERS[0]] = SendResult("", SendOutcome.RETRY, code="500")
    for _ in range(4):
        bench.time = bench.row("mt", mt).due_at
        send_all(bench)
    assert (bench.row("mt", mt).state, attempts(bench, mt)) == ("dead", 4)
    assert (state(bench, mt).state, state(bench, mt).reason) == (MtState.FAILED_PERMANENT, "attempts")


def test_stop_is_not_giving_up(bench):
    mt = write(bench, NUMBERS[0])
    bench.aggregator.results[NUMBERS[0]] = SendResult("", SendOutcome.STOP, code="405")
    for _ in range(6):
        bench.time = bench.row("mt", mt).due_at
        send_all(bench)
    assert bench.row("mt", mt).state == "ready"


@pytest.mark.parametrize(
    ("hours", "left", "remark"), [(48, False, "its validity is over"), (47.999, True, "just before")]
)
def test_an_sms_past_its_validity_does_not_leave(bench, hours, left, remark):
    mt = write(bench, NUMBERS[0])
    bench.later(hours=hours)
    send_all(bench)
    assert (len(bench.aggregator.calls) == 1) is left
    assert state(bench, mt).state == (MtState.ACCEPTED if left else MtState.EXPIRED)
    assert bench.row("mt", mt).state == "done"


def test_a_suppressed_sms_does_not_leave(bench):
    mt = write(bench, NUMBERS[0])
    rows = bench.claim("urgent")
    with bench.parts.database.begin() as conn:
        assert mts.move(conn, mt, MtState.SUPPRESSED, "person", "", bench.time)
    assert prepare(bench.parts, rows) == ()
    assert bench.row("mt", mt).state == "done"


def test_suppressed_between_preparing_and_calling(bench):
    mt = write(bench, NUMBERS[0])
    (batch,) = prepare(bench.parts, bench.claim("urgent"))
    with bench.parts.database.begin() as conn:
        assert mts.move(conn, mt, MtState.SUPPRESSED, "person", "", bench.time)
    send(bench.parts, batch)
    assert bench.aggregator.calls == []
    assert bench.row("mt", mt).state == "done"


def test_a_lease_that_ended_means_no_call(bench):
    write(bench, NUMBERS[0])
    (batch,) = prepare(bench.parts, bench.claim("urgent"))
    bench.later(seconds=60)
    send(bench.parts, batch)
    assert bench.aggregator.calls == []


@pytest.mark.fault("F5")
def test_f5_the_same_work_twice_at_once_calls_once(bench):
    write(bench, NUMBERS[0])
    rows = bench.claim("urgent")
    first, again = prepare(bench.parts, rows), prepare(bench.parts, rows)
    send(bench.parts, first[0])
    send(bench.parts, again[0])
    assert len(bench.aggregator.calls) == 1


def test_a_channel_that_is_not_configured_waits(bench):
    mt = write(bench, NUMBERS[0], channel="gone")
    send_all(bench)
    assert (bench.row("mt", mt).state, bench.row("mt", mt).last_code) == ("ready", "no_channel")
    assert state(bench, mt).state == MtState.CREATED


@pytest.mark.parametrize(
    ("error", "mt_state", "remark"),
    [
        (ZeroDivisionError(), "unknown", "a fault of ours: bytes may have left"),
        (ChannelError(ChannelFault.NOT_SUPPORTED), "created", "the channel cannot send at all"),
    ],
    ids=["fault", "not supported"],
)
def test_a_channel_that_raises(bench, error, mt_state, remark):
    mt = write(bench, NUMBERS[0])
    bench.aggregator.results[NUMBERS[0]] = error
    send_all(bench)
    assert state(bench, mt).state == mt_state


@pytest.mark.fault("F6")
def test_f6_a_report_that_comes_before_the_answer(bench):
    mt = write(bench, NUMBERS[0])

    def report_comes():
        dlr = Dlr("at", "ATX_1", MtState.DELIVERED, "Success")
        assert take_dlr(bench.parts, dlr, bench.time) == "stray"

    bench.aggregator.during = report_comes
    send_all(bench)
    assert state(bench, mt).state == MtState.DELIVERED
    assert history(bench, mt) == ["created", "sending", "accepted", "delivered"]


@pytest.mark.fault("F7")
def test_f7_a_final_report_then_the_answer(bench):
    """The report names a number we sent to twice; the late answer of the call does not undo it."""
    mt = write(bench, NUMBERS[0])

    def delivered():
        with bench.parts.database.begin() as conn:
            assert mts.move(conn, mt, MtState.DELIVERED, "dlr", "", bench.time)

    bench.aggregator.during = delivered
    send_all(bench)
    assert state(bench, mt).state == MtState.DELIVERED


@pytest.mark.fault("F4")
def test_f4_no_answer_stored_is_unknown_and_never_resent(bench, monkeypatch):
    """The database goes away after the call: the sweep makes it unknown, a report settles it."""
    mt = write(bench, NUMBERS[0])

    def away(*args):
        raise StoreUnavailable(Why.AWAY)

    monkeypatch.setattr(sending, "_settle_wave", away)
    monkeypatch.setattr(sending, "_SETTLE_WAITS_S", (0.0,))
    with pytest.raises(StoreUnavailable):
        send_all(bench)
    monkeypatch.undo()
    assert state(bench, mt).state == MtState.SENDING
    bench.later(seconds=59)
    assert sweep(bench.parts)["lost_sendings"] == 0
    bench.later(seconds=1)
    assert sweep(bench.parts)["lost_sendings"] == 1
    assert state(bench, mt).state == MtState.UNKNOWN
    bench.later(hours=1)
    send_all(bench)
    assert len(bench.aggregator.calls) == 1
    with bench.parts.database.begin() as conn:
        mts.set_external(conn, mt, "ATX_1", "", bench.time)
    assert take_dlr(bench.parts, Dlr("at", "ATX_1", MtState.DELIVERED, "Success"), bench.time) == "moved"
    assert bench.row("mt", mt).state == "done"


def test_an_answer_is_kept_while_the_database_is_restarted(sqlite_bench, monkeypatch):
    assert sum(sending._SETTLE_WAITS_S) >= 10, "PostgreSQL needs seconds to be back"
    monkeypatch.setattr(sending, "_SETTLE_WAITS_S", (0.0, 0.0, 0.0))
    mt = write(sqlite_bench, NUMBERS[0])
    real, failures = sending._settle_wave, [StoreUnavailable(Why.AWAY)] * 3

    def busy_once(*args):
        if failures:
            raise failures.pop()
        real(*args)

    monkeypatch.setattr(sending, "_settle_wave", busy_once)
    send_all(sqlite_bench)
    assert state(sqlite_bench, mt).state == MtState.ACCEPTED


def test_an_answer_after_the_sweep_still_counts(bench):
    """The call lasted longer than the deadline of `sending`: its answer is better than `unknown`."""
    mt = write(bench, NUMBERS[0])

    def slow():
        bench.later(seconds=61)
        assert sweep(bench.parts)["lost_sendings"] == 1

    bench.aggregator.during = slow
    send_all(bench)
    assert (state(bench, mt).state, bench.row("mt", mt).state) == (MtState.ACCEPTED, "done")


class Clogged(ThreadPoolExecutor):
    """Threads that are free only after a minute: slow institutions have them, or the machine slept."""

    def __init__(self, bench, meanwhile=lambda: None):
        super().__init__(1)
        self.bench, self.meanwhile = bench, meanwhile

    def submit(self, *args, **kwargs):
        self.bench.later(seconds=60)
        self.meanwhile()
        return super().submit(*args, **kwargs)


def test_a_call_whose_time_is_over_before_it_begins_is_not_made(bench):
    mt = write(bench, NUMBERS[0])
    with Clogged(bench) as pool:
        sending.send_all(bench.parts, bench.claim("urgent"), pool, urgent=True)
    assert bench.aggregator.calls == []
    assert (state(bench, mt).state, bench.row("mt", mt).state) == (MtState.CREATED, "ready"), "it surely did not leave"
    bench.later(minutes=15)
    send_all(bench)
    assert len(bench.aggregator.calls) == 1


def test_it_is_not_made_either_once_somebody_else_settled_the_sms(bench):
    """By then a person, or the sweep, may have sent it again: this call would be the second."""
    mt = write(bench, NUMBERS[0])

    def resent():
        assert sweep(bench.parts)["lost_sendings"] == 1
        assert resend(bench.parts, mt, "somebody") is Settled.DONE
        send_all(bench)

    with Clogged(bench, resent) as pool:
        sending.send_all(bench.parts, bench.claim("urgent"), pool, urgent=True)
    assert len(bench.aggregator.calls) == 1
    assert state(bench, mt).state == MtState.ACCEPTED


@pytest.mark.fault("F18")
def test_f18_two_hours_of_500(bench):
    """With the shipped 60 attempts: every wait is bounded, nothing is lost, and the urgent one leaves first."""
    sms = bench.parts.settings.sms.model_copy(update={"attempts": 60})
    bench.parts = replace(bench.parts, settings=bench.parts.settings.model_copy(update={"sms": sms}))
    mt = write(bench, NUMBERS[0])
    failing = SendResult("", SendOutcome.RETRY, code="500")
    bench.aggregator.results[NUMBERS[0]] = failing
    back_at = bench.time + timedelta(hours=2)
    while bench.row("mt", mt).due_at < back_at:
        bench.time = max(bench.time, bench.row("mt", mt).due_at)
        send_all(bench)
        assert bench.row("mt", mt).due_at - bench.time <= timedelta(seconds=900)
    assert 8 <= attempts(bench, mt) <= 30
    bench.aggregator.results.clear()
    bench.time = bench.row("mt", mt).due_at
    send_all(bench)
    assert state(bench, mt).state == MtState.ACCEPTED


def test_erased_before_it_left(bench):
    mt = write(bench, NUMBERS[0])
    rows = [replace(row, target_id=mt + 1000) for row in bench.claim("urgent")]
    assert prepare(bench.parts, rows) == ()
    assert bench.row("mt", mt).last_code == "erased"


def test_nothing_personal_in_reprs(bench):
    write(bench, NUMBERS[0], "Votre NPI 123")
    (batch,) = prepare(bench.parts, bench.claim("urgent"))
    assert NUMBERS[0] not in repr(batch)
    assert "NPI" not in repr(batch)
