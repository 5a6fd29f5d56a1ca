"""A built gateway on a real database and a real Redis, with nobody outside to call."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from gateway import settings, wiring

ROOT = Path(__file__).parents[2]


@pytest.fixture
def declared() -> dict[str, object]:
    """More about the institution's system in gateway.yaml; a test folder's own may say where it is."""
    return {"first_retry_s": 60}


@pytest.fixture
def gateway(
    tmp_path: Path, redis_url: str, sqlite_url: str, monkeypatch: pytest.MonkeyPatch, declared: dict[str, object]
) -> Iterator[wiring.Gateway]:
    config = tmp_path / "gateway.yaml"
    nobody = "http://127.0.0.1:9"  # the discard port: nothing listens
    config.write_text(
        yaml.safe_dump(
            {
                "channels": {
                    "africastalking": {
                        "kind": "africastalking",
                        "username": "test",
                        "api_key_env": "AT_API_KEY",
                        "base_url": nobody,
                        "sms": True,
                    }
                },
                "senders": {"s": {"channel": "africastalking"}},
                "sms": {"sender": "s", "first_retry_s": 60},
                "institutions": {"anip": {"name": {"fr": "ANIP", "en": "ANIP"}}},
                "systems": {"etat-civil": {"institution": "anip", "kind": "rest", "url": nobody} | declared},
            }
        )
    )
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("AT_API_KEY", "key-of-the-tests")
    built = wiring.build(
        settings.load(
            {
                "GATEWAY_CONFIG": str(config),
                "GATEWAY_DATA": str(tmp_path / "data"),
                "GATEWAY_MENUS": str(ROOT / "menus"),
                "GATEWAY_REDIS": redis_url,
                "GATEWAY_DATABASE_URL": sqlite_url,
                "GATEWAY_SIMULATOR_BIND": "none",
            }
        )
    )
    yield built
    built.close()


@pytest.fixture
def work(gateway: wiring.Gateway) -> int:
    """One submission that waits to be handed over, and its récépissé that waits to be sent; its id."""
    from gateway.engine.outcomes import Act, Submission
    from gateway.store import submissions
    from gateway.usecases.caller import Caller
    from gateway.usecases.submissions import submit

    args = Submission("etat-civil", {"npi": "1" * 10}, frozenset({"npi"}), (), "", "fr", "number")
    caller = Caller("+2290197000000", "africastalking", "61603", "fr")
    answer = submit(gateway.parts, Act("submit", "acte-naissance", 0, args), caller, b"k" * 32)
    with gateway.database.read() as conn:
        found = submissions.by_reference(conn, gateway.parts.seals, str(answer.values["reference"].raw))
    assert found is not None
    return found.id
