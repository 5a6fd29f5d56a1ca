"""What a newcomer sees: the page before the whole system, from the code to the decision."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.running import Running

pytestmark = [pytest.mark.browser, pytest.mark.processes]


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """All processes, in the place of the stand-in."""
    running = Running(tmp_path_factory.mktemp("page") / "data")
    try:
        yield running.start()
    finally:
        running.end()


@pytest.mark.parametrize(
    ("place", "npi", "decision"),
    [(0, "1234567891", "accordée"), (1, "1234567880", "refusée")],
    ids=["africastalking", "mtn_madapi"],
)
def test_from_the_code_to_the_decision(page: Page, system: Any, place: int, npi: str, decision: str) -> None:
    page.goto(system.simulator_url)
    handset = page.locator(".handset").nth(place)
    screen = handset.locator(".screen")
    typed = handset.get_by_label("Saisie")

    def answer(text: str, shown: str) -> None:
        """Typed again when nothing moved: without turn ids, a quick repeat of the same key is taken for a copy."""
        for _ in range(5):
            typed.fill(text)
            typed.press("Enter")
            try:
                expect(screen).to_contain_text(shown, timeout=1500)
            except AssertionError:
                continue
            return
        raise AssertionError(f"{shown!r} never came; the screen shows {screen.inner_text()!r}")

    answer("*229#", "1.Acte de naissance")
    answer("1", "1.Pour moi")
    answer("1", "Votre NPI")
    answer(npi, "Commune de naissance")
    answer("cot", "Cotonou")
    answer("1", "1.Confirmer")
    answer("1", "déposée")
    reference = re.search(r"\d{4} \d{4} \d{4}", screen.inner_text())
    assert reference
    messages = handset.locator(".messages li")
    expect(messages).to_have_count(3, timeout=15_000)  # récépissé, acknowledgement, decision
    expect(messages.last).to_contain_text(f"Récépissé {reference.group()}")
    expect(messages.last).to_contain_text("remis · delivered")
    case = page.locator("#cases li", has_text=reference.group())
    expect(case.locator(".state")).to_contain_text(decision)

    answer("*229#", "2.Suivre ma demande")
    answer("2", "1.Mes demandes")
    answer("1", "Acte")
