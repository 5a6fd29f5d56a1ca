"""`gateway keys`: the file to back up."""

from __future__ import annotations

import click


@click.group()
def keys() -> None:
    """The keys of this installation."""


@keys.command()
def path() -> None:
    """Where the keys are. Back this file up apart from the database: without it personal data cannot be read."""
    from gateway import settings, wiring

    click.echo(wiring.keys_path(settings.load()))
