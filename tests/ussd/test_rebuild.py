"""Guarantee 3: losing Redis loses nothing durable, and a replay never submits."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis

from gateway.messages import UssdReply
from gateway.wiring import Gateway
from tests.ussd.conftest import ACTE, NPI, Build, Clock, Phone, stored


def forget(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()


@pytest.mark.parametrize("lost_before", range(1, len(ACTE)))
def test_redis_lost_between_any_two_turns(phone: Phone, redis_url: str, lost_before: int) -> None:
    expected = Phone(phone.gateway, "whole", "+2290166000000").walk(*ACTE[:-1])
    replies = phone.walk(*ACTE[:lost_before])
    forget(redis_url)
    replies += phone.walk(*ACTE[lost_before:])
    assert replies[: len(expected)] == expected, "a rebuild shows the very same screens"
    if lost_before == len(ACTE) - 1:
        assert replies[-1] == expected[-1], "the confirmation is asked once more: one screen seen twice"
        assert stored(phone.gateway) == 0
        replies.append(phone.deliver(f"{ACTE[-1]}*1"))
    assert replies[-1].final
    assert stored(phone.gateway) == 1


def test_a_rebuild_begins_where_the_dialogue_began(phone: Phone, redis_url: str) -> None:
    """The process remembers the dialogue as it is now, in English; its transcript begins in French."""
    expected = Phone(phone.gateway, "whole", "+2290166000000").walk("", "6", "6*1", "6*1*1")[-1]
    phone.walk("", "6", "6*1")
    forget(redis_url)
    assert phone.deliver("6*1*1") == expected
    assert "Your NPI" in expected.text


def test_redis_lost_before_every_turn(phone: Phone, redis_url: str) -> None:
    for text in ACTE:
        forget(redis_url)
        reply = phone.deliver(text)
    assert not reply.final
    assert stored(phone.gateway) == 0, "a replay never submits"
    forget(redis_url)
    assert not phone.deliver(f"{ACTE[-1]}*1").final, "not even with more answers than screens"
    assert phone.deliver(f"{ACTE[-1]}*1*1").final
    assert stored(phone.gateway) == 1


def test_an_act_done_before_the_loss_is_found_again(phone: Phone, redis_url: str) -> None:
    end = phone.walk(*ACTE)[-1]
    forget(redis_url)
    assert phone.deliver(ACTE[-1]) == end, "the same reference, and nothing stored twice"
    assert stored(phone.gateway) == 1


def test_a_deep_dial_applies_its_parts(phone: Phone) -> None:
    expected = Phone(phone.gateway, "whole", "+2290166000000").walk(*ACTE[:3])[-1]
    assert phone.deliver(ACTE[2]) == expected


def test_a_shortcut_names_a_service(phone: Phone) -> None:
    expected = Phone(phone.gateway, "whole", "+2290166000000").walk("", "1")[-1]
    assert phone.deliver("21") == expected
    assert phone.deliver("21*1").text == Phone(phone.gateway, "w2", "+2290166000001").walk("", "1", "1*1")[-1].text


def test_a_deep_dial_never_submits(phone: Phone) -> None:
    recap = Phone(phone.gateway, "whole", "+2290166000000").walk(*ACTE[:-1])[-1]
    assert phone.deliver(ACTE[-1]) == recap
    assert stored(phone.gateway) == 0


def test_a_replay_stops_at_a_refused_answer(phone: Phone) -> None:
    reply = phone.deliver("1*1*12*1*1")
    assert reply.text.endswith(Phone(phone.gateway, "w", "+2290166000000").walk(*ACTE[:3])[-1].text.split("\n", 1)[1])
    assert stored(phone.gateway) == 0


def test_a_replay_stops_at_a_screen_fed_by_a_lookup(gateway: Gateway) -> None:
    Phone(gateway, "a").walk(*ACTE)
    listed = Phone(gateway, "b").walk("", "2", "2*1")[-1]
    assert "7890" in listed.text
    assert Phone(gateway, "c").deliver("2*1*1") == listed


class TestMenusThatChange:
    def changed(self, folder: Path) -> Path:
        main = folder / "main.yaml"
        main.write_text(main.read_text().replace("Services publics du Bénin", "Bienvenue"))
        return folder

    def test_a_running_dialogue_finishes_on_its_menus(self, build: Build, other_menus: Path) -> None:
        old = Phone(build())
        root = old.walk("", "1")[0]
        new = Phone(build(self.changed(other_menus)))
        assert new.deliver("1*0") == root, "back to the first screen of the menus it began with"
        assert Phone(new.gateway, "s2").deliver("").text.startswith("Bienvenue")

    def test_a_rebuild_stops_when_the_menus_changed_within_the_dialogues_life(
        self, build: Build, other_menus: Path, clock: Clock, redis_url: str
    ) -> None:
        Phone(build()).walk(*ACTE[:3])
        clock.pass_by(3600)
        phone = Phone(build(self.changed(other_menus)))
        forget(redis_url)
        first = phone.deliver(ACTE[3])
        assert first.text.startswith("Bienvenue"), "nobody knows which screens those answers answered"
        clock.pass_by(181)
        forget(redis_url)
        assert phone.deliver(ACTE[2]).text != first.text

    def test_going_on_after_such_a_stop(self, build: Build, other_menus: Path, clock: Clock, redis_url: str) -> None:
        Phone(build()).walk(*ACTE[:3])
        clock.pass_by(3600)
        phone = Phone(build(self.changed(other_menus)))
        forget(redis_url)
        phone.deliver(ACTE[3])
        replies: list[UssdReply] = []
        text = ACTE[3]
        for answer in ("1", "1", NPI, "1", "1"):
            text = f"{text}*{answer}"
            replies.append(phone.deliver(text))
        assert replies[-1].final
        assert stored(phone.gateway) == 1
