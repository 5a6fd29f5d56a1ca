"""A call of the API that writes is done once for its Idempotency-Key, however often it is sent and wherever we die.

The behaviour is that of Stripe's API (docs.stripe.com/api/idempotent_requests), but that the answer is stored in the
transaction of the effect: there is no moment at which a call was done and nobody knows.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway import logs
from gateway.store import idempotency
from gateway.store.api_keys import StoredKey
from gateway.store.db import Connection, StoreUnavailable
from gateway.store.idempotency import Claim
from gateway.usecases.parts import Parts

#: How soon a client asks again after it was told that its call runs.
RETRY_AFTER_S = 2


@dataclass(frozen=True, slots=True)
class Done:
    """What a call answers, and the lanes that it gave work to."""

    status: int
    body: bytes = field(repr=False)
    lanes: Iterable[str] = ()
    replayed: bool = False


class KeyReused(Exception):
    """The Idempotency-Key is of another call: nothing was done."""


class CallRuns(Exception):
    """The same call is being done by somebody else now."""


Do = Callable[[Connection, datetime], Done]


def once(parts: Parts, key: StoredKey, idempotency_key: str, call: bytes, do: Do) -> Done:
    """The answer of `do`, which is run in one transaction with its answer; the stored one when it was run before.

    `call` is all that makes it this call: method, path, body. What `do` raises undoes it, and leaves the key free.
    Raises KeyReused, CallRuns, StoreUnavailable and what `do` raises.
    """
    whose = "live" if key.live else "trial"  # a trial never gets the answer of a live call
    key_digest = parts.seals.digest("idempotency_key", f"{whose}\0{idempotency_key}")
    call_digest = parts.seals.digest("api_call", hashlib.sha256(call).hexdigest())
    token, now = parts.new_id(), parts.now()
    with parts.database.begin() as conn:
        claimed = idempotency.claim(
            conn,
            parts.seals,
            key.institution,
            key_digest,
            call_digest,
            token,
            now,
            lost_before=now - timedelta(seconds=parts.settings.api.lease_s),
            forgotten_before=now - timedelta(seconds=parts.settings.api.idempotency_s),
        )
    if claimed.claim is Claim.REUSED:
        raise KeyReused
    if claimed.claim is Claim.RUNNING:
        raise CallRuns
    if claimed.claim is Claim.DONE:
        return Done(claimed.status, claimed.answer, replayed=True)
    try:
        with parts.database.begin() as conn:
            done = do(conn, parts.now())
            if not idempotency.finish(conn, parts.seals, key.institution, key_digest, token, done.status, done.body):
                logs.event("api.lost", level="warning", api_key_id=key.id)  # we were too slow: another does it
                raise CallRuns
    except Exception:
        with contextlib.suppress(StoreUnavailable), parts.database.begin() as conn:
            idempotency.release(conn, key.institution, key_digest, token)
        raise
    parts.announce(done.lanes)
    return done
