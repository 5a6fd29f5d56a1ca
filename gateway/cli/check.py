"""`gateway check`: what is wrong in the menus."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gateway.menu.check_sms import SmsReply
    from gateway.menu.faults import Fault


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--lang", type=click.Choice(("fr", "en")), help="Language of the report (default: the terminal's).")
@click.option("--sms", is_flag=True, help="Also what each SMS is: alphabet, septets or units, segments.")
def check(folder: Path | None, lang: str | None, sms: bool) -> None:
    """Check the menus of FOLDER (default: GATEWAY_MENUS) and report every fault with its file and line."""
    from gateway import settings, wiring
    from gateway.menu.check_sms import sms_replies
    from gateway.menu.report import check_folder

    chosen = settings.load()
    folder = folder or chosen.menus
    lang = lang or language()
    world = wiring.world(chosen)
    menus, faults = check_folder(folder, chosen.languages, world)
    if faults or menus is None:
        click.echo(in_lines(faults, lang, str(folder)), err=True)
        click.echo(f"{folder}: {counted(len(faults), 'défaut' if lang == 'fr' else 'fault')}.", err=True)
        sys.exit(1)
    read = (
        counted(len(menus.files), "fichier" if lang == "fr" else "file"),
        counted(len(menus.services), "service"),
        counted(
            sum(len(service.screens) for service in menus.services.values()), "écran" if lang == "fr" else "screen"
        ),
    )
    click.echo(f"{folder}: {'aucun défaut' if lang == 'fr' else 'no fault'} ({', '.join(read)}).")
    _sms(sms_replies(menus, world), lang, whole=sms)


def _sms(replies: tuple[SmsReply, ...], lang: str, *, whole: bool) -> None:
    """One line on what all SMS cost; with `whole`, one for each of them in each language."""
    if whole:
        for one in replies:
            times = f"{one.messages} x " if one.messages > 1 else ""
            click.echo(
                f"{one.key}  {one.language}  {one.encoding}  {one.units}  {times}{counted(one.segments, 'segment')}"
            )
    parts = Counter(one.segments for one in replies)
    shares = ", ".join(f"{count} x {counted(size, 'segment')}" for size, count in sorted(parts.items()))
    wide = sum(one.encoding == "UCS-2" for one in replies)
    click.echo(f"SMS: {shares}; {wide} {'en' if lang == 'fr' else 'in'} UCS-2")


def counted(count: int, noun: str) -> str:
    """`3 services`, `1 service`."""
    return f"{count} {noun}{'s' if count > 1 else ''}"


def in_lines(faults: Iterable[Fault], lang: str, folder: str = "menus") -> str:
    """One line per fault, as an author reads them; files are named from `folder`."""
    from gateway.menu.report import report

    return report(tuple(faults), lang, folder)


def language() -> str:
    """The terminal's language: fr or en."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if os.environ.get(name):
            return "fr" if os.environ[name].startswith("fr") else "en"
    return "en"
