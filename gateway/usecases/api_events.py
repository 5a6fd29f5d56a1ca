"""The list of events that an institution's system asks for: what a webhook missed, or all there is."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.store import events, holdings
from gateway.store.api_keys import StoredKey
from gateway.store.events import StoredEvent
from gateway.usecases import api_keys
from gateway.usecases.actors import Absent, Right
from gateway.usecases.parts import Parts

#: Events that get their place in one call: enough for the largest page.
_PLACED = 1000
_KINDS = {"notification": Right.SEE_NOTIFICATIONS, "submission": Right.SEE_DEMANDS}


class CursorAhead(Exception):
    """There is nothing yet at that place: the database was restored from a backup, or the client made it up."""


@dataclass(frozen=True, slots=True)
class Page:
    """Events in their order; `next` is what to ask for `after` next time. `more`: there are some already."""

    events: tuple[StoredEvent, ...]
    next: int
    more: bool


def after(parts: Parts, key: StoredKey, place: int, limit: int) -> Page:
    """The events after a place that this key may see. Raises Absent, CursorAhead, StoreUnavailable."""
    actor = api_keys.actor_of(key)
    kinds = [kind for kind, right in _KINDS.items() if actor.may(right, key.institution)]
    if not kinds:
        raise Absent
    guests = [holdings.digest_of(parts.seals, number) for number in key.guests or ()]
    with parts.database.begin() as conn:
        last = events.place(conn, key.institution, _PLACED)
    if place > last:
        raise CursorAhead
    with parts.database.read() as conn:
        found = events.page(
            conn, parts.seals, key.institution, place, limit + 1, kinds=kinds, live=key.live, guests=guests
        )
    if len(found) > limit:
        return Page(found[:limit], found[limit - 1].position, more=True)
    # Others may have got places meanwhile: the next call begins after what this one has seen.
    return Page(found, max([last, *(one.position for one in found)]), more=False)
