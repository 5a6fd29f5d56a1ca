"""A back office from its settings: one line for each kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from gateway.backoffice import ways, xroad
from gateway.backoffice.base import BackOffice
from gateway.backoffice.rest import RestBackOffice
from gateway.backoffice.ways import Way
from gateway.settings import RestSystem, SystemSettings, XroadSystem


def build(
    name: str, settings: SystemSettings, *, token: str, now: Callable[[], datetime], secrets: Sequence[str] = ()
) -> BackOffice:
    """The system that gateway.yaml calls `name`.

    `token` is the bearer token we present to it; `secrets` (`whsec_...`) sign our calls, where it wants that. Raises
    SigningError for secrets that cannot sign.
    """
    match settings:
        case RestSystem():
            return RestBackOffice(name, settings, _rest(settings, token, secrets, now), now)
        case XroadSystem():
            return RestBackOffice(name, settings, xroad.way(settings), now)
    raise ValueError(f"no connector for the system {name}")


def _rest(settings: RestSystem, token: str, secrets: Sequence[str], now: Callable[[], datetime]) -> Way:
    match settings.authentication:
        case "bearer":
            return ways.bearer(settings.url, token)
        case "hmac":
            return ways.signature(settings.url, secrets, now)
        case "mtls":
            return ways.certificate(settings.url)
