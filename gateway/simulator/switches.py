"""The switches that make the simulated world misbehave on purpose."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

DELIVER_TWICE = ("no", "after", "together")
FAIL_SENDS = ("no", "refuse", "error_500", "too_many", "time_out")
REPORTS = ("normal", "lost", "early", "twice", "reversed", "unknown_id")
DATES = ("iso", "spaced")
SECURITY_SERVER = (
    "normal", "down", "client_error", "consumer_error", "provider_error", "denied", "snake_case", "slow",
)  # fmt: skip
LONGEST_DELAY_MS = 20_000


class SwitchError(Exception):
    """A switch that does not exist or a value it cannot take; the message says which."""


@dataclass(frozen=True, slots=True)
class Switches:
    """How the world misbehaves now. The defaults are a world that behaves.

    deliver_twice   each turn and each text reaches the gateway twice: one `after` the other is answered, or both
                    `together` (texts: always one after the other)
    drop_next_reply the next turn reaches the gateway, its reply does not reach the phone; then back to False
    delay_ms        each turn takes this long to reach the gateway
    fail_sends      a send is refused for each number (`refuse`: CouldNotRoute), fails as a whole
                    (`error_500`, `too_many`: 429), or is delivered to the phone while its answer never comes
                    (`time_out`)
    reports         delivery reports are never posted (`lost`), come before the answer to the send (`early`), each
                    `twice`, the last one first (`reversed`), or under an id that nobody knows (`unknown_id`)
    dates           how the aggregator writes the date of a text: 2017-05-03T06:04:45Z or 2017-05-03 06:04:45
    backoffice_down the demo back office answers 503
    security_server the X-Road server in front of it is `down` (no answer), fails with an error of each class, or is so
                    `slow` that its answer comes too late, after the call had its effect
    """

    deliver_twice: str = "no"
    drop_next_reply: bool = False
    delay_ms: int = 0
    fail_sends: str = "no"
    reports: str = "normal"
    dates: str = "iso"
    backoffice_down: bool = False
    security_server: str = "normal"


class SwitchPanel:
    """The switches as everybody sees them. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now = Switches()

    @property
    def now(self) -> Switches:
        return self._now

    def set(self, changes: Any) -> Switches:
        """The switches after `changes` (a JSON object of some of them); on `SwitchError` none has moved."""
        if not isinstance(changes, dict):
            raise SwitchError("a JSON object of switches is expected")
        for name, value in changes.items():
            _check(name, value)
        with self._lock:
            self._now = replace(self._now, **changes)
            return self._now

    def take_for_turn(self) -> Switches:
        """The switches for one turn; `drop_next_reply` serves once."""
        with self._lock:
            taken = self._now
            self._now = replace(taken, drop_next_reply=False)
            return taken

    def reset(self) -> None:
        with self._lock:
            self._now = Switches()


def as_json(switches: Switches) -> dict[str, Any]:
    return asdict(switches)


def _check(name: str, value: Any) -> None:
    words = {"deliver_twice": DELIVER_TWICE, "fail_sends": FAIL_SENDS, "reports": REPORTS, "dates": DATES}
    words |= {"security_server": SECURITY_SERVER}
    if name not in {field.name for field in fields(Switches)}:
        raise SwitchError(f"there is no switch {name!r}")
    if name in words:
        if value not in words[name]:
            raise SwitchError(f"{name} is one of {', '.join(words[name])}")
    elif name == "delay_ms":
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LONGEST_DELAY_MS:
            raise SwitchError(f"delay_ms is a whole number from 0 to {LONGEST_DELAY_MS}")
    elif not isinstance(value, bool):
        raise SwitchError(f"{name} is true or false")
