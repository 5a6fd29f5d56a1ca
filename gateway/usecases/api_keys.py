"""API keys: made for an institution, shown once, kept as keyed digests, bound to scopes and limits, revoked at once."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from gateway import logs
from gateway.store import api_keys, counters, stops
from gateway.store.api_keys import StoredKey
from gateway.store.db import Connection
from gateway.store.sealed import SealBroken
from gateway.text import msisdn
from gateway.usecases.actors import Absent, Actor, Right
from gateway.usecases.parts import Parts

#: 200 bits in base32: the first 40 are shown ever after, 160 are secret.
_SECRET_BYTES = 25
_SHOWN = 8
_LIVE, _TRIAL = "psl_live_", "psl_test_"
#: What a key looks like: nothing else is looked up.
_FORM = re.compile(r"psl_(?:live|test)_[a-z2-7]{40}")
NAME_SIZE = 64
GUESTS_MOST = 20
OPEN_MOST = 50
PER_MINUTE_MOST, PER_DAY_MOST = 6000, 1_000_000
BY_MINUTE, BY_DAY = "api_minute", "api_day"


class Scope(StrEnum):
    """What a key may be used for."""

    SEND = "notifications:send"
    SEE_NOTIFICATIONS = "notifications:read"
    SEE_TEMPLATES = "templates:read"
    READ_SUBMISSIONS = "submissions:read"
    HANDLE_SUBMISSIONS = "submissions:handle"


_RIGHTS = {
    Scope.SEND: frozenset({Right.SEND, Right.SEE_NOTIFICATIONS}),
    Scope.SEE_NOTIFICATIONS: frozenset({Right.SEE_NOTIFICATIONS}),
    Scope.SEE_TEMPLATES: frozenset({Right.SEE_TEMPLATES}),
    Scope.READ_SUBMISSIONS: frozenset({Right.SEE_DEMANDS, Right.READ_DEMANDS}),
    Scope.HANDLE_SUBMISSIONS: frozenset({Right.HANDLE_DEMANDS, Right.SEE_DEMANDS}),
}


class KeyFault(StrEnum):
    """Why a key cannot be made."""

    NAME = "name"  #: empty or too long
    SCOPES = "scopes"  #: none, or one that there is not
    GUESTS = "guests"  #: a trial key without guests, too many of them, or a number that is none
    LIMITS = "limits"
    TOO_MANY = "too_many"  #: keys that open


class KeyRefused(Exception):
    """Nothing was made; `faults` says why."""

    def __init__(self, *faults: KeyFault) -> None:
        super().__init__(", ".join(faults))
        self.faults = faults


class RateReached(Exception):
    """The key was used as often as it may be; `retry_after_s` is when it may be again."""

    def __init__(self, window: str, limit: int, retry_after_s: int) -> None:
        super().__init__(window)
        self.window = window
        self.limit = limit
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class NewKey:
    """`guests`: numbers as typed, for a trial key. Limits None: those of the settings."""

    name: str
    scopes: Collection[str]
    live: bool = False
    guests: Collection[str] = field(default=(), repr=False)
    per_minute: int | None = None
    per_day: int | None = None


@dataclass(frozen=True, slots=True)
class Rate:
    """What a key has used of its minute: `left` calls, for the next `resets_s` seconds."""

    limit: int
    left: int
    resets_s: int


def actor_of(key: StoredKey) -> Actor:
    """Who acts when this key is used."""
    known = [Scope(scope) for scope in key.scopes if scope in set(Scope)]
    rights = frozenset[Right]().union(*(_RIGHTS[scope] for scope in known))
    return Actor(f"key:{key.prefix}", key.institution, frozenset(), api_key_id=key.id, rights=rights)


def create(parts: Parts, actor: Actor, institution: str, new: NewKey) -> tuple[str, StoredKey]:
    """The key, which is shown this once, and what is kept of it. Raises Absent, KeyRefused, StoreUnavailable."""
    actor.must(Right.MANAGE_KEYS, institution)
    if institution not in parts.settings.institutions:
        raise Absent
    guests = _guests(parts, new)
    faults = _faults(parts, new, guests)
    if faults:
        raise KeyRefused(*faults)
    form = _LIVE if new.live else _TRIAL
    secret = form + base64.b32encode(parts.random_bytes(_SECRET_BYTES)).decode().lower()
    now = parts.now()
    with parts.database.begin() as conn:
        if api_keys.count_open(conn, institution) >= OPEN_MOST:
            raise KeyRefused(KeyFault.TOO_MANY)
        stored = api_keys.NewKey(
            institution=institution,
            name=new.name.strip(),
            prefix=secret[: len(form) + _SHOWN],
            digest=_digest(parts, secret),
            scopes=sorted(set(new.scopes)),
            live=new.live,
            guests=guests,
            per_minute=new.per_minute or parts.settings.api.per_minute,
            per_day=new.per_day or parts.settings.api.per_day,
            created_by=actor.name,
        )
        key = api_keys.add(conn, parts.seals, stored, now)
        stops.note_act(conn, actor.name, "key_add", f"key:{key.prefix}", " ".join(key.scopes), now, institution)
    logs.event("key.added", api_key_id=key.id)
    return secret, key


def list_(parts: Parts, actor: Actor, institution: str) -> tuple[StoredKey, ...]:
    """Every key of an institution, the revoked ones last. Raises Absent, StoreUnavailable."""
    actor.must(Right.MANAGE_KEYS, institution)
    with parts.database.read() as conn:
        return api_keys.list_(conn, parts.seals, institution)


def open_(parts: Parts, actor: Actor, key_id: int) -> StoredKey:
    """One key. Raises Absent, StoreUnavailable."""
    with parts.database.read() as conn:
        return _visible(conn, parts, actor, key_id)


def revoke(parts: Parts, actor: Actor, key_id: int) -> StoredKey:
    """The key, which opens nothing from now on. Raises Absent, StoreUnavailable."""
    now = parts.now()
    with parts.database.begin() as conn:
        key = _visible(conn, parts, actor, key_id)
        if api_keys.revoke(conn, key_id, now):
            stops.note_act(conn, actor.name, "key_revoke", f"key:{key.prefix}", "", now, key.institution)
            logs.event("key.revoked", level="warning", api_key_id=key.id)
        return _visible(conn, parts, actor, key_id)


def find(parts: Parts, presented: str) -> StoredKey | None:
    """The key that was presented, None when it opens nothing. Raises StoreUnavailable."""
    if not _FORM.fullmatch(presented):
        return None
    with parts.database.read() as conn:
        key = _opened(lambda: api_keys.by_digest(conn, parts.seals, _digest(parts, presented)))
    if key is None or key.revoked_at is not None or key.institution not in parts.settings.institutions:
        return None
    return key


def count_call(parts: Parts, key: StoredKey) -> Rate:
    """What is left of the key's minute after this call, which is counted. Raises RateReached, StoreUnavailable."""
    now = parts.now()
    minute = now.replace(second=0, microsecond=0)
    resets_s = max(1, math.ceil((minute + timedelta(minutes=1) - now).total_seconds()))
    with parts.database.begin() as conn:
        used = counters.take(conn, BY_MINUTE, str(key.id), minute, 1, key.per_minute, now)
        if used is not None:
            api_keys.note_used(conn, key.id, now)
    if used is None:
        logs.event("api.limited", level="warning", api_key_id=key.id, window="minute")
        raise RateReached("minute", key.per_minute, resets_s)
    return Rate(key.per_minute, key.per_minute - used, resets_s)


