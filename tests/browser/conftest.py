"""The simulator before a small stand-in of the gateway, and a real browser."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from gateway.simulator.app import Server
from gateway.simulator.config import SimulatorConfig

expect.set_options(timeout=20_000)  # ms; a busy machine takes longer than the five seconds of the library

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SCREENS = {
    "": (
        "Bienvenue\n1.Acte de naissance\n2.Suivre ma demande\n3.Pièces et tarifs\n4.Langue / Language\n0.Quitter",
        False,
    ),
    "1": ("Acte de naissance\nTarif: à confirmer en mairie\n1.Pour moi\n2.Pour mon enfant\n0.Retour", False),
    "2": ("\n".join(f"{line}.Oui" for line in range(1, 21)), False),
    "1*1": ("Merci. Demande 4821 0937 5628 déposée. Récépissé par SMS.", True),
}


@dataclass(frozen=True)
class System:
    simulator_url: str
    gateway_url: str


def _reply(path: str, body: bytes, seen: dict[str, str]) -> tuple[str, bytes]:
    """Both channels over the same three screens."""
    if "mtn_madapi" in path:
        message = json.loads(body)
        session, last = message["sessionId"], message["ussdString"]
        text = "" if message["messageType"] == "0" else "*".join(filter(None, [seen[session], last]))
        seen[session] = text
        words, final = SCREENS.get(text, ("Réponse inconnue. Recommencez.", True))
        data = {"inboundResponse": words, "userInputRequired": not final}
        return "application/json", json.dumps({"statusCode": "0000", "data": data}).encode()
    text = parse_qs(body.decode(), keep_blank_values=True)["text"][0]
    words, final = SCREENS.get(text, ("Réponse inconnue. Recommencez.", True))
    return "text/plain; charset=utf-8", f"{'END' if final else 'CON'} {words}".encode()


@pytest.fixture
def system() -> Iterator[System]:
    seen: dict[str, str] = {}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            kind, answer = _reply(self.path, body, seen) if self.path.endswith("/ussd") else ("text/plain", b"")
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    gateway = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    gateway.daemon_threads = True
    gateway_url = f"http://127.0.0.1:{gateway.server_port}"
    simulator = Server(
        SimulatorConfig(
            api_key="demo-key",
            backoffice_token="demo-token",
            webhook_secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            gateway_url=gateway_url,
            bind="127.0.0.1:0",
            ack_s=0.02,
            decision_s=0.04,
            dlr_s=0.02,
        )
    )
    threads = [
        threading.Thread(target=gateway.serve_forever, args=(0.02,)),
        threading.Thread(target=simulator.run, args=(0.01,)),
    ]
    for thread in threads:
        thread.start()
    yield System(simulator.url, gateway_url)
    simulator.stop()
    gateway.shutdown()
    gateway.server_close()
    for thread in threads:
        thread.join()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        if os.environ.get("REQUIRE_ALL"):
            pytest.fail(f"{CHROMIUM} is missing")
        pytest.skip(f"{CHROMIUM} is missing: apt-get install chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser, system: System) -> Iterator[Page]:
    """A page that fails its test when anything is refused, missing or thrown on it; closed before the system."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="fr-FR")
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    yield page
    context.close()
    assert faults == []
