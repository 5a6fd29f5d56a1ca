"""The phone page in a real browser: what a person sees and does."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.browser

PHONE = "+2290197000000"
MENU = "Bienvenue\n1.Acte de naissance\n2.Suivre ma demande\n3.Pièces et tarifs\n4.Langue / Language\n0.Quitter"


@pytest.fixture
def first(page: Page, system: Any) -> Locator:
    """The first handset of a page that has drawn what the server says."""
    page.goto(system.simulator_url)
    handset = page.locator(".handset").nth(0)
    expect(handset.locator(".screen")).to_contain_text("Composez *229#")
    return handset


def press(handset: Locator, keys: str) -> None:
    for key in keys:
        handset.locator(f'[data-key="{key}"]').click()
    handset.get_by_label("Appeler ou envoyer").click()


def shows(handset: Locator, text: str) -> None:
    """The screen shows exactly this, line ends included."""
    expect(handset.locator(".screen")).to_have_text(text, use_inner_text=True)


def send_sms(system: Any, text: str, to: str = PHONE) -> None:
    requests.post(
        system.simulator_url + "/africastalking/version1/messaging",
        data={"username": "sandbox", "to": to, "message": text},
        headers={"apiKey": "demo-key"},
        timeout=5,
    )


@pytest.mark.parametrize("place", [0, 1], ids=["africastalking", "mtn_madapi"])
def test_a_dialogue_by_the_keypad(page: Page, first: Locator, place: int) -> None:
    handset = page.locator(".handset").nth(place)
    press(handset, "*229#")
    shows(handset, MENU)
    expect(handset.locator(".units")).to_have_text("98 / 182 septets GSM-7")
    press(handset, "1")
    expect(handset.locator(".screen")).to_contain_text("Pour moi")
    press(handset, "1")
    expect(handset.locator(".screen")).to_contain_text("Demande 4821 0937 5628 déposée")
    handset.get_by_label("Raccrocher").click()
    expect(handset.locator(".screen")).to_contain_text("Composez *229#")


def test_by_the_keyboard_alone(page: Page, first: Locator) -> None:
    first.get_by_label("Saisie").focus()
    page.keyboard.type("*229#")
    page.keyboard.press("Enter")
    shows(first, MENU)
    page.keyboard.type("1")
    page.keyboard.press("Enter")
    expect(first.locator(".screen")).to_contain_text("Pour moi")
    page.keyboard.press("Escape")
    expect(first.locator(".screen")).to_contain_text("Composez *229#")


def test_every_control_is_reached_by_tab(page: Page, first: Locator) -> None:
    first.get_by_label("Saisie").focus()
    labels = []
    for _ in range(15):
        page.keyboard.press("Tab")
        labels.append(
            page.evaluate("document.activeElement.getAttribute('aria-label') || document.activeElement.dataset.key")
        )
    assert labels == ["Appeler ou envoyer", "Effacer un caractère", "Raccrocher", *"123456789*0#"]


def test_clear_and_the_offered_code(first: Locator) -> None:
    first.get_by_label("Appeler ou envoyer").click()  # nothing typed: the code is offered
    expect(first.get_by_label("Saisie")).to_have_value("*229#")
    first.get_by_label("Effacer un caractère").click()
    expect(first.get_by_label("Saisie")).to_have_value("*229")
    first.locator('[data-key="#"]').click()
    first.get_by_label("Appeler ou envoyer").click()
    shows(first, MENU)


def test_an_sms_arrives_is_delivered_and_read(page: Page, system: Any, first: Locator) -> None:
    send_sms(system, "Récépissé 4821 0937 5628")
    message = first.locator(".messages li")
    expect(message).to_contain_text("Récépissé 4821 0937 5628")
    expect(message).to_contain_text("1 segment GSM-7, 24 septets · remis · delivered")
    expect(first.locator(".mail")).to_have_text("✉ 1")
    expect(message).to_have_class("unread")
    first.get_by_role("button", name="Tout lu").click()
    expect(message).not_to_have_class("unread")
    expect(first.locator(".mail")).to_be_hidden()
    expect(page.locator(".handset").nth(1).locator(".messages li")).to_have_count(0)


def test_markup_in_an_sms_is_text(system: Any, first: Locator) -> None:
    send_sms(system, "<b>x</b><img src=x onerror=alert(1)>")
    expect(first.locator(".messages li")).to_contain_text("<b>x</b><img src=x onerror=alert(1)>")


def test_a_lost_reply_is_delivered_again(page: Page, first: Locator) -> None:
    press(first, "*229#")
    shows(first, MENU)
    page.locator("summary").click()
    page.get_by_label("Perdre la prochaine réponse").check()
    expect(page.locator("#faults-on")).to_have_text("1")
    press(first, "1")
    expect(first.locator(".remarks")).to_contain_text("La réponse a été perdue en route.")
    shows(first, "Problème de connexion ou code IHM non valide.")
    expect(page.get_by_label("Perdre la prochaine réponse")).not_to_be_checked()
    first.get_by_role("button", name="Livrer encore").click()
    expect(first.locator(".screen")).to_contain_text("Pour moi")
    expect(first.locator(".again")).to_be_hidden()


def test_switches_reach_the_server_and_come_back(page: Page, system: Any, first: Locator) -> None:
    page.locator("summary").click()
    page.get_by_label("Chaque étape et chaque SMS livrés deux fois").select_option("together")
    page.get_by_label("Retard, en millisecondes").fill("50")
    page.get_by_label("Retard, en millisecondes").press("Enter")
    page.get_by_label("Guichet en panne").check()
    expect(page.locator("#faults-on")).to_have_text("3")
    switches = requests.get(system.simulator_url + "/api/switches", timeout=5).json()
    assert (switches["deliver_twice"], switches["delay_ms"], switches["backoffice_down"]) == ("together", 50, True)
    page.get_by_role("button", name="Tout effacer").click()
    expect(page.locator("#faults-on")).to_be_hidden()
    expect(page.get_by_label("Chaque étape et chaque SMS livrés deux fois")).to_have_value("no")


def test_the_number_can_be_changed(page: Page, system: Any, first: Locator) -> None:
    number = first.locator(".number")
    number.fill("61 00 00 00")
    number.press("Enter")
    expect(number).to_have_value("+2290161000000")
    send_sms(system, "Pour vous", "+2290161000000")
    expect(first.locator(".messages li")).to_contain_text("Pour vous")
    press(first, "*229#")
    shows(first, MENU)


def test_the_back_office_is_seen(page: Page, system: Any, first: Locator) -> None:
    requests.post(
        system.simulator_url + "/backoffice/etat-civil/submissions",
        json={"reference": "482109375628", "service": "acte-naissance", "fields": {"npi": "1234567891"}},
        headers={"Authorization": "Bearer demo-token", "Idempotency-Key": '"k"'},
        timeout=5,
    )
    expect(page.locator("#cases li")).to_contain_text("4821 0937 5628")
    expect(page.locator("#cases li .state")).to_have_text("accordée · granted")


@pytest.mark.parametrize("width", [320, 400, 700, 1100, 1280])
def test_nothing_is_wider_than_the_window(page: Page, first: Locator, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.locator("summary").click()
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_a_long_page_says_that_there_is_more_below(page: Page, first: Locator) -> None:
    """Twenty short lines fit 182 septets, not the screen: the phone scrolls, and says so."""
    press(first, "*229#")
    expect(first.locator(".below")).to_be_hidden()
    press(first, "2")
    expect(first.locator(".below")).to_be_visible()
    first.locator(".screen").focus()
    page.keyboard.press("End")
    expect(first.locator(".below")).to_be_hidden()


def test_a_page_of_thirteen_lines_needs_no_scrolling(page: Page, first: Locator) -> None:
    """As many as a list of communes has."""
    press(first, "*229#")
    shows(first, MENU)
    fits = page.evaluate(
        """() => {
          const screen = document.querySelector('.screen');
          screen.textContent = Array(13).fill('1.Abomey').join('\\n');
          return screen.scrollHeight <= screen.clientHeight;
        }"""
    )
    assert fits


def test_a_text_is_written_and_what_comes_is_measured(page: Page, system: Any, first: Locator) -> None:
    first.get_by_label("SMS au 22900").fill("STATUT 4821 0937 5628")
    first.get_by_label("SMS au 22900").press("Enter")
    sent = first.locator(".messages li.sent")
    expect(sent).to_contain_text("STATUT 4821 0937 5628")
    expect(sent.locator("footer")).to_contain_text("1 segment GSM-7, 21 septets · reçu par la passerelle")
    send_sms(system, "Ɖò " + "a" * 70)
    expect(first.locator(".messages li").nth(0).locator("footer")).to_contain_text("2 segments UCS-2, 73 unités")


def test_a_phone_that_is_switched_off(page: Page, system: Any, first: Locator) -> None:
    with page.expect_response(lambda answer: answer.url.endswith("/condition")):  # it is off before anything is sent
        first.locator(".condition").select_option("unreachable")
    send_sms(system, "Bonjour")
    expect(first.locator(".waiting-count")).to_have_text("1 SMS en attente · waiting")
    expect(first.locator(".messages li")).to_have_count(0)
    first.locator(".condition").select_option("reachable")
    expect(first.locator(".messages li")).to_contain_text("remis · delivered")
