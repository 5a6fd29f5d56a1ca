"""`gateway backup`: a copy of the database while it runs, and the keys apart."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gateway.settings import Settings


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--keys", "keys_file", type=click.Path(path_type=Path, dir_okay=False), help="Copy the keys to FILE.")
def backup(folder: Path | None, keys_file: Path | None) -> None:
    """Copy the database into a new FOLDER while everything runs; with --keys, the keys to a file of their own.

    Keep the two apart: together they open every citizen's data. Copy erasures.jsonl with the keys.
    """
    from gateway import keys, settings, wiring

    if folder is None and keys_file is None:
        raise click.UsageError("name a new FOLDER, or --keys FILE, or both")
    if folder is not None and keys_file is not None and keys_file.resolve().is_relative_to(folder.resolve()):
        raise click.UsageError("keep the keys apart from the copy of the database: name a file elsewhere")
    chosen = settings.load()
    if keys_file is not None:
        keys.copy_to(wiring.keys_path(chosen), keys_file)
        click.echo(f"{keys_file}: the keys; keep them apart from the database")
        _note(chosen, wiring.now(), wiring.BACKUP_KEYS)
    if folder is not None:
        _database(chosen, folder)


def _database(chosen: Settings, folder: Path) -> None:
    from importlib.metadata import version

    from gateway import wiring
    from gateway.store import backup as copies

    url = wiring.database_url(chosen)
    manifest = copies.make(url, folder, version("passerelle"), wiring.now())
    rows = sum(manifest.tables.values())
    click.echo(f"{folder}: {manifest.database}, {manifest.size} bytes, {rows} rows in {len(manifest.tables)} tables")
    _note(chosen, manifest.made_at, wiring.BACKUP)


def _note(chosen: Settings, at: datetime, name: str) -> None:
    from gateway import wiring

    if not wiring.note_backup(chosen, at, name):
        click.echo(f"the database does not take the note of this {name}: see `gateway doctor`", err=True)
