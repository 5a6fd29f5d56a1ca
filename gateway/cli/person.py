"""`gateway person export|erase|refuse`: what a person may ask an institution to do with her data."""

from __future__ import annotations

import click


@click.group()
def person() -> None:
    """What a person asks about her number: shown, forgotten, left alone. Each use is kept with your name."""


@person.command()
@click.argument("number")
@click.option("--everybody", is_flag=True, help="Those who held the number before, too: for nobody but them.")
def export(number: str, everybody: bool) -> None:
    """Print all that is kept of whoever holds NUMBER now, opened, as JSON. Give it to nobody but her."""
    import json

    from gateway.cli.stops import who
    from gateway.cli.submissions import opened
    from gateway.store import stops
    from gateway.usecases import persons

    gateway = opened()
    found = persons.export(gateway.parts, _msisdn(gateway.settings.countries[0], number), everybody=everybody)
    with gateway.database.begin() as conn:
        stops.note_act(conn, who(), "export", "person", "everybody" if everybody else "", gateway.now())
    click.echo(json.dumps(found, ensure_ascii=False, indent=2))


@person.command()
@click.argument("number")
@click.option("--everybody", is_flag=True, help="Those who held the number before, too.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(number: str, everybody: bool, yes: bool) -> None:
    """Forget whoever holds NUMBER now: at once what nobody needs, and a demand under way once it is answered.

    It cannot be undone.
    """
    from gateway.cli.stops import who
    from gateway.cli.submissions import opened
    from gateway.store import stops
    from gateway.text.msisdn import mask
    from gateway.usecases import persons

    gateway = opened()
    msisdn = _msisdn(gateway.settings.countries[0], number)
    if not yes:
        click.confirm(f"Forget {mask(msisdn)} for ever?", abort=True)
    counts = persons.erase(gateway.parts, msisdn, who(), everybody=everybody)
    if counts is None:
        raise click.ClickException(f"{mask(msisdn)}: held by nobody now; --everybody forgets those who did before")
    with gateway.database.begin() as conn:
        stops.note_act(conn, who(), "erase", "person", "everybody" if everybody else "", gateway.now())
    click.echo(f"{mask(msisdn)}: {counts.demands} demands, {counts.texts} SMS, {counts.others} other rows erased")
    if counts.left:
        click.echo(f"{counts.left} demands are still handled by an institution: erased once they are closed")


@person.command()
@click.argument("number")
@click.option(
    "--what",
    type=click.Choice(["all", "procedure", "information"]),
    default="all",
    show_default=True,
    help="Which SMS.",
)
def refuse(number: str, what: str) -> None:
    """Note for whoever holds NUMBER that she wants no more SMS. Récépissés, decisions and codes still leave."""
    from gateway.cli.stops import who
    from gateway.cli.submissions import opened
    from gateway.store import stops
    from gateway.text.msisdn import mask
    from gateway.usecases import holdings, preferences

    gateway = opened()
    msisdn, now = _msisdn(gateway.settings.countries[0], number), gateway.now()
    with gateway.database.begin() as conn:
        holding = holdings.addressed(conn, gateway.parts, msisdn, now)
        changed = preferences.stop(conn, gateway.parts, holding, what, "person", now)
        stops.note_act(conn, who(), "refuse", "person", what, now)
    click.echo(f"{mask(msisdn)}: {'noted' if changed else 'refused already'}")


def _msisdn(region: str, typed: str) -> str:
    from gateway.text import msisdn

    try:
        return msisdn.normalise(typed, region)
    except msisdn.MsisdnError as error:
        raise click.ClickException(f"{typed}: {error}") from None
