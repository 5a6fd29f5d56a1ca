"""Checkpoints: signed roots over the heads of all chains that grew since the one before. Rows are only ever added."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import func, insert, select, text, update

from gateway.keys import Signing
from gateway.store import chain
from gateway.store.db import Connection
from gateway.store.tables import checkpoints, submission_events


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """`number` counts from 1 without a gap; `previous` is the root of the one before."""

    number: int
    at: datetime
    heads: int
    root: bytes
    previous: bytes
    key_id: str
    signature: bytes


def lock(conn: Connection) -> None:
    """Only this transaction adds checkpoints until it ends. On SQLite every writer is alone already."""
    if conn.dialect.name == "postgresql":
        conn.execute(text("LOCK TABLE checkpoints IN SHARE ROW EXCLUSIVE MODE"))


def newest(conn: Connection) -> Checkpoint | None:
    row = conn.execute(select(checkpoints).order_by(checkpoints.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else _read(row)


def of_number(conn: Connection, number: int) -> Checkpoint | None:
    row = conn.execute(select(checkpoints).where(checkpoints.c.id == number)).one_or_none()
    return None if row is None else _read(row)


def of_root(conn: Connection, root: bytes) -> Checkpoint | None:
    row = conn.execute(select(checkpoints).where(checkpoints.c.root == root).limit(1)).one_or_none()
    return None if row is None else _read(row)


def stream(conn: Connection) -> Iterator[Checkpoint]:
    """All of them, oldest first, few at a time in memory."""
    few = select(checkpoints).order_by(checkpoints.c.id).execution_options(yield_per=1000)
    for row in conn.execute(few):
        yield _read(row)


def waiting(conn: Connection, most: int) -> int:
    """How many entries wait for a checkpoint, counted up to `most`."""
    some = select(submission_events.c.id).where(submission_events.c.checkpoint_id.is_(None)).limit(most).subquery()
    return conn.execute(select(func.count()).select_from(some)).scalar_one()


def seal(conn: Connection, signing: Signing, now: datetime, limit: int) -> tuple[Checkpoint, int]:
    """A new checkpoint over at most `limit` entries that waited, and how many they were. Call `lock` first.

    The entries are taken chain by chain and from the start of each: what is left waits for the next checkpoint.
    """
    last = newest(conn)
    number, previous = (1, chain.START) if last is None else (last.number + 1, last.root)
    e = submission_events.c
    waiting = select(e.id, e.submission_id, e.number, e.link).where(e.checkpoint_id.is_(None))
    rows = conn.execute(waiting.order_by(e.submission_id, e.number).limit(limit)).all()
    heads = list({row.submission_id: row for row in rows}.values())  # the last of each chain, chains in order
    root = root_of(previous, number, now, heads, signing.key_id)
    key = Ed25519PrivateKey.from_private_bytes(signing.private)
    made = Checkpoint(number, now, len(heads), root, previous, signing.key_id, key.sign(chain.signed(root)))
    conn.execute(
        insert(checkpoints).values(
            id=made.number,
            at=made.at,
            heads=made.heads,
            root=made.root,
            previous=made.previous,
            key_id=made.key_id,
            signature=made.signature,
        )
    )
    if rows:
        covered = update(submission_events).where(e.id.in_([row.id for row in rows]))
        conn.execute(covered.values(checkpoint_id=made.number))
    return made, len(rows)


def root_of(previous: bytes, number: int, at: datetime, heads: Sequence[Any], key_id: str) -> bytes:
    """The root over heads that are rows with `submission_id`, `number` and `link`, in order of `submission_id`."""
    root = chain.Root(previous, number, at, len(heads), key_id)
    for head in heads:
        root.add(head.submission_id, head.number, head.link)
    return root.digest()


def is_signed(checkpoint: Checkpoint, public: bytes) -> bool:
    """Whether this key, and no other, signed the root that the checkpoint names."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(checkpoint.signature, chain.signed(checkpoint.root))
    except InvalidSignature:
        return False
    return True


def _read(row: Any) -> Checkpoint:
    return Checkpoint(row.id, row.at, row.heads, row.root, row.previous, row.key_id, row.signature)