def count_notifications(conn: Connection, parts: Parts, key: StoredKey, many: int, now: datetime) -> None:
    """Counts notifications against the key's day, in the transaction that stores them. Raises RateReached.

    However many ask at once, the limit is not passed, and what is undone is not counted.
    """
    local = now.astimezone(parts.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    if counters.take(conn, BY_DAY, str(key.id), local, many, key.per_day, now) is None:
        logs.event("api.limited", level="warning", api_key_id=key.id, window="day")
        raise RateReached("day", key.per_day, math.ceil((local + timedelta(days=1) - now).total_seconds()))


def _digest(parts: Parts, secret: str) -> bytes:
    return parts.seals.digest("api_key", secret)


def _visible(conn: Connection, parts: Parts, actor: Actor, key_id: int) -> StoredKey:
    key = api_keys.by_id(conn, parts.seals, key_id)
    if key is None or not actor.may(Right.MANAGE_KEYS, key.institution):
        raise Absent
    return key


def _opened(look: Callable[[], StoredKey | None]) -> StoredKey | None:
    """A trial key whose guests cannot be read reaches nobody: it opens nothing."""
    try:
        return look()
    except SealBroken:
        logs.event("key.unreadable", level="error")
        return None


def _guests(parts: Parts, new: NewKey) -> frozenset[str] | None:
    """The numbers of a trial key; None for a live one. An empty set: one of them is no number."""
    if new.live:
        return None
    found = set()
    for typed in new.guests:
        try:
            found.add(msisdn.normalise(typed, parts.settings.countries[0]))
        except msisdn.MsisdnError:
            return frozenset()
    return frozenset(found)


def _faults(parts: Parts, new: NewKey, guests: frozenset[str] | None) -> list[KeyFault]:
    minute = new.per_minute or parts.settings.api.per_minute
    day = new.per_day or parts.settings.api.per_day
    wrong = {
        KeyFault.NAME: not new.name.strip() or len(new.name.strip()) > NAME_SIZE or not new.name.isprintable(),
        KeyFault.SCOPES: not new.scopes or bool(set(new.scopes) - set(Scope)),
        KeyFault.GUESTS: bool(new.guests) if new.live else not guests or len(guests) > GUESTS_MOST,
        KeyFault.LIMITS: not (0 < minute <= PER_MINUTE_MOST and 0 < day <= PER_DAY_MOST),
    }
    return [fault for fault, there in wrong.items() if there]
