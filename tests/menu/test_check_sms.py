"""What SMS cost and lead to: counted for every reply, with a way forward, and a reply only where one can be given."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.menu.check import World, check_loaded
from gateway.menu.check_sms import sms_replies
from gateway.menu.load import load
from gateway.menu.world import Writing

UNKNOWN_FR = "Message non compris. Envoyez AIDE, ou composez {code}"
ACK_FR = "{service}: votre demande {reference} est prise en charge. Suivi: {code}"


def codes(files: dict[str, str], world: World) -> list[str]:
    return [fault.code for fault in check_loaded(load(files, ("fr", "en")), world)]


def said(sound: dict[str, str], old: str, new: str) -> dict[str, str]:
    assert old in sound["messages.yaml"]
    return {**sound, "messages.yaml": sound["messages.yaml"].replace(old, new, 1)}


@pytest.mark.parametrize(
    ("new", "fault", "remark"),
    [
        ("Voyez www.exemple.bj", True, "a site alone"),
        ("Voyez https://exemple.com/a?b", True, "an address alone"),
        ("Voyez exemple.bj, ou composez {code}", False, "a code too"),
        ("Voyez exemple.bj, ou le 0197000000", False, "a number too"),
        ("Voyez exemple.bj ou envoyez AIDE", False, "a command too"),
        ("Voyez la mairie.", False, "no site"),
        ("Lu. Merci", False, "a full stop is no site"),
    ],
)
def test_a_site_is_never_the_only_way(sound: dict[str, str], world: World, new: str, fault: bool, remark: str) -> None:
    assert codes(said(sound, UNKNOWN_FR, new), world) == (["only_a_link"] if fault else []), remark


@pytest.mark.parametrize(
    ("new", "two_way", "fault", "remark"),
    [
        ("{service}, {reference}: répondez OUI", False, True, "nobody hears the answer"),
        ("{service}, {reference}: répondez OUI", True, False, "the sender is two-way"),
        ("{service}, {reference}: répondez OUI ou composez {code}", False, False, "the code is named"),
        ("{service}, {reference}: la réponse viendra", False, False, "no answer is asked for"),
    ],
)
def test_a_reply_is_asked_only_where_one_can_be_given(
    sound: dict[str, str], world: World, new: str, two_way: bool, fault: bool, remark: str
) -> None:
    other = replace(world, writing=Writing(two_way=two_way))
    assert codes(said(sound, ACK_FR, new), other) == (["asks_reply_one_way"] if fault else []), remark


def test_what_answers_a_text_may_ask_for_another(sound: dict[str, str], world: World) -> None:
    """ "Répondez OUI" is only said from the short code that the citizen wrote to."""
    assert codes(sound, replace(world, writing=Writing(two_way=False))) == []


@pytest.mark.parametrize(
    ("writing", "encoding", "segments"),
    [
        (Writing(policy="plain"), "GSM-7", 1),
        (Writing(policy="exact"), "UCS-2", 1),
        (Writing(policy="plain", appends=100), "GSM-7", 1),
    ],
)
def test_every_reply_is_counted(
    sound: dict[str, str], world: World, writing: Writing, encoding: str, segments: int
) -> None:
    files = said(sound, UNKNOWN_FR, "Réponse reçue, à bientôt. {code}")
    menus = load(files, ("fr", "en")).menus
    assert menus is not None
    found = {(one.key, one.language): one for one in sms_replies(menus, replace(world, writing=writing))}
    one = found["sms_unknown", "fr"]
    assert (one.encoding, one.segments) == (encoding, segments)
    assert {key for key, _ in found} >= {"receipt", "commands.aide", "demo.recap", "main.accueil"}
    assert "demo.tri" not in {key for key, _ in found}, "it shows nothing"
    assert {language for _, language in found} == {"fr", "en"}


def test_what_the_aggregator_appends_counts(sound: dict[str, str], world: World) -> None:
    assert "message_too_long" in codes(sound, replace(world, writing=Writing(appends=40)))
