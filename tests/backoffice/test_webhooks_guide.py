"""docs/webhooks.md: what it shows an institution does verify what we send, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from standardwebhooks import Webhook

from gateway.backoffice import endpoints, signing
from gateway.settings import HookSettings
from gateway.usecases import hooks
from tests.backoffice.receivers import receiver

GUIDE = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text()
SECRET, OTHER = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
BODY = b'{"type": "submission.received", "data": {"reference": "482109375628"}}'


@pytest.fixture(scope="module")
def is_ours() -> Callable[[str, dict[str, str], bytes], bool]:
    (snippet,) = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(snippet, names)
    return names["is_ours"]


def sent(at: datetime) -> tuple[dict[str, str], bytes]:
    """What an endpoint receives."""
    with receiver() as here:
        settings = HookSettings(
            institution="anip",
            url=f"http://127.0.0.1:{here.port}",
            secret_env="X",
            events=("submission.received",),
            allow_private=True,
        )
        endpoint = endpoints.build("suivi", settings, signing.signers((OTHER, SECRET)))
        assert endpoint.tell("msg_1", BODY, at) == endpoints.Told(endpoints.Delivery.TAKEN, "http_204")
        endpoint.client.close()
        return here.received[0]


def test_the_snippet_believes_what_we_send(is_ours: Callable[..., bool]) -> None:
    headers, body = sent(datetime.now(UTC))
    assert body == BODY
    assert is_ours(SECRET, headers, body)
    assert is_ours(OTHER, headers, body)
    assert Webhook(SECRET).verify(body, headers)
    assert not is_ours(SECRET, headers, body.replace(b"4821", b"4822"))
    assert not is_ours(SECRET, {**headers, "webhook-id": "msg_2"}, body)
    assert not is_ours("whsec_" + "A" * 32, headers, body)
    assert not is_ours(SECRET, {**headers, "webhook-signature": "v1,"}, body)
    assert not is_ours(SECRET, {**headers, "webhook-timestamp": "soon"}, body)


@pytest.mark.parametrize("minutes", [-6, 6])
def test_and_nothing_that_is_old_or_early(is_ours: Callable[..., bool], minutes: int) -> None:
    assert not is_ours(SECRET, *sent(datetime.now(UTC) + timedelta(minutes=minutes)))


def test_the_declaration_and_the_times_are_as_written() -> None:
    (declared,) = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
    assert HookSettings(**yaml.safe_load(declared)["hooks"]["suivi"]).institution == "anip"
    said = "5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h and 24 h".replace(" and ", ", ").split(", ")
    units = {"s": 1, "min": 60, "h": 3600}
    assert tuple(int(one.split()[0]) * units[one.split()[1]] for one in said) == hooks.WAITS_S
    assert "0 s, 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h and 24 h" in GUIDE


def test_the_vector_of_the_standard() -> None:
    """standard-webhooks/standard-webhooks, spec/standard-webhooks.md."""
    (signer,) = signing.signers((SECRET,))
    at = datetime.fromtimestamp(1614265330, UTC)
    signature = signer.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", at, '{"test": 2432232314}')
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
