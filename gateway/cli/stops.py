"""`gateway stop|start|stops`: what an operator switches off at once, in every process, and what was done so far."""

from __future__ import annotations

import click

_WHAT = ("sms", "campaigns", "service")
_what = click.argument("what", type=click.Choice(_WHAT))
_name = click.argument("name", required=False)


@click.command()
@_what
@_name
@click.option("--reason", required=True, help="Why: it is kept with your name.")
def stop(what: str, name: str | None, reason: str) -> None:
    """Stop all SMS, campaigns, or `service NAME`: within 5 seconds, and until it is started again."""
    from gateway.cli.submissions import opened
    from gateway.usecases import stops

    gateway = opened()
    subject = _subject(gateway.parts.shelf.current.services, what, name)
    changed = stops.stop(gateway.database, subject, reason, who(), gateway.now())
    click.echo(f"{subject}: {'stopped' if changed else 'was stopped already'}")


@click.command()
@_what
@_name
def start(what: str, name: str | None) -> None:
    """Start again what was stopped."""
    from gateway.cli.submissions import opened
    from gateway.usecases import stops

    gateway = opened()
    subject = _subject(None, what, name)
    changed = stops.start(gateway.database, subject, who(), gateway.now())
    click.echo(f"{subject}: {'started' if changed else 'was not stopped'}")


@click.command()
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
def stops(limit: int) -> None:
    """What is stopped now, and the latest things that operators did."""
    from gateway.cli.submissions import opened
    from gateway.store import stops as stored

    gateway = opened()
    with gateway.database.read() as conn:
        active, acts = stored.active(conn), stored.acts(conn, limit)
    for one in active.values():
        click.echo(f"STOPPED {one.subject} since {one.at:%Y-%m-%d %H:%M} by {one.who}: {one.reason}")
    for act in acts:
        click.echo(f"{act.at:%Y-%m-%d %H:%M:%S}  {act.who}  {act.act} {act.subject} {act.detail}".rstrip())


def who() -> str:
    """The operating system's name for the person at the terminal, also when she works as the account of the service."""
    import getpass
    import os

    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):
        return "?"


def _subject(services: object, what: str, name: str | None) -> str:
    if (what == "service") != (name is not None):
        raise click.UsageError("`service` needs the name of a service, and nothing else does")
    if what != "service":
        return what
    if isinstance(services, dict) and name not in services:
        raise click.ClickException(f"{name}: no such service; there are {', '.join(sorted(services))}")
    return f"service:{name}"
