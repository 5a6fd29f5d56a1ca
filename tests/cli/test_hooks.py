"""`gateway hooks`: how endpoints stand, and what a person does about them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import yaml

from gateway.store import migrate
from tests.cli.test_commands import ROOT, gateway  # noqa: F401 - the fixture

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def config(tmp_path: Path) -> str:
    declared = yaml.safe_load((ROOT / "config" / "gateway.yaml").read_text())
    declared["hooks"] = {
        "suivi": {
            "institution": "anip",
            "url": "https://hook.example",
            "secret_env": "SUIVI_SECRET",
            "events": ["submission.received"],
        }
    }
    (tmp_path / "channels").symlink_to(ROOT / "config" / "channels")
    (tmp_path / "gateway.yaml").write_text(yaml.safe_dump(declared))
    return str(tmp_path / "gateway.yaml")


def test_an_endpoint_s_life(gateway, config: str, tmp_path: Path) -> None:  # noqa: F811 - the fixture
    chosen = {"GATEWAY_CONFIG": config, "SUIVI_SECRET": SECRET}
    migrate.upgrade(f"sqlite:///{tmp_path}/gateway.db")
    unset = {**chosen, "SUIVI_SECRET": ""}
    counted = "  0 taken, 0 waiting, 0 given_up, 0 disabled\n"
    assert gateway("hooks", "list", **unset).stdout == f"suivi  NO SECRET in SUIVI_SECRET{counted}"
    at = "'2026-11-24 10:00:00.000000'"
    with closing(sqlite3.connect(tmp_path / "gateway.db")) as opened:
        opened.execute(f"INSERT INTO endpoints (name, disabled_at, why) VALUES ('suivi', {at}, 'http_410')")
        opened.commit()
    said = "DISABLED since 2026-11-24 10:00 UTC (http_410)"
    assert gateway("hooks", "list", **chosen).stdout == f"suivi  {said}{counted}"
    assert gateway("hooks", "enable", "suivi", **chosen).stdout == "suivi: enabled\n"
    assert gateway("hooks", "replay", "suivi", **chosen).stdout == "suivi: 0 webhooks will be sent again\n"
    done = gateway("hooks", "replay", "autre", **chosen)
    assert (done.returncode, done.stderr) == (1, "Error: autre: no such endpoint in gateway.yaml\n")
