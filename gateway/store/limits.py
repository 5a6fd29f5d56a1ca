"""How fast each sender may send: one bucket per sender, in Redis, shared by every worker, that learns from refusals.

A call is allowed while the sender owes little, and then owes the time that its SMS take at the sender's rate. Bulk may
owe a quarter of a second when its next call leaves; what is urgent a whole one, so that it never waits behind bulk.
"Too many" halves the rate; it comes back by a twentieth a second. Without Redis each process keeps buckets of its own.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from gateway.store.wake import TIMEOUT_S, connect

#: A call may leave this long before the sender has paid for those that left.
URGENT_S = 1.0
BULK_S = 0.25
#: Part of the full rate that comes back each second after a refusal.
RECOVERY = 0.05
#: A refusal that asks for more patience than this is asked again anyway.
LONGEST_PAUSE_S = 60.0
_EXPIRES_S = 3600

# KEYS[1]: the bucket. ARGV: rate, SMS to take, seconds of credit, and for a refusal its pause (-1: none happened).
# Answers the seconds to wait before asking again, as text; 0: taken. The server's clock is everybody's.
_SCRIPT = """
local t = redis.call('TIME')
local now = t[1] + t[2] / 1000000
local b = redis.call('HMGET', KEYS[1], 'paid', 'factor', 'since', 'until')
local paid, factor, since, pause = tonumber(b[1]) or 0, tonumber(b[2]) or 1, tonumber(b[3]) or now, tonumber(b[4]) or 0
local tps, count, credit, refused = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
factor = math.min(1, factor + %f * math.max(0, now - since))
local wait = 0
if refused >= 0 then
  factor = math.max(factor / 2, math.min(1, 1 / tps))
  pause = math.max(pause, now + refused)
else
  wait = math.max(pause - now, paid - now - credit)
  if wait <= 0 then
    wait = 0
    paid = math.max(paid, now) + count / (tps * factor)
  end
end
redis.call('HSET', KEYS[1], 'paid', string.format('%%.6f', paid), 'factor', string.format('%%.6f', factor),
  'since', string.format('%%.6f', now), 'until', string.format('%%.6f', pause))
redis.call('EXPIRE', KEYS[1], %d)
return string.format('%%.6f', wait)
""" % (RECOVERY, _EXPIRES_S)  # noqa: UP031 - Lua's own braces


@dataclass(slots=True)
class _Bucket:
    """The same bucket in this process."""

    paid: float = 0.0
    factor: float = 1.0
    since: float = 0.0
    pause: float = 0.0

    def ask(self, now: float, tps: float, count: int, credit: float, refused: float) -> float:
        self.factor = min(1.0, self.factor + RECOVERY * max(0.0, now - self.since)) if self.since else 1.0
        self.since = now
        if refused >= 0:
            self.factor = max(self.factor / 2, min(1.0, 1 / tps))
            self.pause = max(self.pause, now + refused)
            return 0.0
        wait = max(self.pause - now, self.paid - now - credit)
        if wait > 0:
            return wait
        self.paid = max(self.paid, now) + count / (tps * self.factor)
        return 0.0


@dataclass(slots=True)
class Throttle:
    """The buckets of all senders. Build with `open_throttle`; safe to share between threads."""

    _client: Redis = field(repr=False)
    _monotonic: Callable[[], float]
    _own: dict[str, _Bucket] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, sender: str, tps: float, count: int, *, urgent: bool) -> float:
        """0 when `count` SMS of this sender may leave now, which is then noted; else the seconds to wait first."""
        return self._ask(sender, tps, count, URGENT_S if urgent else BULK_S, -1.0)

    def refused(self, sender: str, tps: float, pause_s: float | None) -> None:
        """The aggregator said "too many": slower from now on, and not at all for `pause_s` when it said how long."""
        self._ask(sender, tps, 0, 0.0, min(pause_s or 0.0, LONGEST_PAUSE_S))

    def close(self) -> None:
        self._client.close()

    def _ask(self, sender: str, tps: float, count: int, credit: float, refused: float) -> float:
        said: Sequence[Any] = (tps, count, credit, refused)
        try:
            answer: Any = self._client.eval(_SCRIPT, 1, f"passerelle:sender:{sender}", *said)
            return float(answer)
        except (RedisError, OSError):
            with self._lock:
                bucket = self._own.setdefault(sender, _Bucket())
                return bucket.ask(self._monotonic(), tps, count, credit, refused)


def open_throttle(url: str, monotonic: Callable[[], float]) -> Throttle:
    """A Throttle on that Redis; nothing is connected yet. Raises ValueError for a URL that is not Redis's."""
    return Throttle(connect(url, TIMEOUT_S), monotonic)


def per_call(tps: float, most: int) -> int:
    """How many recipients one call may have: no more than the sender's second, so that no call is a burst."""
    return max(1, min(most, math.floor(tps)))
