"""The one place that writes SMS: sender, alphabet, cost, and what must not be written."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.messages import Category, MtState
from gateway.settings import Operator, Sender
from gateway.store import holdings, mts, outbox, preferences
from gateway.usecases import sending, writing
from gateway.usecases.upkeep import sweep
from tests.usecases.conftest import MSISDN
from tests.usecases.test_sending import POOL, state

SENDERS = {
    "s": Sender(channel="at", name="ANIP", registered=("mtn",), fallback="court", cost_f=12, tps=9999),
    "court": Sender(channel="at", name="22900", two_way=True, short_code="22900", cost_f=20, appends=20, tps=9999),
    "seul": Sender(channel="at", name="SEUL", registered=("mtn",), tps=9999),
}
OPERATORS = {"mtn": Operator(name="MTN", networks=("61603",)), "moov": Operator(name="Moov", networks=("61602",))}


@pytest.fixture
def senders(bench):
    changed = bench.parts.settings.model_copy(update={"senders": SENDERS, "operators": OPERATORS})
    bench.parts = replace(bench.parts, settings=changed)
    return bench


def write(bench, text: str = "Bonjour", network: str = "", category: Category = Category.PROCEDURE, **more: object):
    with bench.parts.database.begin() as conn:
        holding = holdings.open_holding(conn, bench.parts.seals, MSISDN, bench.time, network)
        new = writing.Text(
            holding_id=holding, msisdn=MSISDN, text=text, template="t", category=category, language="fr", **more
        )
        return writing.write(conn, bench.parts, new, bench.time)


def found(bench, mt: int) -> mts.Mt:
    return state(bench, mt)


@pytest.mark.parametrize(
    ("network", "sender", "expected", "remark"),
    [
        ("61603", None, "s", "the operator carries it"),
        ("61602", None, "court", "another one carries its fallback"),
        ("", None, "s", "nobody knows her operator: the prefix says nothing"),
        ("99999", None, "s", "an operator we do not know"),
        ("61602", "seul", None, "unregistered and no fallback: an error before sending"),
        ("61603", "gone", "s", "a sender that is no longer declared"),
    ],
)
def test_the_sender(senders, network, sender, expected, remark):
    mt = write(senders, network=network, sender=sender)
    assert (mt is not None) == (expected is not None), remark
    if mt is not None:
        assert found(senders, mt).sender == expected, remark


def test_the_network_of_the_callback_wins_over_what_was_seen(senders):
    write(senders, network="61603")
    assert found(senders, write(senders, network="61602")).sender == "court"


def test_segments_and_cost(senders):
    assert (found(senders, write(senders, "a" * 160)).segments, found(senders, write(senders, "a" * 160)).cost_f) == (
        1,
        12,
    )
    by_court = found(senders, write(senders, "a" * 141, sender="court"))
    assert (by_court.segments, by_court.cost_f) == (2, 40), "with what the aggregator appends"


@pytest.mark.parametrize(
    ("category", "chosen", "written"),
    [
        (Category.INFORMATION, "category:information", False),
        (Category.PROCEDURE, "category:procedure", False),
        (Category.PROCEDURE, "category:information", True),
        (Category.REPLY, "category:procedure", True),
        (Category.VITAL, "category:procedure", True),
        (Category.REPLY, "sender:at", False),
        (Category.VITAL, "sender:at", True),
    ],
)
def test_what_she_refused(bench, category, chosen, written):
    with bench.parts.database.begin() as conn:
        holding = holdings.open_holding(conn, bench.parts.seals, MSISDN, bench.time)
        preferences.note(conn, holding, chosen, "out", "sms", bench.time)
    assert (write(bench, category=category) is not None) is written


@pytest.mark.parametrize(
    ("category", "chosen", "reason"),
    [
        (Category.INFORMATION, "category:information", "refused"),
        (Category.PROCEDURE, "category:procedure", "refused"),
        (Category.VITAL, "category:procedure", None),
        (Category.VITAL, "sender:at", "reach_otherwise"),
        (Category.REPLY, "sender:at", "refused"),
    ],
)
@pytest.mark.fault("F21")
def test_f21_refused_between_writing_and_sending(bench, category, chosen, reason):
    mt = write(bench, category=category)
    with bench.parts.database.begin() as conn:
        holding = holdings.open_holding(conn, bench.parts.seals, MSISDN, bench.time)
        preferences.note(conn, holding, chosen, "out", "sms", bench.time)
    sending.send_all(bench.parts, bench.claim("urgent"), POOL, urgent=True)
    if reason is None:
        assert found(bench, mt).state is MtState.ACCEPTED
        return
    assert (found(bench, mt).state, found(bench, mt).reason) == (MtState.SUPPRESSED, reason)
    assert bench.aggregator.calls == []
    assert bench.row("mt", mt).state is outbox.OutboxState.DONE


def test_an_answer_is_valid_for_an_hour(bench):
    reply, notice = write(bench, category=Category.REPLY), write(bench)
    assert (found(bench, reply).valid_until - bench.time).total_seconds() == 3600
    assert (found(bench, notice).valid_until - bench.time).total_seconds() == 172_800
    bench.later(hours=2)
    sending.send_all(bench.parts, bench.claim("urgent"), POOL, urgent=True)
    assert found(bench, reply).state is MtState.EXPIRED
    assert found(bench, notice).state is MtState.ACCEPTED


def test_what_the_aggregator_s_own_list_refuses_is_mirrored(bench):
    from gateway.messages import SendOutcome, SendResult

    mt = write(bench, category=Category.VITAL)
    bench.aggregator.results[MSISDN] = SendResult("", SendOutcome.REJECTED, code="UserInBlacklist")
    sending.send_all(bench.parts, bench.claim("urgent"), POOL, urgent=True)
    assert (found(bench, mt).state, found(bench, mt).reason) == (MtState.REJECTED, "UserInBlacklist")
    assert write(bench) is None, "nothing more is written to her by this channel"


def test_a_vital_sms_of_unknown_fate_leaves_once_more_and_no_other_does(bench):
    from gateway.messages import SendOutcome, SendResult

    vital, other = write(bench, "Vital", category=Category.VITAL), write(bench, "Autre")
    bench.aggregator.results[MSISDN] = SendResult("", SendOutcome.UNKNOWN, code="no_answer")
    sending.send_all(bench.parts, bench.claim("urgent"), POOL, urgent=True)
    bench.later(seconds=899)
    assert "vital_resent" not in {name for name, count in sweep(bench.parts).items() if count}
    bench.later(seconds=1)
    assert sweep(bench.parts)["vital_resent"] == 1
    sending.send_all(bench.parts, bench.claim("urgent"), POOL, urgent=True)
    assert [call.text for call in bench.aggregator.calls] == ["Vital", "Autre", "Vital"]
    bench.later(hours=1)
    assert sweep(bench.parts)["vital_resent"] == 0, "once"
    assert {found(bench, vital).state, found(bench, other).state} == {MtState.UNKNOWN}


def test_too_many_slows_the_sender_and_puts_its_rows_back(bench):
    from gateway.messages import SendOutcome, SendResult
    from tests.usecases.test_sending import NUMBERS, send_all
    from tests.usecases.test_sending import write as letter

    first = letter(bench, NUMBERS[0])
    bench.aggregator.results[NUMBERS[0]] = SendResult("", SendOutcome.RETRY, code="http_429", retry_after_s=30)
    send_all(bench)
    second = letter(bench, NUMBERS[1])
    send_all(bench)
    assert len(bench.aggregator.calls) == 1, "nobody calls while the aggregator asked for patience"
    assert (found(bench, first).state, found(bench, second).state) == (MtState.CREATED, MtState.CREATED)
    row = bench.row("mt", second)
    assert (row.state, row.attempts, row.last_code) == ("ready", 0, "slower")
    assert 25 < (row.due_at - bench.time).total_seconds() <= 30
