"""A back office from its settings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from gateway.backoffice.base import BackOffice
from gateway.backoffice.desk import DeskBackOffice
from gateway.backoffice.rest import RestBackOffice
from gateway.settings import DeskSystem, RestSystem, SystemSettings


def build(name: str, settings: SystemSettings, *, token: str, now: Callable[[], datetime]) -> BackOffice:
    """The system that gateway.yaml calls `name`; `token` is the bearer token we present to it."""
    match settings:
        case RestSystem():
            return RestBackOffice(name, settings, token, now)
        case DeskSystem():
            return DeskBackOffice(name, settings)
    raise ValueError(f"no connector for the system {name}")
