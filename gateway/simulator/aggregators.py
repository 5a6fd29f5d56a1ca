"""What the two aggregators have in common: how a dialogue becomes requests, and an answer a screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from gateway.simulator.phones import Dialogue
from gateway.simulator.wire import Answer, Request

#: The last screen was shown; the citizen hung up; he waited too long; the gateway's answer could not be used.
Ending = Literal["completed", "hung_up", "timed_out", "failed"]


class UnusableAnswerError(Exception):
    """The gateway answered something this aggregator cannot show; `code` says what ("gateway_http_500")."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Heard:
    text: str
    final: bool


class Aggregator(Protocol):
    def begin(self, msisdn: str, dialled: str, tail: str) -> Dialogue:
        """A new dialogue, with the kind of session id this aggregator gives."""

    def turn(self, dialogue: Dialogue) -> Request:
        """The request for the turn the dialogue is at."""

    def read(self, answer: Answer) -> Heard:
        """What the phone shall show; raises `UnusableAnswerError`."""

    def end(self, dialogue: Dialogue, ending: Ending, error: str) -> Request | None:
        """How this aggregator tells the end, None when it does not; `error` is the code of a failed one."""
