"""`gateway desk` on a real database: what it prints, and that it says no more than it should."""

import os
from pathlib import Path

import pytest

from gateway import settings, wiring
from gateway.engine.outcomes import Act, Submission
from gateway.usecases.caller import Caller
from gateway.usecases.hand_over import hand_over
from gateway.usecases.submissions import submit
from tests import commands

ROOT = Path(__file__).parents[2]
CONFIG = """
channels: {at: {kind: africastalking, username: test, sms: true}}
senders: {s: {channel: at}}
sms: {sender: s}
institutions:
  anip: {name: {fr: ANIP, en: ANIP}}
  mairie: {name: {fr: Mairie, en: Town hall}}
systems:
  etat-civil: {institution: anip, kind: desk}
"""


@pytest.fixture
def environ(tmp_path, sqlite_url):
    (tmp_path / "gateway.yaml").write_text(CONFIG)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
    return {
        **clean,
        "GATEWAY_DATA": str(tmp_path),
        "GATEWAY_CONFIG": str(tmp_path / "gateway.yaml"),
        "GATEWAY_DATABASE_URL": sqlite_url,
        "GATEWAY_SIMULATOR_BIND": "none",
        "GATEWAY_REDIS": "unix:///none",
        "GATEWAY_LOG_LEVEL": "error",
        "LC_ALL": "C.UTF-8",
    }


@pytest.fixture
def gateway(environ):
    def gateway(*arguments):
        return commands.run(("desk", *arguments), environ)

    return gateway


@pytest.fixture
def number(environ):
    built = wiring.build(settings.load(environ))
    fields = {"npi": "1234564412", "commune": "cotonou\x1b[2J"}
    args = Submission(
        system="etat-civil", fields=fields, personal=frozenset({"npi"}), subject=(), label="", language="fr",
        assurance="number",
    )  # fmt: skip
    answer = submit(
        built.parts, Act("submit", "acte-naissance", 0, args), Caller("+2290197000000", "at", "61603", "fr"), b"k" * 32
    )
    with built.database.begin() as conn:
        from gateway.store import outbox

        rows = outbox.claim(conn, "backoffice", "t", 10, 60, built.now())
    hand_over(built.parts, rows)
    built.close()
    return answer.values["reference"].raw


def test_from_the_inbox_to_the_decision(gateway, number):
    listed = gateway("list", "anip")
    assert listed.returncode == 0, listed.stderr
    assert f"{number[:4]} {number[4:8]} {number[8:]}" in listed.stdout
    assert "1234564412" not in listed.stdout
    assert listed.stdout.startswith("*1  ")
    assert listed.stderr == "1 unread, 1 in nobody's hand, 0 late\n"
    shown = gateway("show", "anip", number)
    assert "  npi: 1234564412\n  commune: cotonou[2J\n" in shown.stdout  # nothing acts on the terminal
    assert "desk.open" in shown.stdout
    assert gateway("ask", "anip", number).stderr == f"Error: {number}: a question needs words (--fr, --en)\n"
    for said in ("done", "was done already"):
        done = gateway("decide", "anip", number, "granted", "--fr", "Venez.", "--key", "k1")
        assert done.stdout == f"{number}: {said}\n"


def test_another_institution(gateway, number):
    assert gateway("list", "mairie").stdout == ""
    for words in (("show",), ("release", "--anyway")):
        done = gateway(words[0], "mairie", number, *words[1:])
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == f"Error: {number}: no such demand at this desk\n"
