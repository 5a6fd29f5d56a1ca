"""The whole path for one number: checked, sent, written, gone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.messages import CampaignState, MtState, RowState
from gateway.usecases import campaigns
from gateway.usecases.actors import Absent, Actor
from gateway.usecases.campaigns import NewCampaign, Recipient
from tests.campaigns.conftest import AWA, BOTH, KOFI, READER, SENDER, STRANGER, Town


def test_one_number(town: Town) -> None:
    public_id = town.start("97 00 00 00")
    ready = campaigns.show(town.parts, SENDER, public_id)
    assert (ready.state, ready.segments, ready.cost_f, ready.budget_left_f) == (CampaignState.READY, 1, 10, 100_000)
    assert dict(ready.rows) == {RowState.GOOD: 1}
    assert ready.remarks == {"ancien numéro à 8 chiffres, converti": 1}
    assert campaigns.preview(town.parts, SENDER, public_id, 1) == "Bonjour Awa, votre demande est validée."
    assert town.texts() == []
    campaigns.send(town.parts, SENDER, public_id, part_allowed=False)
    town.work()
    done = campaigns.show(town.parts, SENDER, public_id)
    assert (done.state, done.budget_left_f, done.progress) == (CampaignState.DONE, 99_990, 1.0)
    assert town.texts() == [(AWA, "Bonjour Awa, votre demande est validée.")]
    assert town.mt_states() == {MtState.ACCEPTED: 1}
    (row,) = campaigns.rows(town.parts, SENDER, public_id)
    assert (row.masked, row.state_words) == ("+22901******00", "confié à l'agrégateur")
    assert [call.recipients for call in town.bench.aggregator.calls] == [(AWA,)]


def test_the_sms_keeps_the_version_it_was_written_from(town: Town) -> None:
    public_id = town.start(AWA)
    campaigns.send(town.parts, SENDER, public_id)
    town.work()
    from gateway.store import mts

    with town.parts.database.read() as conn:
        (mt,) = mts.list_page(conn, 10)
    assert mt.template == f"v{town.stored(public_id).version_id}"


def test_of_another_institution_there_is_none(sqlite_town: Town) -> None:
    town = sqlite_town
    public_id = town.start(AWA)
    parts = town.parts
    for call in (
        lambda: campaigns.show(parts, STRANGER, public_id),
        lambda: campaigns.rows(parts, STRANGER, public_id),
        lambda: campaigns.preview(parts, STRANGER, public_id, 1),
        lambda: campaigns.report(parts, STRANGER, public_id),
        lambda: campaigns.send(parts, STRANGER, public_id),
        lambda: campaigns.approve(parts, STRANGER, public_id),
        lambda: campaigns.refuse(parts, STRANGER, public_id),
        lambda: campaigns.stop(parts, STRANGER, public_id),
        lambda: campaigns.list_(parts, STRANGER, "anip"),
        lambda: campaigns.show(parts, SENDER, "nothing"),
        lambda: campaigns.send(parts, READER, public_id),
        lambda: campaigns.preview(parts, READER, public_id, 1),
        lambda: campaigns.start(parts, STRANGER, "anip", campaigns.NewCampaign(template_id=1, source="single")),
    ):
        with pytest.raises(Absent):
            call()
    assert town.stored(public_id).state is CampaignState.READY


def test_a_template_of_another_institution_is_none(sqlite_town: Town) -> None:
    theirs = sqlite_town.template(institution="mairie")
    with pytest.raises(Absent):
        sqlite_town.start(AWA, template=theirs)


def test_one_press_makes_one_campaign_however_often_it_comes(town: Town) -> None:
    """Eight at once, and once more: one campaign. Another content, another person: another one."""
    template = town.template(sizes={}, text="Lundi.")

    def press(number: str = AWA, actor: Actor = SENDER, press: str = "p") -> str:
        new = NewCampaign(template_id=template, source="single", recipients=(Recipient(number),), press=press)
        return campaigns.start(town.parts, actor, "anip", new)

    with ThreadPoolExecutor(8) as threads:
        made = {*threads.map(lambda _: press(), range(8)), press()}
    assert len(made) == 1
    others = [press(KOFI), press(actor=BOTH), press(press="q")]
    assert len(made | set(others)) == 4
    assert len(campaigns.list_(town.parts, SENDER, "anip")) == 4
    assert [len(campaigns.rows(town.parts, SENDER, one)) for one in (*made, *others)] == [1, 1, 1, 1]
