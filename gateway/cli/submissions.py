"""`gateway submissions`: what an operator may see of the citizens' demands, masked, and tell institutions again."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

if TYPE_CHECKING:
    from gateway.usecases.dead_letters import DeadLetter
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
@click.option("--system", help="Only those for this system.")
@click.option("--code", help="Only those given up for this reason (http_503, deadline, unreadable, ...).")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True)
def dead(system: str | None, code: str | None, limit: int) -> None:
    """What institutions were not told after the last try: since when, why, and what stands in the way of a replay."""
    from gateway.usecases import dead_letters

    gateway = opened()
    for letter in dead_letters.find(gateway.parts, dead_letters.Selection(None, system, code), limit):
        click.echo(_letter(letter, _zone(gateway)))


@submissions.command()
@click.argument("references", nargs=-1, metavar="[REFERENCE]...")
@click.option("--system", help="All dead letters for this system.")
@click.option("--code", help="All dead letters given up for this reason.")
@click.option("--system-now", metavar="NAME", help="Tell this system: gateway.yaml renamed the one they were for.")
@click.option("--yes", is_flag=True, help="Replay all that --system and --code select; without it they are counted.")
def replay(
    references: tuple[str, ...], system: str | None, code: str | None, system_now: str | None, yes: bool
) -> None:
    """Tell institutions again, by the same keys, what they were not told: the demands named, or all of a selection."""
    from gateway.cli.stops import who
    from gateway.usecases import dead_letters

    if not references and not (system or code):
        raise click.UsageError("name a REFERENCE, or give --system or --code")
    gateway = opened()
    if system_now is not None and system_now not in gateway.settings.systems:
        known = ", ".join(sorted(gateway.settings.systems))
        raise click.ClickException(f"{system_now}: no such system in gateway.yaml; there are {known}")
    chosen = dead_letters.selection(references, system, code)
    if isinstance(chosen, str):
        raise click.ClickException(f"{chosen}: no such demand")
    letters = dead_letters.find(gateway.parts, chosen, system_now=system_now)
    named = {letter.line.reference.replace(" ", "") for letter in letters}
    number = next((number for number in chosen.references or () if number not in named), None)
    if number is not None:
        raise click.ClickException(f"{number}: is not dead: no such demand, or it was told, or is still being tried")
    left = [letter for letter in letters if letter.obstacle is not None]
    for letter in left:
        click.echo(_letter(letter, _zone(gateway)), err=True)
    ready = len(letters) - len(left)
    if not references and not yes:
        click.echo(f"{ready} would be replayed, {len(left)} cannot be; add --yes to replay them")
        return
    done = dead_letters.replay(gateway.parts, chosen, letters, who(), system_now)
    click.echo(f"{done} replayed, {len(left)} left")
    if left:
        raise SystemExit(1)


#: What stands in the way, and what to do about it.
_OBSTACLES = {
    "key_missing": "sealed by the key {key}, which keys.json lacks: put it back",
    "damaged": "its row was altered: restore it from a backup",
    "erased": "its data were erased when they were due: the citizen must file again",
    "no_system": "gateway.yaml has no such system: --system-now NAME if it was renamed",
}


def _letter(letter: DeadLetter, zone: ZoneInfo) -> str:
    row = letter.row
    words = [
        letter.line.reference,
        f"since {_at(row.since, zone)}",
        row.kind,
        row.system,
        letter.line.number,
        f"{row.attempts} attempts",
        row.code,
    ]
    if letter.obstacle is not None:
        words.append(_OBSTACLES[letter.obstacle].format(key=letter.key_id))
    return "  ".join(words)


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
        late = f", told late {_at(sheet.late_told_at, zone)}" if sheet.late_told_at else ""
        lines.append(f"promised {sheet.promised_on}{late}")
    if sheet.hand_over_by:
        lines.append(f"hand over by {_at(sheet.hand_over_by, zone)}")
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
