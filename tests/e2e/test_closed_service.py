"""`gateway service close` while real processes run: its door shows a date, and who is inside finishes."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.supervise.processes import wait_until

pytestmark = pytest.mark.processes


@pytest.fixture
def until():
    """Tomorrow at eight, as an operator and as a citizen write it."""
    day = datetime.now(ZoneInfo("Africa/Porto-Novo")) + timedelta(days=1)
    return f"{day:%Y-%m-%d}T08:00", f"{day:%d/%m} à 08h00", f"{day:%d/%m} at 08:00"


def test_a_closed_service(system, until):
    typed, french, english = until
    inside, writing = system.phone("+2290197000061"), system.phone("+2290197000062")
    outside, abroad = system.phone("+2290197000063"), system.phone("+2290197000064")
    assert "Commune" in inside.dial("*229#", "1", "1", "1234567161")
    for words in ("acte", "1"):
        writing.asks(words)
    closed = system.gateway("service", "close", "acte-naissance", "--until", typed, "--reason", "travaux au registre")
    assert closed.returncode == 0, closed.stderr
    try:
        wait_until(lambda: french in outside.dial("*229#", "1"), 60, what="the date on the door")
        assert f"Ce service est fermé jusqu'au {french}: travaux au registre." in outside.dial("*229#", "1")
        assert f"closed until {english}: travaux au registre" in outside.dial("*229#", "6", "1")
        assert french in outside.dial("*229*21#"), "a leaflet's shortcut leads to the same door"
        assert french in abroad.asks("ACTE")
        assert english in abroad.asks("BIRTH")
        assert "acte-naissance       closed until" in system.gateway("service", "list").stdout

        for answer in ("cot", "1", "1"):
            said = inside.answer(answer)["text"]
        assert "déposée" in said
        for words in ("1234567162", "cotonou"):
            writing.asks(words)
        writing.text("1")
        wait_until(lambda: any(text.startswith("Récépissé") for text in writing.inbox()), 60, what="its récépissé")
    finally:
        opened = system.gateway("service", "open", "acte-naissance")
    assert opened.stdout == "acte-naissance: open\n"
    wait_until(lambda: "Pour moi" in outside.dial("*229#", "1"), 60, what="an open door")


def test_what_is_refused(system):
    for words, said in (
        (("nowhere", "--reason", "x"), "no such service; there are acte-naissance"),
        (("acte-naissance", "--reason", "x" * 61), "has 61 characters"),
        (("acte-naissance", "--reason", "x", "--until", "2020-01-01"), "is past already"),
    ):
        done = system.gateway("service", "close", *words)
        assert done.returncode == 1
        assert said in done.stderr
    assert "closed" not in system.gateway("service", "list").stdout
