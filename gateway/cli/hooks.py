"""`gateway hooks`: how the endpoints of institutions stand that are told of events by webhook."""

from __future__ import annotations

import click


@click.group()
def hooks() -> None:
    """Webhooks to institutions."""


@hooks.command("list")
def list_() -> None:
    """Each endpoint: enabled or not, since when it fails and why, and what became of its webhooks."""
    from gateway.cli.submissions import opened
    from gateway.store import hooks as stored

    gateway = opened()
    with gateway.database.read() as conn:
        counts = stored.counts(conn)
        names = [*gateway.settings.hooks, *sorted({name for name, _ in counts} - gateway.settings.hooks.keys())]
        states = [stored.state_of(conn, name) for name in names]
    for one in states:
        endpoint = gateway.parts.endpoints.get(one.name)
        if endpoint is None:
            said = "not in gateway.yaml"
        elif one.disabled_at is not None:
            said = f"DISABLED since {one.disabled_at:%Y-%m-%d %H:%M} UTC ({one.why})"
        elif not endpoint.signers:
            said = f"NO SECRET in {gateway.settings.hooks[one.name].secret_env}"
        elif one.failing_since is not None:
            said = f"failing since {one.failing_since:%Y-%m-%d %H:%M} UTC ({one.why})"
        else:
            said = "well"
        outcomes = [
            f"{counts.get((one.name, word), 0)} {word}" for word in ("taken", "waiting", "given_up", "disabled")
        ]
        click.echo(f"{one.name}  {said}  {', '.join(outcomes)}")


@hooks.command()
@click.argument("name")
def enable(name: str) -> None:
    """Call endpoint NAME again, which answered that it wanted nothing more. Then: `gateway hooks replay NAME`."""
    from gateway.cli.stops import who
    from gateway.cli.submissions import opened
    from gateway.usecases import hooks as told

    done = told.enable(opened().parts, name, who())
    click.echo(f"{name}: {'enabled' if done else 'was not disabled'}")


@hooks.command()
@click.argument("name")
@click.option("--limit", type=click.IntRange(1, 10_000), default=1000, show_default=True)
def replay(name: str, limit: int) -> None:
    """Send again what endpoint NAME never took, oldest first, under the ids that it had: none counts twice."""
    from gateway.cli.stops import who
    from gateway.cli.submissions import opened
    from gateway.usecases import hooks as told

    gateway = opened()
    if name not in gateway.parts.endpoints:
        raise click.ClickException(f"{name}: no such endpoint in gateway.yaml")
    click.echo(f"{name}: {told.replay(gateway.parts, name, limit, who())} webhooks will be sent again")
