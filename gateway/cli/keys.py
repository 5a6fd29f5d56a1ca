"""`gateway keys`: the file to back up, and the keys in it that are changed now and then."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import click


@click.group()
def keys() -> None:
    """The keys of this installation."""


@keys.command()
def path() -> None:
    """Where the keys are. Back this file up apart from the database: without it personal data cannot be read."""
    from gateway import settings, wiring

    click.echo(wiring.keys_path(settings.load()))


@keys.command()
def prepare() -> None:
    """Make a new encryption key that is not used yet: first copy the key file to every machine, then `rotate`.

    Needed only where the gateway runs on several machines: one that lacks a key cannot open what it sealed.
    """
    from gateway import keys as stored

    made, file = _changed(stored.prepare, "prepare")
    click.echo(f"{made}: not used yet; copy {file} to every machine, back it up, then: gateway keys rotate")


@keys.command()
def rotate() -> None:
    """Make a new encryption key, or take the prepared one, and a new key that signs checkpoints.

    What older keys sealed is sealed again in the background; what they signed stays verifiable. Then:
    copy the key file to every machine, back it up, and look at `gateway keys status`.
    """
    import os

    from gateway import keys as stored
    from gateway import wiring

    made, file = _changed(stored.rotate, "rotate")
    signs = stored.renew_signing(file, os.urandom, wiring.now())
    click.echo(f"{made}: the new key; {signs} signs checkpoints (`gateway audit key` prints it)")
    click.echo(f"back up {file} now, and copy it to every other machine")


def _changed(change: Callable[[Path, Callable[[int], bytes]], str], act: str) -> tuple[str, Path]:
    """The key that a change made or took, and the file; kept with the operator's name."""
    import os

    from gateway import settings, wiring
    from gateway.cli.stops import who
    from gateway.cli.submissions import opened
    from gateway.store import stops

    chosen = settings.load()
    wiring.prepare(chosen)
    file = wiring.keys_path(chosen)
    made = change(file, os.urandom)
    gateway = opened()
    with gateway.database.begin() as conn:
        stops.note_act(conn, who(), act, "keys", made, gateway.now())
    return made, file


@keys.command()
def status() -> None:
    """How many values each key has sealed. A key with none can be retired."""
    from gateway.cli.submissions import opened
    from gateway.store import reseal

    gateway = opened()
    with gateway.database.read() as conn:
        counts = reseal.count_by_key(conn)
    valid = gateway.parts.seals.key_ids()
    for key_id in (*valid, *sorted(counts.keys() - set(valid))):
        state = "newest" if key_id == valid[0] else "valid" if key_id in valid else "GONE: these values are lost"
        click.echo(f"{key_id:<8} {counts.get(key_id, 0):>10} values  {state}")


@keys.command()
@click.argument("key_id")
def retire(key_id: str) -> None:
    """Take an older encryption key out of the file, once it has sealed nothing that is left.

    Not before the dialogues in Redis that it sealed are over, and every process has the newest key.
    """
    from gateway import keys as stored
    from gateway import settings, wiring
    from gateway.cli.stops import who
    from gateway.cli.submissions import opened
    from gateway.store import reseal, stops
    from gateway.store.sessions import AFTER_END_S

    chosen = settings.load()
    gateway = opened()
    with gateway.database.read() as conn:
        left = reseal.count_by_key(conn).get(key_id, 0)
        rotated = stops.last_act(conn, "rotate", "keys")
    lives_s = max(AFTER_END_S, *(one.session_ttl_s for one in chosen.channels.values())) + stored.LOOKED_AGAIN_S
    free_at = rotated + timedelta(seconds=lives_s) if rotated is not None else None
    if free_at is not None and gateway.now() < free_at:
        until = f"{free_at.astimezone(gateway.parts.zone):%H:%M:%S}"
        raise click.ClickException(f"{key_id} still seals dialogues under way: retire it after {until}")
    if left:
        raise click.ClickException(f"{key_id} still seals {left} values: wait until `gateway keys status` says 0")
    try:
        stored.retire(wiring.keys_path(chosen), key_id)
    except ValueError:
        raise click.ClickException(f"{key_id}: the newest key, or none of this installation") from None
    with gateway.database.begin() as conn:
        stops.note_act(conn, who(), "retire", "keys", key_id, gateway.now())
    click.echo(f"{key_id}: gone. Backups made before today still need it: keep the old copy of the key file with them")
