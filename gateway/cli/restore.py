"""`gateway restore`: a backup in the place of the database, and what must not happen twice settled."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gateway.settings import Settings
    from gateway.store.backup import Manifest
    from gateway.store.erasure_list import Erasure
    from gateway.store.restored import Doubts


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--replace", is_flag=True, help="Even over a database that holds rows: they are lost.")
@click.option(
    "--erasures",
    "lists",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A list of erased numbers; default: erasures.jsonl in the data folder. Repeatable.",
)
@click.option(
    "--resend-younger-than",
    "young_s",
    metavar="SECONDS",
    type=click.FloatRange(min=0),
    default=0,
    help="SMS that waited and were written within these seconds still leave. 0: none, a person decides.",
)
def restore(folder: Path, replace: bool, lists: tuple[Path, ...], young_s: float) -> None:
    """Put the backup in FOLDER in the place of the database; stop everything first, put keys.json in place first.

    Demands are handed over again, which their keys make safe. SMS that waited may have left since: `gateway sms
    reconcile` lists them, and only a person sends them.
    """
    from gateway import settings, supervise, wiring
    from gateway.store import backup as copies
    from gateway.store import erasure_list, migrate

    chosen = settings.load()
    url = wiring.database_url(chosen)
    lock = supervise.claim_data(chosen.data, wiring.monotonic, patience_s=1)  # held until this process ends
    manifest = copies.read(folder)
    wiring.require_keys(chosen, manifest.samples())
    wiring.load_menus(chosen)  # before anything is replaced: what follows needs them
    own = wiring.erasures_path(chosen)
    erased = [one for path in lists or ((own,) if own.exists() else ()) for one in erasure_list.read(path)]
    if not replace and copies.holds_rows(url):
        raise click.ClickException("the database holds rows; --replace puts the backup in its place, and they are lost")
    copies.load(manifest, folder, url)
    doubts = _settled(url, manifest, young_s)
    _forget_again(chosen, erased, manifest)
    migrate.finish(url)
    del lock
    _say(manifest, doubts, len(erased))


def _settled(url: str, manifest: Manifest, young_s: float) -> Doubts:
    from gateway import wiring
    from gateway.store import migrate, restored
    from gateway.store.db import Connection

    found: list[Doubts] = []

    def settle(conn: Connection) -> None:
        found.append(restored.settle(conn, young_s, wiring.now()))

    migrate.adopt(url, manifest.schema, settle)
    return found[0]


def _forget_again(chosen: Settings, erased: list[Erasure], manifest: Manifest) -> None:
    """Erases what was erased after the backup, and notes the restore among the acts of operators."""
    from gateway import wiring
    from gateway.cli.stops import who
    from gateway.store import stops
    from gateway.usecases import persons

    gateway = wiring.build(chosen)
    try:
        for one in erased:  # up to when it was erased: what she did since is hers again
            persons.erase_digest(gateway.parts, one.digest, one.at, who(), one.since)
        detail = f"backup of {manifest.made_at:%Y-%m-%dT%H:%M:%SZ}, {len(erased)} erasures"
        with gateway.database.begin() as conn:
            stops.note_act(conn, who(), "restore", "database", detail, gateway.now())
    finally:
        gateway.close()


def _say(manifest: Manifest, doubts: Doubts, erased: int) -> None:
    click.echo(f"restored the backup of {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC: {sum(manifest.tables.values())} rows")
    click.echo(f"{doubts.handed_over_again} demands will be handed over again")
    click.echo(f"{doubts.unknown} SMS may have left since: `gateway sms reconcile`; {doubts.leaving} still leave")
    click.echo(f"{erased} erasures repeated")
    click.echo(
        "Events of institutions and SMS of citizens since the backup are not in it: ask for them again, "
        "and start everything."
    )
