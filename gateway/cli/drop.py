"""`gateway drop`: the files of institutions that work by files, for a person who does not want to wait."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gateway.backoffice.drop import DropBackOffice
    from gateway.wiring import Gateway

_system = click.argument("system")


@click.group()
def drop() -> None:
    """Signed files of institutions that fetch them each day."""


@drop.command()
@_system
def close(system: str) -> None:
    """Close the file of SYSTEM now, also of the day that goes on: what comes later today gets another file."""
    from gateway.cli.submissions import opened

    done = _office(opened(), system).close_days(early=True)
    for one in done:
        click.echo(f"{one.name}: {one.lines} lines")
    if not done:
        click.echo("nothing to close")


@drop.command()
@_system
def read(system: str) -> None:
    """Read the answers of SYSTEM that are complete and signed."""
    from gateway.cli.submissions import opened
    from gateway.usecases import drop as use

    gateway = opened()
    done = use.read_answers(gateway.parts, _office(gateway, system))
    click.echo(f"{done.files} files read, {done.refused} refused")
    if done.refused:
        raise click.ClickException("see the reports in `refused`")


@drop.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def verify(file: Path) -> None:
    """Say whose secret signed FILE, with the signature in FILE.sig."""
    from gateway.backoffice import drop_files
    from gateway.cli.submissions import opened
    from gateway.usecases import drop as use

    beside = file.with_name(file.name + drop_files.SIGNATURE)
    if not beside.is_file():
        raise click.ClickException(f"{beside}: there is no signature")
    content, signature = file.read_bytes(), beside.read_bytes()[:4096]
    for name, office in use.drops(opened().parts).items():
        if drop_files.is_signed(office.secrets, file.name, content, signature):
            click.echo(f"{file.name}: signed with the secret of {name}")
            return
    raise click.ClickException(f"{file.name}: no secret of ours made this signature for this name and content")


def _office(gateway: Gateway, system: str) -> DropBackOffice:
    from gateway.usecases import drop as use

    found = use.drops(gateway.parts)
    if system not in found:
        known = ", ".join(sorted(found)) or "none"
        raise click.ClickException(f"{system}: no system of kind drop; there are: {known}")
    return found[system]
