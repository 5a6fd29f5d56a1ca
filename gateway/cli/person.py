"""`gateway person export|erase|refuse`: what a person may ask an institution to do with her data."""

from __future__ import annotations

from pathlib import Path

import click


@click.group()
def person() -> None:
    """What a person asks about her number: shown, forgotten, left alone. Each use is kept with your name."""


@person.command()
@click.argument("number")
@click.option("--to", type=click.Path(path_type=Path), help="A new file for it, which only you can read.")
@click.option("--everybody", is_flag=True, help="Those who held the number before, too: for nobody but them.")
def export(number: str, to: Path | None, everybody: bool) -> None:
    """Print all that is kept of whoever holds NUMBER now, opened, as JSON. Give it to nobody but her."""
    import json
    import os

    from gateway.cli.stops import who
    from gateway.cli.submissions import opened
    from gateway.store import stops
    from gateway.text.msisdn import mask
    from gateway.usecases import persons

    gateway = opened()
    msisdn = _msisdn(gateway.settings.countries[0], number)
    found = persons.export(gateway.parts, msisdn, everybody=everybody)
    with gateway.database.begin() as conn:
        whose = "everybody" if everybody else ""
        stops.note_act(conn, who(), "export", f"person:{mask(msisdn)}", whose, gateway.now())
    said = _visible(json.dumps(found, ensure_ascii=False, indent=2)) + "\n"
    if to is None:
        click.echo(said, nl=False)
        return
    try:
        with open(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(said)
    except OSError as error:
        raise click.ClickException(f"{to}: {error.strerror}") from None


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
        whose = "everybody" if everybody else ""
        stops.note_act(conn, who(), "erase", f"person:{mask(msisdn)}", whose, gateway.now())
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
        stops.note_act(conn, who(), "refuse", f"person:{mask(msisdn)}", what, now)
    click.echo(f"{mask(msisdn)}: {'noted' if changed else 'refused already'}")


def _visible(written: str) -> str:
    """JSON whose texts cannot speak to the terminal: what JSON itself leaves as it is, but nobody sees, as \\u009b."""
    return "".join(
        letter if letter.isprintable() or letter == "\n" else "".join(f"\\u{unit:04x}" for unit in _units(letter))
        for letter in written
    )


def _units(letter: str) -> tuple[int, ...]:
    """Its UTF-16 units, as JSON counts."""
    raw = letter.encode("utf-16-be", "surrogatepass")
    return tuple(int.from_bytes(raw[at : at + 2]) for at in range(0, len(raw), 2))


def _msisdn(region: str, typed: str) -> str:
    from gateway.text import msisdn

    try:
        return msisdn.normalise(typed, region)
    except msisdn.MsisdnError as error:
        raise click.ClickException(f"{typed}: {error}") from None
