"""A webhook's whole way in a built gateway: the lane, the worker's threads, an endpoint that listens."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from standardwebhooks import Webhook

from gateway import settings, wiring
from gateway.settings import SettingsError
from gateway.store.campaign_rows import Origin
from gateway.usecases import hooks, stops
from gateway.workers import lanes
from tests.backoffice.receivers import Receiver, receiver

OLD, NEW = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


@pytest.fixture
def endpoint() -> Iterator[Receiver]:
    with receiver() as here:
        yield here


@pytest.fixture
def hooked(
    gateway: wiring.Gateway, endpoint: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[wiring.Gateway]:
    """The gateway of the other tests, with an endpoint in its gateway.yaml and two secrets in its environment."""
    monkeypatch.setenv("SUIVI_SECRET", f"{OLD} {NEW}")
    built = wiring.build(_with_hook(gateway, endpoint, tmp_path))
    yield built
    built.close()


def _with_hook(gateway: wiring.Gateway, endpoint: Receiver, tmp_path: Path) -> settings.Settings:
    config = tmp_path / "gateway.yaml"
    declared = yaml.safe_load(config.read_text())
    declared["hooks"] = {
        "suivi": {
            "institution": "anip",
            "url": f"http://127.0.0.1:{endpoint.port}/in",
            "secret_env": "SUIVI_SECRET",
            "events": ["notification.delivered"],
            "allow_private": True,
        }
    }
    config.write_text(yaml.safe_dump(declared))
    loaded = settings.load({"GATEWAY_CONFIG": str(config), "GATEWAY_SIMULATOR_BIND": "none"})
    return gateway.settings.model_copy(update={"hooks": loaded.hooks})


def test_the_lane_delivers_it_even_while_sms_are_stopped(hooked: wiring.Gateway, endpoint: Receiver) -> None:
    stops.stop(hooked.database, stops.SMS, "a test", "op", hooked.now())
    with hooked.database.begin() as conn:
        origin = Origin(None, "n-1", "anip", None, live=True, by_api=False)
        hooks.tell_notifications(conn, hooked.parts, (origin,), "delivered", "", hooked.now())
    with ThreadPoolExecutor(4) as pool:
        assert lanes.drain_once(hooked, "backoffice", pool) == (1, 0)
        assert lanes.drain_once(hooked, "backoffice", pool) == (0, 0)
    ((headers, body),) = endpoint.received
    for secret in (OLD, NEW):
        assert Webhook(secret).verify(body, headers)["type"] == "notification.delivered"


def test_a_secret_that_cannot_be_one_is_told_at_the_start_and_not_shown(
    gateway: wiring.Gateway, endpoint: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = _with_hook(gateway, endpoint, tmp_path)
    monkeypatch.setenv("SUIVI_SECRET", "whsec_c2hvcnQ=")
    with pytest.raises(SettingsError, match="SUIVI_SECRET: a webhook secret is whsec_") as refused:
        wiring.build(chosen)
    assert "c2hvcnQ" not in str(refused.value)
    monkeypatch.delenv("SUIVI_SECRET")
    built = wiring.build(chosen)  # a command in a shell without secrets still works
    assert replace(built.parts.endpoints["suivi"]).signers == ()
    built.close()
