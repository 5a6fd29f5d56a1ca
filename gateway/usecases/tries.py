"""What guessing costs: past a few wrong tries each further one waits, twice as long each time.

A try is counted before it is judged, so that many at once are no more than one after the other. Logins that do not
exist are counted like the others: a wait tells nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from gateway.store import counters
from gateway.store.db import Connection

#: Counted until a success, however long that takes; rows nobody used for two days are forgotten (upkeep).
_ALWAYS = datetime(2000, 1, 1, tzinfo=UTC)
_FIRST_S = 30


@dataclass(frozen=True, slots=True)
class Tries:
    """The tries of one subject (a digest), `free` of which cost nothing. `daily`: counted anew each day (UTC)."""

    scope: str
    subject: str = field(repr=False)
    free: int
    longest_s: int
    daily: bool = False

    def take(self, conn: Connection, now: datetime) -> int:
        """0: this try is counted, judge it. Else the seconds to wait first; nothing is counted then."""
        # Whoever tries the same meanwhile waits for this transaction.
        counters.add(conn, f"{self.scope}_one", self.subject, self._window(now), 1, now)
        used, last = counters.read(conn, self.scope, self.subject, self._window(now))
        if last is not None and used >= self.free:
            # The exponent is bounded: the longest wait is far below 30 * 2**20 s.
            wait_s = min(_FIRST_S * 2 ** min(used - self.free, 20), self.longest_s)
            left = last + timedelta(seconds=wait_s) - now
            if left > timedelta(0):
                return -(-left // timedelta(seconds=1))
        counters.add(conn, self.scope, self.subject, self._window(now), 1, now)
        return 0

    def give_back(self, conn: Connection, now: datetime) -> None:
        """That one was right: it does not count. Those before do."""
        counters.add(conn, self.scope, self.subject, self._window(now), -1, now)

    def clear(self, conn: Connection, now: datetime) -> None:
        """None of them counts any more."""
        counters.clear(conn, self.scope, self.subject, self._window(now))

    def _window(self, now: datetime) -> datetime:
        return now.replace(hour=0, minute=0, second=0, microsecond=0) if self.daily else _ALWAYS
