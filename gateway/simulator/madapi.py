"""Aggregator 2: MTN MADAPI USSD v1 (MTN's published interface): JSON, the last input only."""

from __future__ import annotations

import itertools
import json
import time
from typing import Any

from gateway.simulator.aggregators import Ending, Heard, UnusableAnswerError
from gateway.simulator.phones import Dialogue
from gateway.simulator.wire import JSON, Answer, Request

BEGIN, CONTINUE, CANCEL, TIMEOUT = "0", "1", "4", "5"  #: messageType


class MtnMadapi:
    def __init__(self, token: str, service_code: str) -> None:
        self._path = f"/channels/mtn_madapi/{token}/ussd"
        self._service_code = service_code
        # Session ids look like a time in milliseconds; counting from it keeps them apart.
        self._ids = itertools.count(int(time.time() * 1000))

    def begin(self, msisdn: str, dialled: str, tail: str) -> Dialogue:
        return Dialogue(str(next(self._ids)), msisdn, dialled, tail)

    def turn(self, dialogue: Dialogue) -> Request:
        if not dialogue.inputs:
            place = {"cellId": "61603-1-1", "language": "fr", "imsi": dialogue.imsi}
            return self._message(dialogue, BEGIN, dialogue.dialled, place)
        return self._message(dialogue, CONTINUE, dialogue.inputs[-1])

    def read(self, answer: Answer) -> Heard:
        if answer.status != 200:
            raise UnusableAnswerError(f"gateway_http_{answer.status}")
        try:
            reply: Any = json.loads(answer.body)
            data = reply["data"]
            text, going_on = data["inboundResponse"], data["userInputRequired"]
        except (ValueError, KeyError, TypeError) as error:
            raise UnusableAnswerError("gateway_bad_answer") from error
        if reply.get("statusCode") != "0000" or not isinstance(text, str) or not isinstance(going_on, bool):
            raise UnusableAnswerError("gateway_bad_answer")
        return Heard(text, not going_on)

    def end(self, dialogue: Dialogue, ending: Ending, error: str) -> Request | None:
        del error
        if ending == "hung_up":
            return self._message(dialogue, CANCEL, "user abort")
        if ending == "timed_out":
            return self._message(dialogue, TIMEOUT, "")
        return None

    def _message(self, dialogue: Dialogue, kind: str, text: str, place: dict[str, str] | None = None) -> Request:
        message = {
            "sessionId": dialogue.session_id,
            "messageType": kind,
            "msisdn": dialogue.msisdn.removeprefix("+"),
            "serviceCode": self._service_code,
            "ussdString": text,
        }
        body = json.dumps(message | (place or {}), ensure_ascii=False, separators=(",", ":"))
        return Request(self._path, JSON, body.encode("utf-8"))
