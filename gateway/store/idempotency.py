"""Idempotency keys of API calls: claimed before a call is done, finished in the transaction that does it.

A claim is committed by itself, so that whoever sends the same key meanwhile sees that it runs. What the call does and
its answer are stored together: a process that dies in between leaves a claim without an answer and without an effect.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, delete, select, update

from gateway.store.db import Connection, insert_into
from gateway.store.sealed import Seals
from gateway.store.tables import idempotency_keys

_ANSWER = "idempotency_keys.answer_sealed"
_k = idempotency_keys.c


class Claim(StrEnum):
    """What became of a claim."""

    TAKEN = "taken"  #: the call is ours to do
    DONE = "done"  #: it was done: its answer is there
    RUNNING = "running"  #: somebody does it now
    REUSED = "reused"  #: the key is of another call


@dataclass(frozen=True, slots=True)
class Claimed:
    """The answer of a call that was done, with its HTTP status; else empty."""

    claim: Claim
    status: int = 0
    answer: bytes = field(default=b"", repr=False)


def claim(
    conn: Connection,
    seals: Seals,
    institution: str,
    key_digest: bytes,
    request_digest: bytes,
    token: str,
    now: datetime,
    *,
    lost_before: datetime,
    forgotten_before: datetime,
) -> Claimed:
    """Claims a key for whoever has `token`: a new one, one made before `forgotten_before`, one whose call was lost.

    A call that began before `lost_before` and has no answer is lost: it left no effect. Raises SealBroken.
    """
    new = {"request_digest": request_digest, "token": token, "created_at": now, "status": None, "answer_sealed": None}
    row = {"institution": institution, "key_digest": key_digest, **new}
    new_one = insert_into(conn, idempotency_keys).values(row).on_conflict_do_nothing()
    if conn.execute(new_one.returning(_k.token)).one_or_none() is not None:
        return Claimed(Claim.TAKEN)
    mine = and_(_k.institution == institution, _k.key_digest == key_digest)
    found = conn.execute(select(idempotency_keys).where(mine).with_for_update()).one_or_none()
    if found is None:  # released since: whoever had it did nothing, and says so to his client
        return Claimed(Claim.RUNNING)
    if found.created_at >= forgotten_before:
        if bytes(found.request_digest) != request_digest:
            return Claimed(Claim.REUSED)
        if found.status is not None:
            return Claimed(Claim.DONE, found.status, seals.open_bytes(found.answer_sealed, _ANSWER))
        if found.created_at >= lost_before:
            return Claimed(Claim.RUNNING)
    conn.execute(update(idempotency_keys).where(mine).values(new))
    return Claimed(Claim.TAKEN)


def finish(
    conn: Connection, seals: Seals, institution: str, key_digest: bytes, token: str, status: int, answer: bytes
) -> bool:
    """Whether the claim was still ours: then the answer is kept. If not, undo what was done."""
    done = update(idempotency_keys).where(_ours(institution, key_digest, token))
    sealed = seals.seal_bytes(answer, _ANSWER)
    return conn.execute(done.values(status=status, answer_sealed=sealed)).rowcount == 1


def release(conn: Connection, institution: str, key_digest: bytes, token: str) -> None:
    """Gives back a claim of ours: the call had no effect, and the key may be used again."""
    conn.execute(delete(idempotency_keys).where(_ours(institution, key_digest, token)))


def forget(conn: Connection, before: datetime, limit: int) -> int:
    """How many keys claimed before then were forgotten, at most `limit`."""
    old = select(_k.institution, _k.key_digest).where(_k.created_at < before).limit(limit)
    done = 0
    for row in conn.execute(old).all():
        mine = delete(idempotency_keys).where(_k.institution == row.institution, _k.key_digest == row.key_digest)
        done += conn.execute(mine).rowcount
    return done


def _ours(institution: str, key_digest: bytes, token: str) -> ColumnElement[bool]:
    return and_(_k.institution == institution, _k.key_digest == key_digest, _k.token == token, _k.status.is_(None))
