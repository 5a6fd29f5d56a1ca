"""What operators stopped: all SMS, campaigns, one service. Every process knows within two seconds."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from gateway import logs
from gateway.store import stops
from gateway.store.db import Database, StoreUnavailable

SMS = "sms"  #: no SMS leaves
CAMPAIGNS = "campaigns"  #: nothing of the lane `bulk` leaves
SERVICE = "service:"  #: followed by the id of a service that nobody may enter, and that takes no demand
#: How long what the database said is believed. An operator is promised five seconds.
_BELIEVED_S = 2.0


@dataclass(slots=True)
class Stops:
    """What is stopped, as this process last heard. Safe to share between threads."""

    database: Database
    monotonic: Callable[[], float]
    _known: frozenset[str] = frozenset()
    _asked_at: float | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def active(self) -> frozenset[str]:
        """The subjects that are stopped; when the database is away, what was known before."""
        now = self.monotonic()
        if self._asked_at is not None and now - self._asked_at < _BELIEVED_S:
            return self._known
        if not self._lock.acquire(blocking=self._asked_at is None):  # somebody is asking: nobody else has to wait
            return self._known
        try:
            with self.database.read() as conn:
                self._known = frozenset(stops.active(conn))
        except StoreUnavailable as error:
            logs.event("stops.unavailable", level="warning", why=error.why)
        finally:
            self._asked_at = now
            self._lock.release()
        return self._known

    def closed(self, service: str) -> bool:
        """Whether nobody may enter this service."""
        return SERVICE + service in self.active()


def stop(database: Database, subject: str, reason: str, who: str, now: datetime) -> bool:
    """Whether it was running and is now stopped. Raises StoreUnavailable."""
    with database.begin() as conn:
        changed = stops.stop(conn, subject, reason, who, now)
    logs.event("operator.stopped", level="warning", subject=subject, changed=changed)
    return changed


def start(database: Database, subject: str, who: str, now: datetime) -> bool:
    """Whether it was stopped and runs again. Raises StoreUnavailable."""
    with database.begin() as conn:
        changed = stops.start(conn, subject, who, now)
    logs.event("operator.started", level="warning", subject=subject, changed=changed)
    return changed
