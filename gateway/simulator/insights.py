"""Aggregator 1, SIM changes: takes a question about a number, and posts the answer of its operator a moment later."""

from __future__ import annotations

import json
import uuid
from typing import Any

from gateway.simulator.agenda import Agenda
from gateway.simulator.config import SimulatorConfig
from gateway.simulator.phones import Phones
from gateway.simulator.wire import JSON, Request, Wire, WireError

#: What the real one writes for a SIM that was never changed.
_NEVER = "01-01-1900"


class Insights:
    """The operator's answers. Safe to share between threads."""

    def __init__(self, config: SimulatorConfig, phones: Phones, wire: Wire, agenda: Agenda) -> None:
        self._config = config
        self._phones = phones
        self._wire = wire
        self._agenda = agenda

    def ask(self, api_key: str, body: Any) -> tuple[int, dict[str, Any]]:
        """Status and JSON of the answer to a question; what the operator says follows by callback."""
        numbers = body.get("phoneNumbers") if isinstance(body, dict) else None
        if api_key != self._config.api_key:
            return 401, {"status": "unauthorized"}
        if not isinstance(numbers, list) or not all(isinstance(number, str) for number in numbers):
            return 400, {"status": "bad_request"}
        responses = []
        for number in numbers:
            request_id = f"ATSwpid_{uuid.uuid4().hex}"
            responses.append({"phoneNumber": number, "requestId": request_id, "status": "Queued"})
            self._agenda.after(self._config.dlr_s, lambda n=number, r=request_id: self._tell(n, r))  # type: ignore[misc]
        return 200, {"status": "Processed", "transactionId": str(uuid.uuid4()), "responses": responses}

    def _tell(self, number: str, request_id: str) -> None:
        since = self._phones.get(number).sim_since
        told = {
            "status": "Swapped" if since else "NotSwapped",
            "lastSimSwapDate": since.strftime("%d-%m-%Y") if since else _NEVER,
            "requestId": request_id,
            "transactionId": str(uuid.uuid4()),
            "providerRefId": str(uuid.uuid4()),
        }
        path = f"/channels/africastalking/{self._config.token}/sim"
        try:
            self._wire.post(Request(path, JSON, json.dumps(told).encode()))
        except WireError:
            return  # whether the aggregator repeats it is not documented: it is lost
