"""An institution without an IT system: its demands wait in its agents' inbox, and nothing is sent anywhere.

The inbox is read from the database (usecases/desk.py); what citizens say later is marked there as unread.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.backoffice.base import LookupResult
from gateway.messages import (
    BackofficeAnswer,
    BackofficeEvent,
    BackofficeReminder,
    BackofficeRequest,
    BackofficeStatement,
    HandOver,
)
from gateway.settings import DeskSystem

_INBOX = "inbox"


class DeskBackOffice:
    """One institution's inbox; holds nothing, so it is safe to share between threads."""

    def __init__(self, name: str, settings: DeskSystem) -> None:
        self._name = name
        self._settings = settings

    @property
    def name(self) -> str:
        return self._name

    @property
    def settings(self) -> DeskSystem:
        return self._settings

    def submit(self, request: BackofficeRequest) -> BackofficeAnswer:
        """QUEUED: it lies in the inbox already, as a row of ours."""
        del request
        return BackofficeAnswer(HandOver.QUEUED, code=_INBOX)

    def withdraw(self, reference: str, idempotency_key: str, case_number: str = "") -> BackofficeAnswer:
        """ACCEPTED: an agent sees it unread."""
        del reference, idempotency_key, case_number
        return BackofficeAnswer(HandOver.ACCEPTED, code=_INBOX)

    def state(self, statement: BackofficeStatement) -> BackofficeAnswer:
        """ACCEPTED: an agent sees it unread."""
        del statement
        return BackofficeAnswer(HandOver.ACCEPTED, code=_INBOX)

    def remind(self, reminder: BackofficeReminder) -> BackofficeAnswer:
        """ACCEPTED: an agent sees it unread."""
        del reminder
        return BackofficeAnswer(HandOver.ACCEPTED, code=_INBOX)

    def poll(self, reference: str, case_number: str) -> tuple[BackofficeEvent, ...]:
        """Nothing: agents say what is new at the desk."""
        del reference, case_number
        return ()

    def lookup(
        self, source: str, args: Mapping[str, str | int], msisdn: str, language: str, timeout_s: float
    ) -> LookupResult:
        """Always "unavailable": no agent answers while a citizen waits."""
        del source, args, msisdn, language, timeout_s
        return LookupResult("unavailable")
