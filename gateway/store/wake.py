"""Wake-ups through Redis: which lanes have new work. Only a hint; the database says what is true."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from gateway.store.tables import LANES

KEY = "passerelle:wake"
TIMEOUT_S = 1.0  # a turn waits no longer for a hint that the relay's own round replaces within 2 s
MAX_WAITING = 1000  # more hints than lanes say nothing: the list cannot grow while no relay runs


class WakeUnavailable(Exception):
    """Redis cannot be asked for wake-ups: look at the database by the clock instead."""


def connect(url: str, timeout_s: float) -> Redis:
    """A client for `redis://host:port/0` or `unix:///path.sock` that never retries by itself; nothing is connected yet.

    Raises ValueError for another kind of URL.
    """
    return Redis.from_url(url, socket_timeout=timeout_s, socket_connect_timeout=TIMEOUT_S, retry=Retry(NoBackoff(), 0))


@dataclass(frozen=True, slots=True)
class Wake:
    """Both ends of the list of wake-ups. Build with `open_wake`; safe to share between threads."""

    _url: str = field(repr=False)
    _client: Redis = field(repr=False)

    def announce(self, lanes: Iterable[str]) -> None:
        """Says that these lanes have work. Call it after the commit; when Redis cannot take it, nothing happens."""
        words = " ".join(sorted(set(lanes)))
        if not words:
            return
        try:
            with self._client.pipeline(transaction=False) as both:
                both.lpush(KEY, words)
                both.ltrim(KEY, 0, MAX_WAITING - 1)
                both.execute()
        except (RedisError, OSError):
            return

    def wait(self, timeout_s: float) -> frozenset[str]:
        """The lanes announced since the last call, as soon as there is one; empty after `timeout_s` (at least 0.1).

        Raises WakeUnavailable at once when Redis does not answer: the caller decides how long to pause.
        """
        try:
            with connect(self._url, timeout_s + TIMEOUT_S) as client:
                first: Any = client.brpop([KEY], timeout=max(timeout_s, 0.1))
                rest: Any = client.rpop(KEY, MAX_WAITING) if first else None
        except (RedisError, OSError) as error:
            raise WakeUnavailable(type(error).__name__) from None
        said = [first[1], *(rest or ())] if first else []
        words = {word.decode("ascii", "replace") for line in said for word in line.split()}
        return frozenset(words & set(LANES))

    def close(self) -> None:
        self._client.close()


def open_wake(url: str) -> Wake:
    """A Wake on that Redis; nothing is connected yet. Raises ValueError for a URL that is not Redis's."""
    return Wake(url, connect(url, TIMEOUT_S))
