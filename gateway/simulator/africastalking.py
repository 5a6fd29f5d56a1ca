"""Aggregator 1, USSD: what Africa's Talking posts and how it reads the answer (its public documentation)."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime
from urllib.parse import urlencode

from gateway.simulator.aggregators import Ending, Heard, UnusableAnswerError
from gateway.simulator.phones import Dialogue
from gateway.simulator.wire import FORM, Answer, Request

#: MCC and MNC of MTN Bénin. The aggregator publishes no code for Bénin: this is our assumption.
NETWORK_CODE = "61603"

_STATUSES: dict[Ending, str] = {
    "completed": "Success",
    "hung_up": "Incomplete",
    "timed_out": "Incomplete",
    "failed": "Failed",
}


class AfricasTalking:
    def __init__(self, token: str, service_code: str) -> None:
        self._path = f"/channels/africastalking/{token}"
        self._service_code = service_code

    def begin(self, msisdn: str, dialled: str, tail: str) -> Dialogue:
        return Dialogue(f"ATUid_{uuid.uuid4().hex}", msisdn, dialled, tail)

    def turn(self, dialogue: Dialogue) -> Request:
        form = {
            "sessionId": dialogue.session_id,
            "serviceCode": self._service_code,
            "phoneNumber": dialogue.msisdn,
            "networkCode": NETWORK_CODE,
            "text": _transcript(dialogue),
        }
        return Request(f"{self._path}/ussd", FORM, urlencode(form).encode("ascii"))

    def read(self, answer: Answer) -> Heard:
        """A body must begin with `CON ` or `END `, with nothing before it."""
        if answer.status != 200:
            raise UnusableAnswerError(f"gateway_http_{answer.status}")
        body = answer.body.decode("utf-8", "replace")
        word, space, text = body.partition(" ")
        if word not in ("CON", "END") or not space:
            raise UnusableAnswerError("gateway_bad_answer")
        return Heard(text, word == "END")

    def end(self, dialogue: Dialogue, ending: Ending, error: str) -> Request:
        form = {
            "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S"),
            "sessionId": dialogue.session_id,
            "serviceCode": self._service_code,
            "networkCode": NETWORK_CODE,
            "phoneNumber": dialogue.msisdn,
            "status": _STATUSES[ending],
            "cost": "0.00",
            "durationInMillis": str(int((time.monotonic() - dialogue.started) * 1000)),
            "lastAppResponse": dialogue.last_reply,
            "input": _transcript(dialogue),
            "hopsCount": str(dialogue.hops),
        }
        if ending == "failed":
            form["errorMessage"] = error
        return Request(f"{self._path}/events", FORM, urlencode(form).encode("ascii"))


def _transcript(dialogue: Dialogue) -> str:
    """The dial tail and every input so far, joined by `*`; an empty answer leaves a trailing `*`."""
    return "*".join(([dialogue.tail] if dialogue.tail else []) + dialogue.inputs)
