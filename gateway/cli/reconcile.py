"""`gateway reconcile`: what others count beside what we count."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gateway.usecases.invoice import Compared

#: Columns that are words; the others are numbers.
_WORDS = 3


@click.group()
def reconcile() -> None:
    """What others count beside what we count."""


@reconcile.command()
@click.argument("path", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--tolerance",
    type=click.FloatRange(0, 100),
    default=2.0,
    show_default=True,
    help="Per cent of our count that a line may differ by.",
)
def invoice(path: Path, tolerance: float) -> None:
    """Compare an operator's bill (CSV: month, operator, kind, quantity, amount_f) with our own counts.

    French headings, a letterhead above them and sums below are understood; credits are negative.
    `kind` is sessions or sms (segments). Exit code 1 when a line differs by more than the tolerance, or cannot be read.
    """
    from gateway.cli.submissions import opened
    from gateway.text.tables import NotATable
    from gateway.usecases import invoice as bills

    gateway = opened()
    try:
        billed, faults = bills.read_bill(path.read_bytes(), gateway.settings)
    except NotATable as error:
        raise click.ClickException(f"{path.name}: {error}") from error
    for fault in faults:
        click.echo(f"{path.name}:{fault.line}: {fault.said}", err=True)
    if not billed and not faults:
        raise click.ClickException(f"{path.name}: nothing is billed below the headings")
    compared = bills.compare(gateway.parts, billed)
    _print(compared, tolerance)
    for month, kind, count in sorted({(one.month, one.kind, one.nobodys) for one in compared if one.nobodys}):
        click.echo(f"{month:%Y-%m}  {kind}: {count} more of ours came without a network that gateway.yaml knows")
    if faults or not all(one.within(tolerance) for one in compared):
        sys.exit(1)


def _print(compared: tuple[Compared, ...], tolerance: float) -> None:
    from gateway.usecases.invoice import table

    rows = list(table(compared))
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    marks = ["", *("" if one.within(tolerance) else "  <" for one in compared)]
    for row, mark in zip(rows, marks, strict=True):
        cells = [
            cell.ljust(width) if place < _WORDS else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        click.echo("  ".join(cells).rstrip() + mark)
