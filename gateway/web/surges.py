"""Callbacks that come far more often than usual, and callers that try doors: told once a minute, per web process.

Nothing is refused here: a surge may be a campaign that works. A token is known by its channel and its place in the
channel's list, never by itself.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gateway import logs, metrics

#: The channel in logs and metrics of whoever names none of ours.
NO_CHANNEL = "none"
_MINUTE_S = 60
#: How much the last minute weighs in the average: what is usual changes within about five minutes.
_WEIGHT = 0.2
#: After this many silent minutes nothing of an average is left.
_FORGOTTEN_AFTER = 60


@dataclass(slots=True)
class _Minute:
    """The callbacks of one token (or the refusals of a channel) in the present minute, and the average before it."""

    limit: float
    minute: int = 0
    count: int = 0
    average: float = 0.0
    told: bool = field(default=False)


class Surges:
    """Counts for one process; safe to share between threads.

    `monotonic` gives seconds. The first minute has nothing to be compared with and is only learnt from.
    """

    def __init__(
        self, tokens: Mapping[str, int], *, factor: float, floor: int, refused: int, monotonic: Callable[[], float]
    ) -> None:
        """`tokens`: how many each channel has. A minute above `floor` and `factor` times the average is a surge."""
        self._factor, self._floor, self._refused = factor, floor, refused
        self._monotonic = monotonic
        self._started = monotonic()
        self._lock = threading.Lock()
        learning = float("inf")
        self._taken = {(name, place): _Minute(learning) for name, count in tokens.items() for place in range(count)}
        self._tried = {name: _Minute(refused) for name in (*tokens, NO_CHANNEL)}

    def take(self, channel: str, place: int) -> None:
        """One callback with the right token."""
        minute = self._minute()
        with self._lock:
            state = self._taken[channel, place]
            if state.minute != minute:
                self._turn(state, minute)
            state.count += 1
            if state.told or state.count <= state.limit:
                return
            state.told = True
            average = state.average
        metrics.callback_surges.labels(channel).inc()
        logs.event("edge.surge", level="error", channel=channel, token=place, usual=round(average))

    def refuse(self, channel: str) -> None:
        """One callback with a wrong token, or from an address that may not call; `channel` as it was named."""
        minute = self._minute()
        known = channel if channel in self._tried else NO_CHANNEL
        with self._lock:
            state = self._tried[known]
            if state.minute != minute:
                state.minute, state.count, state.told = minute, 0, False
            state.count += 1
            if state.told or state.count <= state.limit:
                return
            state.told = True
        metrics.callback_probes.labels(known).inc()
        logs.event("edge.probing", level="error", channel=known, above=self._refused)

    def _minute(self) -> int:
        return int((self._monotonic() - self._started) // _MINUTE_S)

    def _turn(self, state: _Minute, minute: int) -> None:
        """A new minute: the one that ended joins the average, no higher than its limit, so that a surge lasts."""
        if state.minute == 0:
            state.average = float(state.count)
        else:
            state.average += _WEIGHT * (min(state.count, state.limit) - state.average)
        silent = min(minute - state.minute - 1, _FORGOTTEN_AFTER)
        state.average *= (1 - _WEIGHT) ** silent
        state.minute, state.count, state.told = minute, 0, False
        state.limit = max(self._floor, self._factor * state.average)
