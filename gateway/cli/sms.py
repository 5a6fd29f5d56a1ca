"""`gateway sms`: what becomes of the SMS that we send, masked; what nobody knows the fate of, settled by a person."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

if TYPE_CHECKING:
    from gateway.usecases.reconcile import Entry, Settled
    from gateway.usecases.sms_inspection import Line, Sheet
    from gateway.wiring import Gateway

_STATES = (
    "created", "sending", "accepted", "sent", "delivered", "failed_temporary", "failed_permanent", "rejected",
    "expired", "no_report", "unknown", "suppressed",
)  # fmt: skip
_NUMBER_HELP = "A phone number, as anybody writes it."


@click.group()
def sms() -> None:
    """The SMS that we send: send one, see them masked, settle those whose fate is unknown."""


@sms.command()
@click.argument("number")
@click.argument("text")
@click.option("--sender", help="A sender of gateway.yaml; by default the default one.")
@click.option(
    "--category", type=click.Choice(["vital", "procedure", "information"]), default="procedure", show_default=True
)
@click.option("--yes", is_flag=True, help="Send without asking.")
def send(number: str, text: str, sender: str | None, category: str, yes: bool) -> None:
    """Send TEXT to NUMBER, after showing its alphabet, segments and cost."""
    from gateway.cli.stops import who
    from gateway.cli.submissions import opened
    from gateway.messages import Category
    from gateway.usecases import sms_inspection

    gateway = opened()
    if sender is not None and sender not in gateway.settings.senders:
        raise click.ClickException(f"{sender}: no such sender; there are {', '.join(sorted(gateway.settings.senders))}")
    msisdn = _number(gateway, number)
    seen = sms_inspection.preview(gateway.parts, text, sender)
    click.echo(f"{seen.text}\n{seen.encoding}, {_segments(seen.segments)}, {seen.cost_f} F CFA, from {seen.sender}")
    if not yes:
        click.confirm("Send it?", abort=True)
    mt = sms_inspection.send(gateway.parts, msisdn, text, Category(category), sender, who())
    if mt is None:
        raise click.ClickException(
            "not sent: the citizen refuses such SMS, or no sender reaches her; the log says which"
        )
    click.echo(f"SMS {mt}")


@sms.command("list")
@click.option("--state", type=click.Choice(_STATES), help="Only those in this state.")
@click.option("--number", help=_NUMBER_HELP)
@click.option("--otherwise", is_flag=True, help="Vital SMS that cannot reach their citizen: tell her otherwise.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
def list_(state: str | None, number: str | None, otherwise: bool, limit: int) -> None:
    """The newest SMS, one a line."""
    from gateway.cli.submissions import opened
    from gateway.messages import MtState
    from gateway.usecases import sms_inspection

    gateway = opened()
    lines = sms_inspection.list_sms(
        gateway.parts,
        limit,
        gateway.settings.languages[0],
        MtState(state) if state else None,
        _number(gateway, number) if number else None,
        otherwise,
    )
    for line in lines:
        click.echo(_line(line, ZoneInfo(gateway.settings.timezone)))


@sms.command()
@click.argument("mt_id", type=int)
@click.option("--text", is_flag=True, help="Its text too: that you read it is kept with your name.")
def show(mt_id: int, text: bool) -> None:
    """Every move of one SMS, by the number that `list` shows first."""
    from gateway.cli.stops import who
    from gateway.cli.submissions import opened
    from gateway.usecases import sms_inspection

    gateway = opened()
    reader = who() if text else None
    sheet = sms_inspection.show(gateway.parts, mt_id, gateway.settings.languages[0], reader=reader)
    if sheet is None:
        raise click.ClickException(f"{mt_id}: no such SMS")
    click.echo("\n".join(_sheet(sheet, ZoneInfo(gateway.settings.timezone))))


@sms.command()
@click.argument("mt_id", type=int, required=False)
@click.option("--as", "state", type=click.Choice(["delivered", "sent", "failed_permanent"]), help="What became of it.")
@click.option(
    "--file", "path", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="The aggregator's CSV."
)
@click.option("--channel", help="The channel of the file; by default that of the default sender.")
def reconcile(mt_id: int | None, state: str | None, path: Path | None, channel: str | None) -> None:
    """List the SMS of unknown fate; settle one (MT_ID --as), or those in the aggregator's list (--file).

    The file has the columns number, messageId, status and date.
    """
    from gateway.cli.stops import who
    from gateway.cli.submissions import opened
    from gateway.messages import MtState
    from gateway.usecases import reconcile as settling
    from gateway.usecases import sms_inspection

    gateway = opened()
    if path is not None:
        named = channel or gateway.settings.sender_of(gateway.settings.sms.sender).channel
        counts = settling.from_list(gateway.parts, named, _entries(gateway, path), who())
        click.echo(", ".join(f"{count} {name}" for name, count in counts.items()))
    elif mt_id is not None and state is not None:
        _said(mt_id, settling.settle(gateway.parts, mt_id, MtState(state), who()))
    elif mt_id is not None or state is not None:
        raise click.UsageError("say both: an SMS, and what became of it (--as)")
    else:
        lines = sms_inspection.list_sms(gateway.parts, 1000, gateway.settings.languages[0], MtState.UNKNOWN)
        for line in lines:
            click.echo(_line(line, ZoneInfo(gateway.settings.timezone)))


@sms.command()
@click.argument("mt_id", type=int)
def resend(mt_id: int) -> None:
    """Send an SMS of unknown fate again: it may arrive twice."""
    from gateway.cli.stops import who
    from gateway.cli.submissions import opened
    from gateway.usecases import reconcile as settling

    _said(mt_id, settling.resend(opened().parts, mt_id, who()))


def _said(mt_id: int, settled: Settled) -> None:
    from gateway.usecases.reconcile import Settled

    if settled is Settled.DONE:
        click.echo(f"SMS {mt_id}: done")
        return
    raise click.ClickException(
        {
            Settled.NOT_UNKNOWN: f"{mt_id}: what became of it is known; see `gateway sms show {mt_id}`",
            Settled.MISSING: f"{mt_id}: no such SMS",
        }[settled]
    )


def _entries(gateway: Gateway, path: Path) -> Iterator[Entry]:
    from gateway.text import tables
    from gateway.usecases.reconcile import HEADINGS, OPTIONAL, read_entry

    try:
        rows = tables.read(path.read_bytes(), HEADINGS, OPTIONAL)
    except tables.NotATable as error:
        raise click.ClickException(f"{path.name}: {error}") from None
    for row in rows:
        entry = read_entry(row.cells, gateway.settings.countries[0])
        if entry is None:
            click.echo(f"{path.name}:{row.line}: needs number, messageId and a known status; left out", err=True)
        else:
            yield entry


def _number(gateway: Gateway, written: str) -> str:
    from gateway.text import msisdn

    try:
        return msisdn.normalise(written, gateway.settings.countries[0])
    except msisdn.MsisdnError as error:
        raise click.ClickException(f"not sent to: {error}") from error


def _line(line: Line, zone: ZoneInfo) -> str:
    mt = line.mt
    at = f"{mt.created_at.astimezone(zone):%Y-%m-%d %H:%M:%S}"
    return (
        f"{mt.id}  {at}  {line.number}  {mt.state}  {line.said}  {mt.category} {mt.template}  {_segments(mt.segments)}"
    )


def _sheet(sheet: Sheet, zone: ZoneInfo) -> list[str]:
    mt = sheet.line.mt
    lines = [_line(sheet.line, zone), f"channel {mt.channel}, sender {mt.sender}, {mt.cost_f} F CFA"]
    if sheet.text is not None:
        lines.append(f"text: {sheet.text}")
    lines += [
        f"{one.at.astimezone(zone):%Y-%m-%d %H:%M:%S}  {one.state} {one.source} {one.code}".rstrip()
        for one in sheet.events
    ]
    lines += [f"work: {row.state}, {row.attempts} attempts {row.last_code}".rstrip() for row in sheet.work]
    return lines


def _segments(count: int) -> str:
    return "1 segment" if count == 1 else f"{count} segments"
