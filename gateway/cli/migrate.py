"""`gateway migrate`: the database's shape."""

from __future__ import annotations

import click


@click.command()
def migrate() -> None:
    """Bring the database to the shape this version needs. Safe to repeat, and to start twice at once."""
    from gateway import settings, wiring
    from gateway.store import migrate as migrations

    chosen = settings.load()
    wiring.prepare(chosen)  # the keys are made before the first row is written with them
    migrations.upgrade(wiring.database_url(chosen))
    click.echo("The database is up to date.")
