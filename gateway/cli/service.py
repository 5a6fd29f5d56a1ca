"""`gateway service close|open|list`: a service that nobody enters for a while, with the date on its door."""

from __future__ import annotations

from datetime import datetime

import click


@click.group()
def service() -> None:
    """Close a service at its entry, with a date and a reason that citizens read. What they began goes on."""


@service.command()
@click.argument("name")
@click.option(
    "--until", type=click.DateTime(["%Y-%m-%dT%H:%M", "%Y-%m-%d"]), help="When it opens by itself, in local time."
)
@click.option("--reason", required=True, help="What citizens read: 60 characters at most.")
def close(name: str, until: datetime | None, reason: str) -> None:
    """Close the service NAME: within 5 seconds nobody enters it."""
    from gateway.cli.stops import who
    from gateway.cli.submissions import opened
    from gateway.menu.message_keys import REASON_SIZE
    from gateway.usecases import stops

    gateway = opened()
    services = gateway.parts.shelf.current.services
    if name not in services:
        raise click.ClickException(f"{name}: no such service; there are {', '.join(sorted(services))}")
    if len(reason) > REASON_SIZE:
        raise click.ClickException(f"the reason has {len(reason)} characters, and a screen has room for {REASON_SIZE}")
    ends = None if until is None else until.replace(tzinfo=gateway.parts.zone)
    if ends is not None and ends <= gateway.now():
        raise click.ClickException(f"{until}: is past already")
    stops.stop(gateway.database, stops.CLOSED + name, reason, who(), gateway.now(), ends)
    click.echo(f"{name}: closed" + (f" until {ends:%Y-%m-%d %H:%M}" if ends else ", until you open it"))


@service.command("open")
@click.argument("name")
def open_(name: str) -> None:
    """Open the service NAME again."""
    from gateway.cli.stops import who
    from gateway.cli.submissions import opened
    from gateway.usecases import stops

    gateway = opened()
    changed = stops.start(gateway.database, stops.CLOSED + name, who(), gateway.now())
    click.echo(f"{name}: {'open' if changed else 'was not closed'}")


@service.command("list")
def list_() -> None:
    """Every service, and which are closed or stopped."""
    from gateway.cli.submissions import opened
    from gateway.store import stops as stored
    from gateway.usecases import stops

    gateway = opened()
    with gateway.database.read() as conn:
        known = stored.active(conn)
    active = gateway.parts.stops.active()
    for name in gateway.parts.shelf.current.services:
        closed = known.get(stops.CLOSED + name) if stops.CLOSED + name in active else None
        until = (
            f" until {closed.until.astimezone(gateway.parts.zone):%Y-%m-%d %H:%M}" if closed and closed.until else ""
        )
        state = "stopped" if stops.SERVICE + name in active else f"closed{until}" if closed else "open"
        click.echo(f"{name:<20} {state}")
