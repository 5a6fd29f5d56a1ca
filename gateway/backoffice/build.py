"""A back office from its settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from gateway.backoffice.base import BackOffice
from gateway.backoffice.desk import DeskBackOffice
from gateway.backoffice.drop import DropBackOffice
from gateway.backoffice.rest import RestBackOffice
from gateway.settings import DeskSystem, DropSystem, RestSystem, SystemSettings


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
    """The system that gateway.yaml calls `name`; `token` is the bearer token we present to it.

    `secrets` (whsec_..., newest first) sign its files, `data` is the data folder, `zone` says when its days end.
    """
    match settings:
        case RestSystem():
            return RestBackOffice(name, settings, token, now)
        case DeskSystem():
            return DeskBackOffice(name, settings)
        case DropSystem():
            days = zone or ZoneInfo("UTC")
            return DropBackOffice(name, settings, secrets=secrets, data=data, zone=days, now=now)
    raise ValueError(f"no connector for the system {name}")
