"""What the use cases of delivery take: built once by wiring.py, the same in the web process and in the workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from gateway.backoffice.base import BackOffice
from gateway.backoffice.endpoints import Endpoint
from gateway.channels.base import Channel
from gateway.keys import Signing
from gateway.settings import Settings
from gateway.store.db import Database
from gateway.store.limits import Throttle
from gateway.store.sealed import Seals
from gateway.usecases.shelf import Shelf
from gateway.usecases.stops import Stops


@dataclass(frozen=True, slots=True)
class Parts:
    """`announce` tells the relay which lanes have new work, after the commit; it never fails."""

    database: Database
    seals: Seals
    receipt_keys: Mapping[str, bytes] = field(repr=False)  #: newest first
    shelf: Shelf
    settings: Settings
    channels: Mapping[str, Channel]
    systems: Mapping[str, BackOffice]
    announce: Callable[[Iterable[str]], None]
    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    new_id: Callable[[], str]
    random_bytes: Callable[[int], bytes]
    throttle: Throttle
    stops: Stops
    signing: Callable[[], Signing]  #: the key of checkpoints as it is now; raises KeysError
    endpoints: Mapping[str, Endpoint] = field(default_factory=dict)  #: that are told of events by webhook

    @property
    def silent_since(self) -> datetime:
        """A number that gave no sign since then may be somebody else's by now."""
        return self.now() - timedelta(seconds=self.settings.holdings.max_silence_s)

    @property
    def zone(self) -> ZoneInfo:
        """Where days begin and end for citizens."""
        return ZoneInfo(self.settings.timezone)
