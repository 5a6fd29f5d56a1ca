"""`gateway migrate`: the database's shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gateway.settings import Settings


@click.command()
def migrate() -> None:
    """Bring the database to the shape this version needs. Safe to repeat, and to start twice at once."""
    from gateway import settings, wiring
    from gateway.store import migrate as migrations

    chosen = settings.load()
    wiring.prepare(chosen)  # the keys are made before the first row is written with them
    migrations.upgrade(wiring.database_url(chosen))
    click.echo("The database is up to date.")


def require_current(settings: Settings) -> None:
    """Stops the command with one sentence when the database does not have the shape this version needs."""
    from gateway import wiring
    from gateway.store import migrate as migrations

    if not migrations.is_current(wiring.database_url(settings)):
        raise click.ClickException("the database is not up to date: run `gateway migrate`")
