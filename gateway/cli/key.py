"""`gateway key add|list|revoke`: API keys of institutions, by whoever has a shell on the gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gateway.store.api_keys import StoredKey
    from gateway.usecases.actors import Actor
    from gateway.wiring import Gateway

_SCOPES = (
    "notifications:send",
    "notifications:read",
    "templates:read",
    "submissions:read",
    "submissions:handle",
)
_WHY = {
    "name": "a name has 1 to 64 printable characters",
    "scopes": "give at least one --scope",
    "guests": "a trial key has 1 to 20 --guest numbers that can be dialled, a live one none",
    "limits": "limits are 1 to 6000 calls a minute and 1 to 1000000 notifications a day",
    "too_many": "the institution has 50 keys that open: revoke one first",
}


@click.group()
def key() -> None:
    """API keys of institutions (docs/api.md)."""


@key.command()
@click.argument("institution")
@click.option("--name", required=True, help="What uses the key: people see it in the console.")
@click.option("--scope", "scopes", type=click.Choice(_SCOPES), multiple=True, required=True, help="May be repeated.")
@click.option("--live/--trial", default=False, help="A trial key reaches its guests only.  [default: trial]")
@click.option("--guest", "guests", multiple=True, help="A number that a trial key reaches; may be repeated.")
@click.option("--per-minute", type=int, help="Calls a minute.")
@click.option("--per-day", type=int, help="Notifications a day.")
def add(
    institution: str,
    name: str,
    scopes: tuple[str, ...],
    live: bool,
    guests: tuple[str, ...],
    per_minute: int | None,
    per_day: int | None,
) -> None:
    """Make a key for INSTITUTION, and show it once."""
    from gateway.cli.submissions import opened
    from gateway.usecases import api_keys

    gateway = opened()
    new = api_keys.NewKey(name, scopes, live, guests, per_minute, per_day)
    try:
        secret, made = api_keys.create(gateway.parts, _actor(gateway, institution), institution, new)
    except api_keys.KeyRefused as refused:
        raise click.ClickException("; ".join(_WHY[fault] for fault in refused.faults)) from None
    click.echo(secret)
    click.echo(f"{made.prefix}... is a secret, and is not shown again.", err=True)


@key.command("list")
@click.argument("institution")
def list_(institution: str) -> None:
    """The keys of INSTITUTION, without their secrets."""
    from gateway.cli.submissions import opened
    from gateway.usecases import api_keys

    gateway = opened()
    for one in api_keys.list_(gateway.parts, _actor(gateway, institution), institution):
        click.echo(_line(gateway, one))


@key.command()
@click.argument("institution")
@click.argument("prefix")
def revoke(institution: str, prefix: str) -> None:
    """Let the key that begins with PREFIX open nothing from now on."""
    from gateway.cli.submissions import opened
    from gateway.usecases import api_keys

    gateway = opened()
    actor = _actor(gateway, institution)
    found = [one for one in api_keys.list_(gateway.parts, actor, institution) if one.prefix == prefix.rstrip(".")]
    if not found:
        raise click.ClickException(f"{prefix}: no such key; see `gateway key list {institution}`")
    for one in found:
        api_keys.revoke(gateway.parts, actor, one.id)
    click.echo(f"{prefix}: revoked")


def _actor(gateway: Gateway, institution: str) -> Actor:
    """Whoever has a shell acts as a manager of the institution would."""
    from gateway.cli.stops import who
    from gateway.messages import Role
    from gateway.usecases.actors import Actor

    if institution not in gateway.settings.institutions:
        known = ", ".join(gateway.settings.institutions)
        raise click.ClickException(f"{institution}: no such institution; there are {known}")
    return Actor(f"cli:{who()}", institution, frozenset({Role.MANAGER}))


def _line(gateway: Gateway, one: StoredKey) -> str:
    used = "never used" if one.used_at is None else f"used {one.used_at.astimezone(gateway.parts.zone):%Y-%m-%d %H:%M}"
    state = "revoked" if one.revoked_at is not None else "live" if one.live else "trial"
    limits = f"{one.per_minute}/min {one.per_day}/day"
    return f"{one.prefix:<18} {state:<8} {limits:<22} {used:<22} {' '.join(one.scopes)}  {one.name}"
