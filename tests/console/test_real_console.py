"""The console as it is served: a person made by the command signs in to the real web server, and sees her home page."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyotp
import pytest
import requests

from gateway import settings, wiring
from gateway.store import migrate
from tests import commands
from tests.e2e.running import free_ports
from tests.supervise.processes import wait_until

pytestmark = pytest.mark.processes
ROOT = Path(__file__).parents[2]
START_S = 30
PASSWORD = "une phrase que je retiens"


@dataclass
class Served:
    url: str
    environment: dict[str, str]
    log: Path

    def gateway(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return commands.run(arguments, self.environment)


@pytest.fixture
def served(_redis_server: str) -> Iterator[Served]:
    with tempfile.TemporaryDirectory() as folder:
        (port,) = free_ports(1)
        given = {"GATEWAY_DATA": folder, "GATEWAY_REDIS": _redis_server, "GATEWAY_LOCAL": "1"}
        given |= {"GATEWAY_BIND": f"127.0.0.1:{port}", "GATEWAY_LOG_LEVEL": "info"}
        declared = settings.load(given)
        wiring.prepare(declared)
        migrate.upgrade(wiring.database_url(declared))
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")} | given
        log = Path(folder) / "log"
        with log.open("wb") as out:
            command = [sys.executable, "-m", "gateway.cli", "web"]
            process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=out)
        url = f"http://127.0.0.1:{port}"
        try:
            wait_until(lambda: process.poll() is not None or _answers(url), START_S, "a web server")
            yield Served(url, environment, log)
        finally:
            process.terminate()
            process.wait(START_S)


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/healthz", timeout=2).ok
    except requests.ConnectionError:
        return False


def post(browser: requests.Session, url: str, **form: str) -> requests.Response:
    page = browser.get(url, timeout=10).text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token is not None, page
    return browser.post(url, data={"csrf_token": token.group(1), **form}, timeout=10)


def test_from_the_command_to_the_home_page(served: Served) -> None:
    who = ("afi@mairie.bj", "--institution", "anip", "--role", "manager", "--name", "Afi D.")
    made = served.gateway("user", "add", *who)
    assert made.returncode == 0, made.stderr
    link = made.stdout.strip()
    assert re.fullmatch(rf"{served.url}/console/invitation/[\w-]{{43}}", link)
    browser = requests.Session()
    page = post(browser, link, password=PASSWORD, again=PASSWORD)
    assert page.url == f"{link}/second-factor"
    pending = re.search(r'name="pending" value="([^"]+)"', page.text)
    secret = re.search(r'<code class="secret">([A-Z2-7 ]+)</code>', page.text)
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert pending and secret and token  # noqa: PT018 - the page has its form
    totp = pyotp.TOTP(secret.group(1).replace(" ", ""))
    joined = browser.post(
        page.url,
        data={"csrf_token": token.group(1), "pending": pending.group(1), "code": totp.at(time.time())},
        timeout=10,
    )
    assert "Bonjour, Afi D." in joined.text
    assert "Rien ne vous attend." in joined.text

    other = requests.Session()
    half = post(other, f"{served.url}/console/sign-in", login="Afi@Mairie.bj", password=PASSWORD)
    assert half.url == f"{served.url}/console/second-factor"
    assert other.get(f"{served.url}/console/", timeout=10).url == f"{served.url}/console/sign-in?next=/console/"
    page = post(other, f"{served.url}/console/second-factor", code=totp.at(time.time() + 30))
    assert "Bonjour, Afi D." in page.text

    assert requests.get(link, timeout=10).status_code == 404  # it opened once
    assert served.gateway("user", "disable", "afi@mairie.bj").returncode == 1  # the last manager
    again = served.gateway("user", "reset", "afi@mairie.bj")
    assert again.stdout.startswith(f"{served.url}/console/invitation/")
    assert other.get(f"{served.url}/console/", timeout=10).url.startswith(f"{served.url}/console/sign-in")
    listed = served.gateway("user", "list").stdout
    assert re.search(r"^afi@mairie\.bj +anip +invited +manager$", listed, re.MULTILINE)
    said = served.log.read_text()
    assert "person.signed_in" in said
    for hidden in ("afi@mairie", PASSWORD, link.rsplit("/", 1)[1]):
        assert hidden not in said
