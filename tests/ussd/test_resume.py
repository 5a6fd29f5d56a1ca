"""Taking up a dropped dialogue on USSD: offered once, settled once, whatever is repeated, lost or simultaneous."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from gateway.messages import EndStatus, UssdEnd
from gateway.store import holdings, preferences
from gateway.usecases import dialogues, stops
from gateway.wiring import Gateway
from tests.ussd.conftest import ACTE, NPI, Build, Clock, Phone, stored
from tests.ussd.interference import waiting

OFFER = "Acte de naissance: demande non terminée.\n1.Continuer\n2.Recommencer\n3.Ce n'est pas moi"
#: What follows the offer, up to the confirmation: 1 goes on at the list of towns.
GOES_ON = ("", "1", "1*1", "1*1*1")


@pytest.fixture
def dropped(phone: Phone) -> Gateway:
    """A gateway whose first number left *Acte de naissance* at the list of towns."""
    phone.walk(*ACTE[:4])
    dialogues.take_end(phone.gateway.ussd, UssdEnd("africastalking", "s1", EndStatus.DROPPED))
    return phone.gateway


def test_it_is_offered_and_goes_on(dropped: Gateway) -> None:
    again = Phone(dropped, "s2")
    replies = again.walk(*GOES_ON)
    assert replies[0].text == OFFER
    assert replies[1].text.startswith("Commune de naissance")
    assert NPI not in replies[2].text
    assert "NPI ******7890" in replies[2].text
    assert "déposée" in replies[3].text
    assert (stored(dropped), waiting(dropped)) == (1, None)
    assert Phone(dropped, "s3").deliver("").text.startswith("Services publics"), "offered no more"


@pytest.mark.parametrize(
    ("answer", "shows"),
    [
        ("2", "Acte de naissance\nTarif"),
        ("3", "Services publics du Bénin"),
        ("recommencer", "Acte de naissance\nTarif"),
    ],
)
def test_start_again_or_it_was_not_me(dropped: Gateway, answer: str, shows: str) -> None:
    again = Phone(dropped, "s2")
    again.deliver("")
    assert again.deliver(answer).text.startswith(shows)
    assert waiting(dropped) is None
    assert Phone(dropped, "s3").deliver("").text.startswith("Services publics")


def test_anything_else_asks_again(dropped: Gateway) -> None:
    again = Phone(dropped, "s2")
    again.deliver("")
    assert again.deliver("9").text == f"Choix inconnu. Tapez un des numéros.\n{OFFER}"
    assert again.deliver("9*1").text.startswith("Commune de naissance")


def test_only_to_the_number_that_left_it(dropped: Gateway) -> None:
    assert Phone(dropped, "s2", number="+2290166000000").deliver("").text.startswith("Services publics")


def test_who_dials_a_shortcut_goes_there(dropped: Gateway) -> None:
    assert Phone(dropped, "s2").deliver("22").text.startswith("Suivre une demande")
    assert Phone(dropped, "s3").deliver("").text == OFFER, "it still waits"


def test_every_turn_twice(dropped: Gateway) -> None:
    again = Phone(dropped, "s2")
    for text in GOES_ON:
        assert again.deliver(text) == again.deliver(text)
    assert stored(dropped) == 1


@pytest.mark.parametrize("lost_before", range(1, len(GOES_ON)))
def test_redis_lost_between_any_two_turns(build: Build, dropped: Gateway, redis_url: str, lost_before: int) -> None:
    """The offer that was answered is found by its turn; one that was not is shown again. Nothing is done twice."""
    expected = [reply.text for reply in Phone(dropped, "whole", channel="africastalking").walk("")]
    assert expected == [OFFER]
    again = Phone(dropped, "s2")
    again.walk(*GOES_ON[:lost_before])
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
    other = Phone(build(), "s2")  # a process that remembers nothing
    reply = other.deliver(GOES_ON[lost_before])
    text = GOES_ON[lost_before]
    for _ in range(4):
        if reply.final:
            break
        text = f"{text}*1"
        reply = other.deliver(text)
    assert "déposée" in reply.text
    assert stored(dropped) == 1


def test_eight_deliveries_of_the_answer_at_once(dropped: Gateway) -> None:
    Phone(dropped, "s2").deliver("")
    with ThreadPoolExecutor(8) as threads:
        replies = set(threads.map(lambda _: Phone(dropped, "s2").deliver("1").text, range(8)))
    assert len(replies) == 1
    assert replies.pop().startswith("Commune de naissance")
    assert waiting(dropped) is None


def test_two_dialogues_at_once_take_it_once(dropped: Gateway) -> None:
    first, second = Phone(dropped, "s2"), Phone(dropped, "s3")
    assert first.deliver("").text == second.deliver("").text == OFFER
    assert first.deliver("1").text.startswith("Commune")
    assert second.deliver("1").text.startswith("Dialogue interrompu. Recommencons.\nServices publics")


def test_on_a_channel_that_sends_the_last_input_only(dropped: Gateway, clock: Clock) -> None:
    again = Phone(dropped, "s2", channel="mtn_madapi")
    assert again.last_input("", new=True).text == OFFER
    clock.pass_by(5)
    assert again.last_input("1").text.startswith("Commune")
    clock.pass_by(5)
    assert "NPI ******7890" in again.last_input("1").text


def test_a_missed_turn_of_the_offer(dropped: Gateway) -> None:
    again = Phone(dropped, "s2")
    again.deliver("")
    assert "NPI ******7890" in again.deliver("1*1").text, "1 answered the offer, 1 the list"


def test_left_again_it_is_offered_again(dropped: Gateway) -> None:
    again = Phone(dropped, "s2")
    again.walk("", "1", "1*1")
    dialogues.take_end(dropped.ussd, UssdEnd("africastalking", "s2", EndStatus.DROPPED))
    assert waiting(dropped) == "acte-naissance.recap"
    third = Phone(dropped, "s3")
    third.deliver("")
    assert "NPI ******7890" in third.deliver("1").text


def test_the_offer_in_the_language_that_she_prefers(dropped: Gateway, clock: Clock) -> None:
    with dropped.database.begin() as conn:
        holding = holdings.open_holding(conn, dropped.parts.seals, "+2290197000000", clock.now)
        preferences.note(conn, holding, "language", "en", "ussd", clock.now)
    assert Phone(dropped, "s2").deliver("").text == (
        "Birth certificate: request not finished.\n1.Continue\n2.Start again\n3.It was not me"
    )


def test_the_menu_in_the_language_that_she_prefers(gateway: Gateway, clock: Clock) -> None:
    with gateway.database.begin() as conn:
        holding = holdings.open_holding(conn, gateway.parts.seals, "+2290197000000", clock.now)
        preferences.note(conn, holding, "language", "en", "ussd", clock.now)
    assert Phone(gateway, "s2").deliver("").text.startswith("Public services of Benin")


def test_a_stopped_service_is_not_entered(dropped: Gateway, clock: Clock) -> None:
    stops.stop(dropped.database, "service:acte-naissance", "panne", "ada", clock.now)
    dropped.parts.stops._asked_at = None
    again = Phone(dropped, "s2")
    again.deliver("")
    stopped = again.deliver("1")
    assert stopped.final
    assert stopped.text.startswith("Ce service est arret")
    other = Phone(dropped, "s3", number="+2290166000000")
    other.deliver("")
    assert other.deliver("1").text == stopped.text
