"""The public page /verify in a real browser: on a narrow phone, by the keyboard, without scripts."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from playwright.sync_api import Browser, Page, expect

from gateway import settings, wiring
from gateway.store import holdings, migrate, submissions
from gateway.store.submissions import NewSubmission
from gateway.text import reference
from gateway.web.site import build_web

pytestmark = pytest.mark.browser

#: Where to keep what the pages look like, for a person to look at; "": nowhere.
SCREENSHOTS = os.environ.get("SCREENSHOTS", "")
NARROW = {"width": 360, "height": 640}


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@dataclass
class Office:
    """A gateway that serves, and a récépissé that it issued."""

    url: str
    number: str
    code: str


@pytest.fixture
def office(tmp_path: Path, redis_url: str) -> Iterator[Office]:
    declared = settings.load(
        {"GATEWAY_DATA": str(tmp_path), "GATEWAY_REDIS": redis_url, "GATEWAY_LOCAL": "1", "GATEWAY_LOG_LEVEL": "error"}
    )
    migrate.upgrade(wiring.database_url(declared))
    gateway = wiring.build(declared)
    server = make_server("127.0.0.1", 0, build_web(gateway), _Server, _Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    number, code = _issued(gateway)
    yield Office(f"http://127.0.0.1:{server.server_port}/verify", number, code)
    server.shutdown()
    server.server_close()
    thread.join()
    gateway.close()


def _issued(gateway: wiring.Gateway) -> tuple[str, str]:
    parts, now = gateway.parts, gateway.now()
    with parts.database.begin() as conn:
        new = NewSubmission(
            reference=reference.make(parts.random_bytes),
            service="acte-naissance",
            menu_version="m",
            system="etat-civil",
            institution="anip",
            holding_id=holdings.open_holding(conn, parts.seals, "+2290197000000", now),
            channel="africastalking",
            language="fr",
            assurance="number",
            sensitive=False,
            fields={"npi": "1234564412"},
            subject=(),
            label="",
            idempotency_key=parts.new_id(),
            receipt_key_id=next(iter(parts.receipt_keys)),
            promised_on=None,
            keep_s=None,
        )
        submissions.insert(conn, parts.seals, new, now)
    day = now.astimezone(parts.zone).date().isoformat()
    return new.reference, reference.code(parts.receipt_keys, new.reference, new.service, day)


@pytest.fixture(params=[True, False], ids=["scripts", "no scripts"])
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page on a narrow phone that fails its test when its policy refuses anything, or anything is thrown on it."""
    context = browser.new_context(viewport=NARROW, locale="fr-FR", java_script_enabled=request.param)
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    yield page
    context.close()
    assert faults == []


def kept(page: Page, name: str) -> None:
    if SCREENSHOTS:
        page.screenshot(path=f"{SCREENSHOTS}/verify_{name}.png", full_page=True)


def fits(page: Page) -> bool:
    """Nothing is wider than the phone."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def test_a_recepisse_is_checked_by_the_keyboard_alone(page: Page, office: Office) -> None:
    page.goto(office.url)
    assert fits(page)
    kept(page, "form")
    for _ in range(2):  # past the language
        page.keyboard.press("Tab")
    expect(page.get_by_label("Numéro du récépissé")).to_be_focused()
    page.keyboard.type(reference.show(office.number))
    page.keyboard.press("Tab")
    expect(page.get_by_label("Code de vérification")).to_be_focused()
    page.keyboard.type(office.code)
    page.keyboard.press("Tab")
    page.keyboard.type("4412")
    page.keyboard.press("Enter")
    said = page.get_by_role("region", name="Récépissé authentique")
    expect(said).to_contain_text("Acte de naissance")
    expect(said).to_contain_text("OUI")
    expect(page.get_by_role("heading", name="Récépissé authentique")).to_be_focused()
    expect(page).to_have_title("Récépissé authentique · Vérifier un récépissé")
    assert fits(page)
    kept(page, "genuine")
    expect(page.get_by_label("Numéro du récépissé")).to_have_value(reference.show(office.number))
    expect(page.get_by_label("4 derniers chiffres")).to_have_value("")


def test_a_forged_one_in_english(page: Page, office: Office) -> None:
    page.goto(office.url)
    page.get_by_role("link", name="English").click()
    page.get_by_label("Receipt number").fill(office.number)
    page.get_by_label("Verification code").fill(f"{(int(office.code) + 1) % 10**6:06d}")
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_role("region", name="Receipt not recognised")).to_contain_text("do not match")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    assert fits(page)
    kept(page, "forged")


def test_it_reads_well(page: Page, office: Office) -> None:
    page.goto(office.url)
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    expect(page.get_by_role("main")).to_have_count(1)
    for box in page.get_by_role("textbox").all():
        assert (box.bounding_box() or {})["height"] >= 44  # a thumb finds it
    assert (page.get_by_role("button").bounding_box() or {})["height"] >= 44
    page.evaluate("document.documentElement.style.fontSize = '200%'")  # WCAG 1.4.4
    assert fits(page)
    pairs: list[list[str]] = page.evaluate(
        """[...document.querySelectorAll('p, a, h1, h2, label, button, dt, dd')].map(e => {
             let under = e
             while (getComputedStyle(under).backgroundColor === 'rgba(0, 0, 0, 0)') under = under.parentElement
             return [getComputedStyle(e).color, getComputedStyle(under).backgroundColor]
           })"""
    )
    assert pairs
    for ink, paper in pairs:
        assert _contrast(ink, paper) >= 4.5, (ink, paper)  # WCAG 1.4.3


def _contrast(first: str, second: str) -> float:
    """The contrast ratio of two colours as `rgb(1, 2, 3)` (WCAG 2.2, relative luminance)."""

    def luminance(colour: str) -> float:
        shares = [int(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
        linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)
