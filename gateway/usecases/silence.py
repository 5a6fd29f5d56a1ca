"""Systems that do not answer: they are asked now and then, so that waiting for them does not hold up the others."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

#: Calls in a row without any answer after which a system is taken to be away.
SILENT_AFTER = 5
#: While it is away one call in this time finds out whether it is back: a call may hold a batch for 10 s.
ASKED_EVERY_S = 30.0


@dataclass(slots=True)
class _Silence:
    calls: int = 0  #: in a row
    ask_at: float = 0.0  #: monotonic


@dataclass(frozen=True, slots=True)
class Silences:
    """What this process has seen of each system lately; safe to share between threads."""

    _of: dict[str, _Silence] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def away(self, system: str, monotonic_s: float) -> int:
        """0: ask it now. Else how many calls in a row it left without an answer: put the work off."""
        with self._lock:
            silence = self._of.get(system)
            if silence is None or silence.calls < SILENT_AFTER:
                return 0
            if monotonic_s < silence.ask_at:
                return silence.calls
            silence.ask_at = monotonic_s + ASKED_EVERY_S
            return 0

    def silent(self, system: str) -> bool:
        """Whether it has left so many calls without an answer that it is taken to be away."""
        with self._lock:
            silence = self._of.get(system)
            return silence is not None and silence.calls >= SILENT_AFTER

    def note(self, system: str, monotonic_s: float, *, answered: bool) -> None:
        """Told after each call; any answer, an error too, ends a silence."""
        with self._lock:
            if answered:
                self._of.pop(system, None)
                return
            silence = self._of.setdefault(system, _Silence())
            silence.calls += 1
            silence.ask_at = monotonic_s + ASKED_EVERY_S
