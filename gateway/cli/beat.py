"""`gateway beat`: a job from outside says that it ended well, so that its silence is noticed."""

from __future__ import annotations

import click


@click.command()
@click.argument("name", type=click.Choice(("backup",)))
def beat(name: str) -> None:
    """Note that a job, the backup, has just ended well: make it the last line of its script."""
    from gateway.cli.submissions import opened
    from gateway.store import beats

    gateway = opened()
    with gateway.database.begin() as conn:
        beats.beat(conn, name, gateway.now())
    click.echo(f"{name}: noted")
