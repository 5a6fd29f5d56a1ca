"""`gateway person export|erase`: what a person may ask an institution to do with her data."""

from __future__ import annotations

from pathlib import Path

import click


@click.group()
def person() -> None:
    """All that is kept of one number: shown, or forgotten. Each use is kept with your name."""


@person.command()
@click.argument("number")
@click.option("--to", type=click.Path(path_type=Path), help="A new file for it, which only you can read.")
def export(number: str, to: Path | None) -> None:
    """Print all that is kept of NUMBER, opened, as JSON. Give it to nobody but her."""
    import json
    import os

    from gateway.cli.stops import who
    from gateway.cli.submissions import opened
    from gateway.store import stops
    from gateway.text.msisdn import mask
    from gateway.usecases import persons

    gateway = opened()
    msisdn = _msisdn(gateway.settings.countries[0], number)
    found = persons.export(gateway.parts, msisdn)
    with gateway.database.begin() as conn:
        stops.note_act(conn, who(), "export", f"person:{mask(msisdn)}", "", gateway.now())
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
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(number: str, yes: bool) -> None:
    """Forget NUMBER: at once what nobody needs, and a demand under way once it is answered. It cannot be undone."""
    from gateway.cli.stops import who
    from gateway.cli.submissions import opened
    from gateway.store import stops
    from gateway.text.msisdn import mask
    from gateway.usecases import persons

    gateway = opened()
    msisdn = _msisdn(gateway.settings.countries[0], number)
    if not yes:
        click.confirm(f"Forget {mask(msisdn)} for ever?", abort=True)
    counts = persons.erase(gateway.parts, msisdn, who())
    with gateway.database.begin() as conn:
        stops.note_act(conn, who(), "erase", f"person:{mask(msisdn)}", "", gateway.now())
    click.echo(f"{mask(msisdn)}: {counts.demands} demands, {counts.texts} SMS, {counts.others} other rows erased")
    if counts.left:
        click.echo(f"{counts.left} demands are still handled by an institution: erased once they are closed")


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
