"""Sending: approval, budget, hours, stop; what a citizen says in between; two of everything at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from threading import Barrier
from typing import Any

import pytest

from gateway.messages import CampaignState, Category, MtState, RowState, SendOutcome, SendResult, SubmissionState
from gateway.store import campaigns as stored
from gateway.store import holdings, preferences
from gateway.usecases import audiences, budgets, campaigns
from gateway.usecases import stops as operator_stops
from gateway.usecases.actors import Absent
from gateway.usecases.audiences import NewAudience
from gateway.usecases.campaigns import CampaignRefused
from tests.campaigns.conftest import (
    ADMINISTRATOR,
    APPROVER,
    AWA,
    BIO,
    BOTH,
    KOFI,
    SENDER,
    STRANGER,
    Town,
)

HUNDRED = tuple(f"+22901970000{n:02d}" for n in range(100))


def refused(call: Any) -> str:
    with pytest.raises(CampaignRefused) as caught:
        call()
    return caught.value.code


def left(town: Town) -> int:
    return budgets.show(town.parts, ADMINISTRATOR, "anip").left_f


def test_wrong_rows_need_a_word(town: Town) -> None:
    public_id = town.file(f"numero;nom\n{AWA};Awa\n;x\n")
    assert refused(lambda: campaigns.send(town.parts, SENDER, public_id)) == "part"
    campaigns.send(town.parts, SENDER, public_id, part_allowed=True)
    town.work()
    assert town.states(public_id) == ["written", "wrong"]
    assert len(town.texts()) == 1


def test_who_is_out_and_twice_needs_none(town: Town) -> None:
    public_id = town.start(AWA, AWA)
    assert campaigns.send(town.parts, SENDER, public_id).state is CampaignState.SENDING


def test_sent_once_however_often_it_is_said(town: Town) -> None:
    public_id = town.start(AWA)
    campaigns.send(town.parts, SENDER, public_id)
    assert refused(lambda: campaigns.send(town.parts, SENDER, public_id)) == "state"
    town.work()
    assert refused(lambda: campaigns.send(town.parts, SENDER, public_id)) == "state"
    assert len(town.texts()) == 1


class TestApproval:
    def test_a_hundred_need_none(self, town: Town) -> None:
        public_id = town.start(*HUNDRED)
        assert not campaigns.show(town.parts, SENDER, public_id).needs_approval
        assert campaigns.send(town.parts, SENDER, public_id).state is CampaignState.SENDING

    def test_one_more_waits_for_somebody_else(self, town: Town) -> None:
        public_id = town.start(*HUNDRED, KOFI, actor=BOTH)
        assert campaigns.show(town.parts, BOTH, public_id).needs_approval
        assert campaigns.send(town.parts, BOTH, public_id).state is CampaignState.WAITING
        town.work()
        assert (town.texts(), left(town)) == ([], 100_000)
        assert refused(lambda: campaigns.approve(town.parts, BOTH, public_id)) == "own"
        with pytest.raises(Absent):
            campaigns.approve(town.parts, SENDER, public_id)
        with pytest.raises(Absent):
            campaigns.approve(town.parts, ADMINISTRATOR, public_id)
        assert campaigns.approve(town.parts, APPROVER, public_id).state is CampaignState.SENDING
        assert left(town) == 100_000 - 1010
        town.work()
        assert len(town.texts()) == 101
        shown = campaigns.show(town.parts, SENDER, public_id)
        assert (shown.sent_by, shown.approved_by) == (BOTH.name, APPROVER.name)

    def test_whoever_sent_it_does_not_approve_it_either(self, town: Town) -> None:
        public_id = town.start(*HUNDRED, KOFI)
        campaigns.send(town.parts, BOTH, public_id)
        assert refused(lambda: campaigns.approve(town.parts, BOTH, public_id)) == "own"

    def test_refused_it_goes_back_to_its_sender(self, town: Town) -> None:
        public_id = town.start(*HUNDRED, KOFI)
        campaigns.send(town.parts, SENDER, public_id)
        shown = campaigns.refuse(town.parts, APPROVER, public_id)
        assert (shown.state, shown.why, shown.sent_by) == (CampaignState.READY, "L'approbateur a refusé.", None)
        assert campaigns.send(town.parts, SENDER, public_id).state is CampaignState.WAITING

    def test_two_approvers_at_once_send_it_once(self, town: Town) -> None:
        public_id = town.start(*HUNDRED, KOFI)
        campaigns.send(town.parts, SENDER, public_id)
        said = at_once(*(lambda who=who: campaigns.approve(town.parts, who, public_id) for who in (APPROVER, BOTH)))
        assert sorted(type(one).__name__ for one in said) == ["Campaign", "CampaignRefused"]
        assert left(town) == 100_000 - 1010


def at_once(*calls: Any) -> list[Any]:
    """What calls give, or raise, that begin together."""
    barrier = Barrier(len(calls))

    def one(call: Any) -> Any:
        barrier.wait(10)
        try:
            return call()
        except Exception as error:
            return error

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(one, calls))


class TestBudget:
    def test_what_does_not_fit_is_refused_with_the_sentence(self, town: Town) -> None:
        budgets.set_limit(town.parts, ADMINISTRATOR, "anip", 19)
        public_id = town.start(AWA, KOFI)
        with pytest.raises(CampaignRefused) as caught:
            campaigns.send(town.parts, SENDER, public_id)
        assert caught.value.sentence("fr") == (
            "Le budget du mois ne suffit pas: cet envoi coûte 20 F CFA, il en reste 19."
        )
        assert town.stored(public_id).state is CampaignState.READY
        budgets.set_limit(town.parts, ADMINISTRATOR, "anip", 20)
        assert campaigns.send(town.parts, SENDER, public_id).budget_left_f == 0

    def test_f22_two_at_once_never_pass_it(self, town: Town) -> None:
        budgets.set_limit(town.parts, ADMINISTRATOR, "anip", 35)
        ids = [town.start(AWA) for _ in range(8)]
        said = at_once(*(lambda one=one: campaigns.send(town.parts, SENDER, one) for one in ids))
        assert sum(not isinstance(one, Exception) for one in said) == 3
        assert left(town) == 5
        town.work()
        assert len(town.texts()) == 3

    def test_a_limit_holds_until_another_is_set(self, town: Town) -> None:
        assert budgets.show(town.parts, SENDER, "anip").limit_f == 100_000, "of gateway.yaml"
        budgets.set_limit(town.parts, ADMINISTRATOR, "anip", 50)
        town.bench.later(days=40)
        found = budgets.show(town.parts, SENDER, "anip")
        assert (found.month, found.limit_f, found.used_f) == (date(2027, 1, 1), 50, 0)

    def test_a_scheduled_one_is_paid_by_its_own_month(self, town: Town) -> None:
        public_id = town.start(AWA, start_at=town.bench.time + timedelta(days=10))
        campaigns.send(town.parts, SENDER, public_id)
        assert left(town) == 100_000
        assert town.stored(public_id).budget_month == date(2026, 12, 1)

    def test_only_an_administrator_sets_it(self, sqlite_town: Town) -> None:
        for actor in (SENDER, APPROVER, STRANGER):
            with pytest.raises(Absent):
                budgets.set_limit(sqlite_town.parts, actor, "anip", 5)
        with pytest.raises(Absent):
            budgets.show(sqlite_town.parts, STRANGER, "anip")
        with pytest.raises(Absent):
            budgets.show(sqlite_town.parts, ADMINISTRATOR, "nobody")

    def test_what_is_left_out_in_the_end_is_given_back(self, town: Town) -> None:
        public_id = town.start(AWA, KOFI)
        campaigns.send(town.parts, SENDER, public_id)
        assert left(town) == 99_980
        out(town, AWA, "category:procedure")
        town.work()
        assert left(town) == 99_990


def out(town: Town, number: str, subject: str, value: str = "out") -> None:
    with town.parts.database.begin() as conn:
        holding = holdings.open_holding(conn, town.parts.seals, number, town.bench.time)
        preferences.note(conn, holding, subject, value, "sms", town.bench.time)


class TestF21:
    """What a citizen says counts until the SMS leaves."""

    def test_between_the_check_and_the_writing(self, town: Town) -> None:
        public_id = town.start(AWA, KOFI)
        campaigns.send(town.parts, SENDER, public_id)
        out(town, AWA, "category:procedure")
        town.work()
        assert [(str(row.state), row.code) for row in town.rows(public_id)] == [
            ("left_out", "refused"),
            ("written", ""),
        ]
        assert [number for number, _ in town.texts()] == [KOFI]

    def test_between_the_writing_and_the_sending(self, town: Town) -> None:
        public_id = town.start(AWA, KOFI)
        campaigns.send(town.parts, SENDER, public_id)
        town.work(times=1)
        assert town.mt_states() == {MtState.CREATED: 2}
        out(town, AWA, "category:procedure")
        town.work()
        assert town.mt_states() == {MtState.SUPPRESSED: 1, MtState.ACCEPTED: 1}
        shown = campaigns.show(town.parts, SENDER, public_id)
        assert shown.sms == {"non envoyé: refusé par l'usager": 1, "confié à l'agrégateur": 1}

    def test_a_topic_that_she_left_before_it_was_sent(self, town: Town) -> None:
        for number in (AWA, KOFI, BIO):
            out(town, number, "topic:sante", "in")
        template = town.template("Vaccination", category=Category.INFORMATION, sizes={})
        public_id = town.start(template=template, source="topic", topic="sante")
        assert town.states(public_id) == ["good"] * 3
        campaigns.send(town.parts, SENDER, public_id)
        out(town, AWA, "topic:sante")
        town.work(times=1)
        assert town.states(public_id) == ["left_out", "written", "written"]
        out(town, KOFI, "topic:sante")
        town.work()
        assert [call.recipients for call in town.bench.aggregator.calls] == [(BIO,)]


class TestHours:
    def test_what_is_sent_in_the_night_waits_for_the_morning(self, town: Town) -> None:
        town.bench.later(hours=9)  # 23:05
        public_id = town.start(AWA)
        shown = campaigns.send(town.parts, SENDER, public_id)
        morning = shown.opens_at
        assert f"{morning.astimezone(town.parts.zone):%d %H:%M}" == "24 07:00"
        town.work()
        assert town.texts() == []
        town.bench.time = morning
        town.work()
        assert len(town.texts()) == 1

    def test_what_is_written_before_the_evening_and_late_waits_too(self, town: Town) -> None:
        template = town.template(category=Category.INFORMATION)
        public_id = town.start(AWA, template=template)
        campaigns.send(town.parts, SENDER, public_id)
        town.work(times=1)
        assert town.mt_states() == {MtState.CREATED: 1}
        town.bench.time = town.bench.time.replace(hour=16, minute=0)  # 17:00
        town.work()
        assert town.bench.aggregator.calls == []
        town.bench.time += timedelta(hours=14, minutes=59, seconds=59)
        town.work()
        assert town.bench.aggregator.calls == []
        town.bench.time += timedelta(seconds=1)
        town.work()
        assert len(town.bench.aggregator.calls) == 1

    def test_over_a_long_week_end_it_is_still_worth_sending(self, build: Any, database: Any) -> None:
        from gateway.settings.model import SendingHours

        town = build(database, hours=SendingHours(holidays=(date(2026, 11, 30), date(2026, 12, 1))))
        town.bench.later(days=5)  # Saturday
        public_id = town.start(AWA, template=town.template(category=Category.INFORMATION))
        campaigns.send(town.parts, SENDER, public_id)
        town.work(times=1)
        town.bench.time = town.bench.time.replace(hour=16)
        town.work()
        town.bench.later(days=3, hours=16)  # Wednesday, 09:05: more than 48 hours later
        town.work()
        assert town.mt_states() == {MtState.ACCEPTED: 1}

    def test_what_is_vital_leaves_always(self, town: Town) -> None:
        town.bench.later(hours=9)
        public_id = town.start(AWA, template=town.template(category=Category.VITAL))
        campaigns.send(town.parts, SENDER, public_id)
        town.work()
        assert town.mt_states() == {MtState.ACCEPTED: 1}

    def test_f15_a_scheduled_one_starts_at_its_time_and_once(self, town: Town) -> None:
        public_id = town.start(AWA, KOFI, start_at=town.bench.time + timedelta(hours=2))
        campaigns.send(town.parts, SENDER, public_id)
        town.bench.later(hours=1, minutes=59)
        town.work()
        assert town.texts() == []
        town.bench.later(minutes=1)
        at_once(*(town.work for _ in range(4)))
        town.work()
        assert sorted(number for number, _ in town.texts()) == sorted((AWA, KOFI))
        assert sum(len(call.recipients) for call in town.bench.aggregator.calls) == 2


def stopped_while_away(town: Town, public_id: str) -> None:
    """As a stop leaves it whose SMS was with the aggregator, and came back."""
    with town.parts.database.begin() as conn:
        stored.move(conn, town.stored(public_id).id, CampaignState.STOPPED, town.bench.time)


class TestStop:
    def test_nothing_more_leaves_and_the_money_comes_back(self, town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
        from gateway.usecases import campaign_expanding, campaign_work

        monkeypatch.setattr(campaign_expanding, "STEP_ROWS", 2)
        monkeypatch.setattr(campaign_work, "_SLICE_S", -1.0)
        public_id = town.start(*HUNDRED[:5])
        campaigns.send(town.parts, SENDER, public_id)
        town.work(times=1)
        assert town.mt_states() == {MtState.CREATED: 2}
        shown = campaigns.stop(town.parts, SENDER, public_id)
        assert (shown.state, shown.stopped_by) == (CampaignState.STOPPED, SENDER.name)
        assert shown.sms == {"non envoyé: envoi arrêté": 2}
        assert left(town) == 100_000
        town.work()
        assert town.bench.aggregator.calls == []
        assert town.states(public_id) == ["written"] * 2 + ["good"] * 3
        assert refused(lambda: campaigns.stop(town.parts, SENDER, public_id)) == "state"

    def test_what_left_is_paid(self, town: Town) -> None:
        public_id = town.start(AWA, KOFI, start_at=town.bench.time + timedelta(hours=1))
        campaigns.send(town.parts, SENDER, public_id)
        other = town.start(AWA)
        campaigns.send(town.parts, SENDER, other)
        town.work()
        campaigns.stop(town.parts, APPROVER, public_id)
        assert left(town) == 99_990

    def test_an_sms_that_a_worker_holds_is_not_sent(self, town: Town) -> None:
        public_id = town.start(AWA)
        campaigns.send(town.parts, SENDER, public_id)
        town.work(times=1)
        held = town.bench.claim("bulk")
        campaigns.stop(town.parts, SENDER, public_id)
        from gateway.usecases import sending

        sending.send_all(town.parts, held, town.pool, urgent=False)
        assert town.bench.aggregator.calls == []

    def test_one_that_was_under_way_and_did_not_leave_is_not_tried_again(self, town: Town) -> None:
        public_id = town.start(AWA)
        campaigns.send(town.parts, SENDER, public_id)
        town.work(times=1)
        town.bench.aggregator.results[AWA] = SendResult(AWA, SendOutcome.RETRY, code="http_503")
        other = town.start(KOFI)
        campaigns.send(town.parts, SENDER, other)
        town.work(times=1)
        assert len(town.bench.aggregator.calls) == 1
        stopped_while_away(town, public_id)
        town.bench.aggregator.results.clear()
        town.bench.later(minutes=5)
        town.work()
        assert [call.recipients for call in town.bench.aggregator.calls] == [(AWA,), (KOFI,)]
        assert town.mt_states() == {MtState.SUPPRESSED: 1, MtState.ACCEPTED: 1}

    def test_every_row_is_written_and_none_has_left(self, town: Town) -> None:
        public_id = town.start(AWA)
        campaigns.send(town.parts, SENDER, public_id)
        town.work(times=1)
        assert town.stored(public_id).state is CampaignState.DONE
        assert campaigns.stop(town.parts, SENDER, public_id).state is CampaignState.STOPPED
        assert (town.mt_states(), left(town)) == ({MtState.SUPPRESSED: 1}, 100_000)

    def test_when_all_has_left_there_is_nothing_to_stop(self, town: Town) -> None:
        public_id = town.start(AWA)
        campaigns.send(town.parts, SENDER, public_id)
        town.work()
        assert refused(lambda: campaigns.stop(town.parts, SENDER, public_id)) == "state"
        assert town.stored(public_id).state is CampaignState.DONE

    def test_while_it_is_checked(self, town: Town) -> None:
        new = campaigns.NewCampaign(template_id=town.template(), source="file", content=b"numero;nom\n97000000;A\n")
        public_id = campaigns.start(town.parts, SENDER, "anip", new)
        campaigns.stop(town.parts, SENDER, public_id)
        town.work()
        assert town.rows(public_id) == ()

    def test_the_operators_stop_holds_it_back(self, town: Town) -> None:
        public_id = town.start(AWA)
        operator_stops.stop(town.parts.database, operator_stops.CAMPAIGNS, "x", "ops", town.bench.time)
        town.bench.later(seconds=3)
        campaigns.send(town.parts, SENDER, public_id)
        town.work(times=3)
        assert town.texts() == []
        operator_stops.start(town.parts.database, operator_stops.CAMPAIGNS, "ops", town.bench.time)
        town.bench.later(seconds=4)
        town.work()
        assert len(town.texts()) == 1


class TestAudiences:
    def test_citizens_with_a_demand_in_a_state(self, town: Town, act: Any, caller: Any, other: Any) -> None:
        from gateway.usecases.submissions import submit

        submit(town.parts, act("1234564412"), caller, b"1" * 32)
        submit(town.parts, act("1234564413"), other, b"2" * 32)
        submit(town.parts, act("1234564414"), caller, b"3" * 32)
        template = town.template("Demande {reference}: venez.", sizes={"reference": 14})
        public_id = town.start(template=template, source="state", state=SubmissionState.RECEIVED)
        assert town.states(public_id) == ["good", "good", "duplicate"]
        text = campaigns.preview(town.parts, SENDER, public_id, 1)
        assert len(text.removeprefix("Demande ").partition(":")[0]) == 14
        assert town.states(town.start(template=template, source="state", state=SubmissionState.GRANTED)) == []

    def test_demands_of_others_are_not_found(self, town: Town, act: Any, caller: Any) -> None:
        from gateway.usecases.submissions import submit

        submit(town.parts, act("1234564412"), caller, b"1" * 32)
        template = town.template("Venez", institution="mairie", sizes={})
        public_id = town.start(actor=STRANGER, template=template, source="state", state=SubmissionState.RECEIVED)
        assert town.rows(public_id) == ()

    def test_page_by_page(self, town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
        from gateway.usecases import campaign_sources, campaign_work

        for module in (campaign_sources, campaign_work):
            monkeypatch.setattr(module, "STEP_ROWS", 2)
        monkeypatch.setattr(campaign_work, "_SLICE_S", -1.0)
        for number in HUNDRED[:5]:
            out(town, number, "topic:sante", "in")
        out(town, HUNDRED[2], "topic:sante")
        template = town.template("Vaccination", category=Category.INFORMATION, sizes={})
        public_id = town.start(template=template, source="topic", topic="sante")
        assert [row.msisdn for row in town.rows(public_id)] == [HUNDRED[0], HUNDRED[1], HUNDRED[3], HUNDRED[4]]

    def test_kept_under_a_name(self, town: Town) -> None:
        new = NewAudience(name="Chefs", numbers=("97000000", "97 00 00 00", "96000001"))
        kept = audiences.save(town.parts, SENDER, "anip", new)
        assert [one.name for one in audiences.list_(town.parts, SENDER, "anip")] == ["Chefs"]
        template = town.template("Venez", sizes={})
        campaign = audiences.campaign_to(town.parts, SENDER, kept, template)
        assert [one.number for one in campaign.recipients] == [AWA, KOFI]
        for call in (
            lambda: audiences.campaign_to(town.parts, STRANGER, kept, template),
            lambda: audiences.remove(town.parts, STRANGER, kept),
            lambda: audiences.list_(town.parts, STRANGER, "anip"),
            lambda: audiences.save(town.parts, STRANGER, "anip", new),
        ):
            with pytest.raises(Absent):
                call()
        assert refused(lambda: audiences.save(town.parts, SENDER, "anip", NewAudience(name="x", numbers=("a",)))) == (
            "wrong_numbers"
        )
        audiences.remove(town.parts, SENDER, kept)
        assert audiences.list_(town.parts, SENDER, "anip") == ()


def test_what_is_to_leave_when_it_is_checked_does(town: Town) -> None:
    content = ("numero;nom\n" + "".join(f"{number};x\n" for number in HUNDRED)).encode()
    public_id = town.start(source="file", content=content, then_send=True)
    assert town.stored(public_id).state is CampaignState.DONE
    assert len(town.texts()) == 100
    wrong = town.start(source="file", content=content + b";x\n", then_send=True)
    assert (town.stored(wrong).state, town.stored(wrong).why) == (CampaignState.READY, "part")


def test_the_policy_of_the_template_counts(town: Town) -> None:
    text = "Fête à Cotonou"
    plain = town.start(AWA, template=town.template(text, sizes={}))
    exact = town.start(AWA, template=town.template(text * 6, sizes={}, policy="exact"))
    assert (town.stored(plain).segments, town.stored(exact).segments) == (1, 2)
    for one in (plain, exact):
        campaigns.send(town.parts, SENDER, one)
    town.work()
    assert {said for _, said in town.texts()} == {"Fete à Cotonou", text * 6}


def test_the_estimate_counts_rate_and_nights(build: Any, database: Any) -> None:
    town = build(database)
    slow = town.parts.settings.senders["s"].model_copy(update={"tps": 0.01})
    town = build(database, senders={"s": slow, "anip": slow})
    public_id = town.start(*HUNDRED, template=town.template(category=Category.INFORMATION))
    # 10,000 s from 14:05: 175 minutes until 17:00 are enough
    assert campaigns.show(town.parts, SENDER, public_id).estimated_s == 10_000
    town.bench.later(hours=1)
    assert campaigns.show(town.parts, SENDER, public_id).estimated_s == 10_000 + 15 * 3600


def test_row_states(town: Town) -> None:
    public_id = town.file(f"numero;nom\n97000000;Awa\n{AWA};x\nx;x\n")
    assert [(row.state_words, row.remark) for row in campaigns.rows(town.parts, SENDER, public_id)] == [
        ("à envoyer", "ancien numéro à 8 chiffres, converti"),
        ("en double", "numéro déjà présent plus haut"),
        ("à corriger", "ce n'est pas un numéro de téléphone"),
    ]
    (wrong,) = campaigns.rows(town.parts, SENDER, public_id, state=RowState.WRONG, language="en")
    assert (wrong.number, wrong.state_words) == (3, "to be corrected")
    assert campaigns.rows(town.parts, SENDER, public_id, after=3) == ()
