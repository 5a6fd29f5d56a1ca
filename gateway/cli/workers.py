"""`gateway worker QUEUE` and `gateway relay`: the processes that do what turns have promised."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gateway.wiring import Gateway


@click.command()
@click.argument("queue", type=click.Choice(("urgent", "bulk", "backoffice", "upkeep")))
def worker(queue: str) -> None:
    """Do the work of one QUEUE until SIGTERM; the batch in hand is finished first."""
    from gateway.workers.worker import run_worker

    run_worker(_gateway(), queue)


@click.command()
def relay() -> None:
    """Tell the workers which lanes have work, until SIGTERM. Two relays do no harm."""
    from gateway.workers.relay import run_relay

    run_relay(_gateway())


def _gateway() -> Gateway:
    from gateway import settings, wiring
    from gateway.cli.migrate import require_current

    chosen = settings.load()
    settings.require_serving(chosen, os.environ)
    require_current(chosen)
    return wiring.build(chosen)
