"""A service closed for a while: a dated sentence at its entry, and what was begun goes on."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from gateway.usecases import stops
from tests.trust.conftest import NPI, Handset


def close(handset: Handset, hours: float | None) -> None:
    gateway = handset.gateway
    until = None if hours is None else handset.texter.clock.now + timedelta(hours=hours)
    stops.stop(gateway.database, "closed:acte-naissance", "travaux au registre", "ada", gateway.now(), until)
    gateway.parts.stops._asked_at = None


def test_the_door_says_until_when(handset: Handset) -> None:
    close(handset, 30)
    said = handset.dial("1")
    assert said.final
    assert "fermé jusqu'au 24/11 à 20h05: travaux au registre" in said.text
    assert "travaux" in handset.dial(tail="21").text
    (answer,) = handset.says("ACTE")
    assert "24/11 à 20h05" in answer
    assert "until 24/11 at 20:05" in handset.dial("6", "1").text
    assert "Suivre" in handset.dial("2").text, "the others are open"


def test_it_opens_by_itself(handset: Handset) -> None:
    close(handset, 1)
    handset.texter.later(minutes=59)
    assert handset.dial("1").final
    handset.texter.later(minutes=1)
    assert not handset.dial("1").final


def test_what_was_begun_goes_on(handset: Handset) -> None:
    handset.dial("1", "1", NPI)
    close(handset, 1)
    assert "déposée" in [handset.type("1"), handset.type("1")][-1].text


def test_what_dropped_can_be_taken_up(handset: Handset) -> None:
    handset.dial("1", "1", NPI)
    handset.hang_up()
    close(handset, 1)
    assert "Commune" in handset.dial("1").text
    assert "déposée" in [handset.type("1"), handset.type("1")][-1].text


def stopped(handset: Handset, *, now: bool) -> None:
    gateway = handset.gateway
    if now:
        stops.stop(gateway.database, "service:acte-naissance", "panne", "ada", gateway.now())
    else:
        stops.start(gateway.database, "service:acte-naissance", "ada", gateway.now())
    gateway.parts.stops._asked_at = None


@pytest.mark.parametrize("choice", ["1", "2"])
def test_what_dropped_waits_while_its_service_is_stopped(handset: Handset, choice: str) -> None:
    """Neither going on nor starting again costs her what she had typed."""
    handset.dial("1", "1", NPI)
    handset.hang_up()
    stopped(handset, now=True)
    refused = handset.dial(choice)
    assert refused.final
    assert "en ce moment" in refused.text
    stopped(handset, now=False)
    assert "Commune" in handset.dial("1").text


@pytest.mark.parametrize("choice", ["1", "2"])
def test_it_waits_by_sms_too(handset: Handset, choice: str) -> None:
    handset.dial("1", "1", NPI)
    handset.hang_up()
    handset.says("REPRISE")
    stopped(handset, now=True)
    (refused,) = handset.says(choice)
    assert "en ce moment" in refused
    stopped(handset, now=False)
    handset.texter.later(seconds=1)
    (shown,) = handset.says("1")
    assert "Commune" in shown


def test_it_waits_for_its_code_too(handset: Handset, stranger: Handset) -> None:
    handset.dial("1", "1", NPI, "1")
    handset.hang_up()
    code = re.findall(r"REPRISE (\d{4} \d{4} \d{4})", " ".join(handset.inbox()))[0]
    stopped(handset, now=True)
    (refused,) = stranger.says(f"REPRISE {code}")
    assert "en ce moment" in refused
    stopped(handset, now=False)
    (shown,) = stranger.says(f"REPRISE {code} ")
    assert "Confirmer" in shown


def test_a_stopped_service_takes_nothing(handset: Handset) -> None:
    handset.dial("1", "1", NPI)
    stops.stop(handset.gateway.database, "service:acte-naissance", "panne", "ada", handset.gateway.now())
    handset.gateway.parts.stops._asked_at = None
    assert "déposée" not in [handset.type("1"), handset.type("1")][-1].text


def test_without_a_date_it_stays_closed(handset: Handset) -> None:
    close(handset, None)
    handset.texter.later(days=30)
    assert "fermé: travaux" in handset.dial("1").text
    stops.start(handset.gateway.database, "closed:acte-naissance", "ada", handset.gateway.now())
    handset.gateway.parts.stops._asked_at = None
    assert not handset.dial("1").final


def test_by_sms_in_both_languages(handset: Handset) -> None:
    close(handset, 30)
    said = "Ce service est fermé jusqu'au 24/11 à 20h05: travaux au registre. Rien n'a été envoyé. *229#"
    assert handset.says("ACTE") == [said]
    handset.says("MENU")
    assert handset.says("1") == [said], "through the menu too"
    said = "This service is closed until 24/11 at 20:05: travaux au registre. Nothing was sent. *229#"
    assert handset.says("BIRTH") == [said]


def test_a_conversation_by_sms_goes_on_to_its_submission(handset: Handset) -> None:
    for words in ("ACTE", "1", NPI, "cotonou"):
        assert handset.says(words)
    close(handset, 1)
    handset.texter.later(minutes=1)
    (receipt,) = handset.says("1")
    assert receipt.startswith("Récépissé")
    assert "fermé jusqu'au" in handset.says("ACTE")[0], "she enters it no more than others"


def test_without_a_date_in_english(handset: Handset) -> None:
    close(handset, None)
    said = handset.dial("6", "1")
    assert said.final
    assert "travaux au registre" in said.text
    assert "closed" in said.text
