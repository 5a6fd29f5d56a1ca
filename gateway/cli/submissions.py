"""`gateway submissions`: what an operator may see of the citizens' demands, masked, and hand over again."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

if TYPE_CHECKING:
    from gateway.usecases.inspection import Line, Sheet
    from gateway.wiring import Gateway

STATES = (
    "proposed", "received", "queued", "delivered", "acknowledged", "in_progress", "more_needed", "granted", "refused",
    "dead", "withdrawn",
)  # fmt: skip


@click.group()
def submissions() -> None:
    """The citizens' demands, masked."""


@submissions.command("list")
@click.option("--state", type=click.Choice(STATES), help="Only those in this state.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
def list_(state: str | None, limit: int) -> None:
    """The newest demands, one a line."""
    from gateway.messages import SubmissionState
    from gateway.usecases import inspection

    gateway = opened()
    for line in inspection.list_submissions(gateway.parts, limit, state=SubmissionState(state) if state else None):
        click.echo(_line(line, _zone(gateway)))


@submissions.command()
@click.argument("reference")
def show(reference: str) -> None:
    """All that is known of REFERENCE, without what the citizen typed."""
    from gateway.usecases import inspection

    gateway = opened()
    sheet = inspection.show(gateway.parts, reference)
    if sheet is None:
        raise click.ClickException(f"{reference}: no such demand")
    click.echo("\n".join(_sheet(sheet, _zone(gateway))))


@submissions.command()
@click.argument("reference")
@click.option(
    "--logs",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Also the log lines about it, from the files *.log in this folder.",
)
def trace(reference: str, folder: Path | None) -> None:
    """Everything that happened to REFERENCE, in order: events, calls, SMS and their moves; without personal data."""
    from gateway.cli.log_lines import of_submission
    from gateway.usecases import tracing

    gateway = opened()
    found = tracing.trace(gateway.parts, reference)
    if found is None:
        raise click.ClickException(f"{reference}: no such demand")
    zone = _zone(gateway)
    click.echo(f"{_line(found.line, zone)}  submission_id {found.line.id}")
    for moment in (*found.moments, *found.due):
        at = moment.at.astimezone(zone).isoformat(sep=" ", timespec="milliseconds")[:23]
        click.echo(f"{at}  {moment.about}: {moment.said}")
    if folder is not None:
        for name, line in of_submission(folder, found.line.id):
            click.echo(f"{name}  {line}")


@submissions.command()
@click.argument("reference")
def retry(reference: str) -> None:
    """Hand the dead demand REFERENCE over again; the institution's system recognises it by its key."""
    from gateway.usecases import inspection
    from gateway.usecases.inspection import Retry

    done = inspection.retry(opened().parts, reference)
    if done is Retry.REQUEUED:
        click.echo(f"{reference}: will be handed over again")
        return
    raise click.ClickException(
        {
            Retry.NOT_DEAD: f"{reference}: is not dead: it was handed over, or is still being tried",
            Retry.ERASED: f"{reference}: its data were erased when they were due; the citizen must file again",
            Retry.UNKNOWN: f"{reference}: no such demand",
        }[done]
    )


def _line(line: Line, zone: ZoneInfo) -> str:
    words = [
        line.reference,
        _at(line.submitted_at, zone),
        line.state,
        line.service,
        line.system,
        line.number,
        line.code,
    ]
    return "  ".join(word for word in words if word)


def _sheet(sheet: Sheet, zone: ZoneInfo) -> list[str]:
    lines = [_line(sheet.line, zone), f"channel {sheet.line.channel}"]
    if sheet.case_number:
        lines.append(f"case {sheet.case_number}")
    if sheet.promised_on:
        lines.append(f"promised {sheet.promised_on}")
    lines += [f"{_at(event.at, zone)}  {event.kind} {event.code}".rstrip() for event in sheet.events]
    lines += [f"SMS {mt.template}: {mt.state}" for mt in sheet.sms]
    lines += [f"work {row.kind}: {row.state}, {row.attempts} attempts {row.last_code}".rstrip() for row in sheet.work]
    return lines


def _at(moment: datetime, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def _zone(gateway: Gateway) -> ZoneInfo:
    return ZoneInfo(gateway.settings.timezone)


def opened() -> Gateway:
    """The gateway of this configuration, for a command that looks at its data."""
    from gateway import settings, wiring
    from gateway.cli.migrate import require_current

    chosen = settings.load()
    require_current(chosen)
    return wiring.build(chosen)
