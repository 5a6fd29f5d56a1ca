"""`gateway audit`: whether the histories of all demands are whole, and the public key that proves it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

if TYPE_CHECKING:
    from gateway.store.checkpoints import Checkpoint
    from gateway.usecases.audit import Report


@click.group()
def audit() -> None:
    """Proof that no history was altered."""


@audit.command()
@click.option("--reference", help="Only the history of this demand.")
@click.option("--since", help="A root that you noted: it must still be there.")
def verify(reference: str | None, since: str | None) -> None:
    """Read every history, checkpoint and digest again; say what is wrong and where. Exit status 1 if anything is.

    Note the newest checkpoint's number and root somewhere else: later, `--since ROOT` proves that the history up to
    it is still the same one.
    """
    from gateway.cli.submissions import opened
    from gateway.store.audit import Tally
    from gateway.text import reference as references
    from gateway.usecases import audit as auditing

    root = None
    if since is not None:
        try:
            root = auditing.read_root(since)
        except ValueError as error:
            raise click.ClickException(f"--since: {error}") from None
    gateway = opened()
    number = None if reference is None else references.parse(reference) or reference
    report = auditing.Report(Tally())
    try:
        for flaw in auditing.verify(gateway.parts, report, number, root):
            click.echo(auditing.sentence(flaw))
    except LookupError:
        raise click.ClickException(f"{reference}: no such demand") from None
    for line in _summary(report, ZoneInfo(gateway.settings.timezone)):
        click.echo(line)
    if report.flaws:
        raise SystemExit(1)


@audit.command()
def key() -> None:
    """The public keys that signed checkpoints (Ed25519, base64), the newest last."""
    import base64

    from gateway import keys, settings, wiring

    signing = keys.read_signing(wiring.keys_path(settings.load()))
    for key_id, one in signing.public.items():
        state = "signs now" if one.until is None else f"until {one.until:%Y-%m-%d %H:%M} UTC"
        click.echo(f"{key_id}  {base64.b64encode(one.raw).decode()}  {state}")


def _summary(report: Report, zone: ZoneInfo) -> list[str]:
    from gateway.usecases import audit as auditing

    counts = report.tally
    said = f"{counts.demands} histories, {counts.entries} entries, {counts.checkpoints} checkpoints, {counts.data} data"
    lines = [f"{said}: {'whole' if not report.flaws else f'{report.flaws} flaws'}"]
    if report.waiting_since is not None:
        since = report.waiting_since.astimezone(zone)
        waited = f"{report.waiting} entries have waited for a checkpoint since {since:%Y-%m-%d %H:%M}"
        lines.append(f"note: {waited}: is upkeep running?")
    if report.noted is not None:
        lines.append(f"the noted root is there: {_named(report.noted, zone)}")
    if report.newest is not None:
        lines.append(f"newest: {_named(report.newest, zone)}, root {auditing.shown(report.newest.root)}")
    return lines


def _named(one: Checkpoint, zone: ZoneInfo) -> str:
    return f"checkpoint {one.number} of {one.at.astimezone(zone):%Y-%m-%d %H:%M:%S}"
