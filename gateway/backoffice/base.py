"""What every back office can do, whatever it speaks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from gateway.messages import (
    BackofficeAnswer,
    BackofficeEvent,
    BackofficeReminder,
    BackofficeRequest,
    BackofficeStatement,
)
from gateway.settings import SystemSettings


@dataclass(frozen=True, slots=True)
class Fault:
    """Why nothing was read. `misconfigured`: the way to the system is wrong, and a person must look."""

    code: str  #: short stable word for logs
    misconfigured: bool = False
    retry_after_s: int | None = None


@dataclass(frozen=True, slots=True)
class LookupItem:
    """A line of a list that an institution answers."""

    id: str
    label: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class LookupResult:
    """What an institution answers to a lookup. `outcome` is "unavailable" when it did not, and `fault` says why."""

    outcome: str
    values: Mapping[str, str | int] = field(default_factory=dict, repr=False)
    items: tuple[LookupItem, ...] = ()
    confirmed: bool = False  #: the institution says that the identifier asked about goes with the calling number
    fault: Fault | None = None


class BackOffice(Protocol):
    """One institution's system, safe to share between threads. Raises nothing for what a network does."""

    @property
    def name(self) -> str:
        """The system's name in gateway.yaml."""
        ...

    @property
    def settings(self) -> SystemSettings:
        """How it is reached and how often it is tried."""
        ...

    def submit(self, request: BackofficeRequest) -> BackofficeAnswer:
        """Offers one submission. Safe to repeat: the request's idempotency key stays the same."""
        ...

    def withdraw(self, reference: str, idempotency_key: str, case_number: str = "") -> BackofficeAnswer:
        """Tells that a demand was withdrawn; ACCEPTED when it knows, or never knew of it. Safe to repeat.

        `case_number` is the institution's own number of the file, "" when it gave none.
        """
        ...

    def state(self, statement: BackofficeStatement) -> BackofficeAnswer:
        """Passes on what a citizen says about a demand: ACCEPTED when it has it, or never will need it. Repeatable."""
        ...

    def remind(self, reminder: BackofficeReminder) -> BackofficeAnswer:
        """Tells that the promised date has passed. Repeatable."""
        ...

    def poll(self, reference: str, case_number: str) -> tuple[BackofficeEvent, ...] | Fault:
        """What is new of a demand, for a system that cannot call back; a Fault when it did not say.

        The same news has the same event id each time it is read.
        """
        ...

    def lookup(
        self, source: str, args: Mapping[str, str | int], msisdn: str, language: str, timeout_s: float
    ) -> LookupResult:
        """Asks for a reading; answers within `timeout_s`, "unavailable" when the institution did not."""
        ...
