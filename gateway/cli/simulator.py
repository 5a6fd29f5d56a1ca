"""`gateway simulator`: the aggregator, the phones and a back office, played."""

from __future__ import annotations

import click


@click.command()
def simulator() -> None:
    """Play the aggregator, the phones and a back office (SIMULATOR_* variables; `gateway run` sets them)."""
    from gateway.settings import SettingsError, is_loopback
    from gateway.simulator.app import serve
    from gateway.simulator.config import from_environment

    config = from_environment()
    if not is_loopback(config.bind):
        raise SettingsError([f"SIMULATOR_BIND={config.bind} can be reached from other machines; use 127.0.0.1"])
    serve(config)
