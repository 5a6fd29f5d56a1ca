"""What operators stopped: all SMS, campaigns, one service. Every process knows within two seconds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from gateway import logs
from gateway.store import stops
from gateway.store.db import Database, StoreUnavailable
from gateway.store.stops import Stop

SMS = "sms"  #: no SMS leaves
CAMPAIGNS = "campaigns"  #: nothing of the lane `bulk` leaves
CLOSED = "closed:"  #: followed by the id of a service that nobody may enter for a while; what began goes on
SERVICE = "service:"  #: followed by the id of a service that nobody may enter, and that takes no demand
#: How long what the database said is believed. An operator is promised five seconds.
_BELIEVED_S = 2.0


@dataclass(frozen=True, slots=True)
class Barred:
    """The key of a sentence of menus/messages.yaml, and what is said in it."""

    key: str
    values: Mapping[str, str]


@dataclass(slots=True)
class Stops:
    """What is stopped, as this process last heard. Safe to share between threads."""

    database: Database
    monotonic: Callable[[], float]
    now: Callable[[], datetime] | None = None  #: for what ends by itself; None: nothing does
    _known: Mapping[str, Stop] = field(default_factory=dict)
    _asked_at: float | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def active(self) -> frozenset[str]:
        """The subjects that are stopped; when the database is away, what was known before."""
        now = self.monotonic()
        if self._asked_at is not None and now - self._asked_at < _BELIEVED_S:
            return self._in_force()
        if not self._lock.acquire(blocking=self._asked_at is None):  # somebody is asking: nobody else has to wait
            return self._in_force()
        try:
            with self.database.read() as conn:
                self._known = stops.active(conn)
        except StoreUnavailable as error:
            logs.event("stops.unavailable", level="warning", why=error.why)
        finally:
            self._asked_at = now
            self._lock.release()
        return self._in_force()

    def _in_force(self) -> frozenset[str]:
        now = self.now() if self.now is not None else None
        return frozenset(
            subject for subject, stop in self._known.items() if stop.until is None or now is None or now < stop.until
        )

    def barred(self, service: str, language: str, zone: ZoneInfo, *, begun: bool) -> Barred | None:
        """What whoever enters this service is told instead, None when it is open.

        `begun`: she takes up what she began before: a closed service lets it go on, a stopped one does not.
        """
        active = self.active()
        if SERVICE + service in active:
            return Barred("service_stopped", {})
        stop = self._known.get(CLOSED + service)
        if begun or stop is None or CLOSED + service not in active:
            return None
        if stop.until is None:
            return Barred("service_closed", {"reason": stop.reason})
        until = stop.until.astimezone(zone)
        hour = f"{until:%Hh%M}" if language == "fr" else f"{until:%H:%M}"
        return Barred("service_closed_until", {"day": f"{until:%d/%m}", "time": hour, "reason": stop.reason})

    def closed(self, service: str) -> bool:
        """Whether nobody may enter this service."""
        return SERVICE + service in self.active()


def stop(database: Database, subject: str, reason: str, who: str, now: datetime, until: datetime | None = None) -> bool:
    """Whether it was running and is now stopped, until then when given. Raises StoreUnavailable."""
    with database.begin() as conn:
        changed = stops.stop(conn, subject, reason, who, now, until)
    logs.event("operator.stopped", level="warning", subject=subject, changed=changed)
    return changed


def start(database: Database, subject: str, who: str, now: datetime) -> bool:
    """Whether it was stopped and runs again. Raises StoreUnavailable."""
    with database.begin() as conn:
        changed = stops.start(conn, subject, who, now)
    logs.event("operator.started", level="warning", subject=subject, changed=changed)
    return changed
