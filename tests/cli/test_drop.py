"""`gateway drop` on real folders."""

import json
import os
from pathlib import Path

import pytest

from gateway.backoffice import drop_files
from tests import commands

ROOT = Path(__file__).parents[2]
SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
CONFIG = """
channels: {at: {kind: africastalking, username: test, sms: true}}
senders: {s: {channel: at}}
sms: {sender: s}
institutions: {anip: {name: {fr: ANIP, en: ANIP}}}
systems:
  etat-civil: {institution: anip, kind: drop, folder: days, answers_folder: answers, webhook_secret_env: FILES_SECRET}
"""


@pytest.fixture
def gateway(tmp_path, sqlite_url):
    (tmp_path / "gateway.yaml").write_text(CONFIG)
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")},
        "GATEWAY_DATA": str(tmp_path),
        "GATEWAY_CONFIG": str(tmp_path / "gateway.yaml"),
        "GATEWAY_DATABASE_URL": sqlite_url,
        "GATEWAY_SIMULATOR_BIND": "none",
        "GATEWAY_REDIS": "unix:///none",
        "GATEWAY_LOG_LEVEL": "error",
        "FILES_SECRET": SECRET,
    }

    def gateway(*arguments, **more):
        return commands.run(("drop", *arguments), {**environ, **more})

    return gateway


def test_close_read_verify(gateway, tmp_path):
    assert gateway("close", "etat-civil").stdout == "nothing to close\n"
    (opened,) = (tmp_path / "days" / ".open").glob("*.jsonl")
    opened.write_text('{"key":"k1"}\n')
    assert gateway("close", "etat-civil").stdout == f"{opened.name}: 1 lines\n"
    day = tmp_path / "days" / opened.name
    assert gateway("verify", str(day)).stdout == f"{opened.name}: signed with the secret of etat-civil\n"
    day.write_text("")
    refused = gateway("verify", str(day))
    assert (refused.returncode, refused.stdout) == (1, "")
    event = {"id": "e1", "type": "submission.acknowledged", "timestamp": "2026-11-24T09:00:00Z"}
    content = json.dumps({**event, "data": {"reference": "482109375625"}}).encode()
    (tmp_path / "answers").mkdir()
    (tmp_path / "answers" / "r.jsonl").write_bytes(content)
    (tmp_path / "answers" / "r.jsonl.sig").write_bytes(drop_files.sign((SECRET,), "r.jsonl", content))
    read = gateway("read", "etat-civil")
    assert (read.returncode, read.stdout) == (1, "0 files read, 1 refused\n")
    assert "refused" in read.stderr


def test_what_cannot_be_done_is_a_sentence(gateway):
    unknown = gateway("close", "impots")
    assert unknown.stderr == "Error: impots: no system of kind drop; there are: etat-civil\n"
    weak = gateway("close", "etat-civil", FILES_SECRET="whsec_c2hvcnQ=")
    assert (weak.returncode, weak.stderr) == (1, "a webhook secret is whsec_ and the base64 of 24 bytes or more\n")
