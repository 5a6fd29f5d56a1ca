"""A back office from its settings: one line for each kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from gateway.backoffice import ways, xroad
from gateway.backoffice.base import BackOffice
from gateway.backoffice.desk import DeskBackOffice
from gateway.backoffice.drop import DropBackOffice
from gateway.backoffice.rest import RestBackOffice
from gateway.backoffice.ways import Way
from gateway.settings import DeskSystem, DropSystem, RestSystem, SystemSettings, XroadSystem


def build(
    name: str,
    settings: SystemSettings,
    *,
    token: str,
    now: Callable[[], datetime],
    secrets: Sequence[str] = (),
    data: Path = Path(),
    zone: ZoneInfo | None = None,
) -> BackOffice:
    """The system that gateway.yaml calls `name`.

    `token` is the bearer token we present to it; `secrets` (`whsec_...`) sign our calls, where it wants that, or its
    files. `data` is the data folder, `zone` says when days end. Raises SigningError for secrets that cannot sign.
    """
    match settings:
        case RestSystem():
            return RestBackOffice(name, settings, _rest(settings, token, secrets, now), now)
        case XroadSystem():
            return RestBackOffice(name, settings, xroad.way(settings), now)
        case DeskSystem():
            return DeskBackOffice(name, settings)
        case DropSystem():
            days = zone or ZoneInfo("UTC")
            return DropBackOffice(name, settings, secrets=secrets, data=data, zone=days, now=now)
    raise ValueError(f"no connector for the system {name}")


def _rest(settings: RestSystem, token: str, secrets: Sequence[str], now: Callable[[], datetime]) -> Way:
    match settings.authentication:
        case "bearer":
            return ways.bearer(settings.url, token)
        case "hmac":
            return ways.signature(settings.url, secrets, now)
        case "mtls":
            return ways.certificate(settings.url)
