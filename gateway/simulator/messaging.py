"""Aggregator 1, SMS to phones: takes what Africa's Talking's SDK sends, and answers it."""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from gateway.simulator.config import SimulatorConfig
from gateway.simulator.phones import Phones, Sms
from gateway.simulator.reports import Reports
from gateway.simulator.switches import SwitchPanel
from gateway.text import segments

COST = 15  #: francs per SMS segment, an assumption; only its form matters

_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")


@dataclass(frozen=True, slots=True)
class SendCall:
    """One send call as received. `outcome`: accepted, refused, error_500, too_many, time_out, bad_key, bad_form."""

    at: str
    sender: str
    to: tuple[str, ...]
    text: str
    outcome: str
    ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SendAnswer:
    """`hold` asks the server to keep the caller waiting until it gives up."""

    status: int
    body: dict[str, Any] | str
    hold: bool = False


class Messaging:
    """The SMS side of the aggregator. Safe to share between threads."""

    def __init__(self, config: SimulatorConfig, phones: Phones, switches: SwitchPanel, reports: Reports) -> None:
        self._config = config
        self._phones = phones
        self._switches = switches
        self._reports = reports
        self._sent: list[SendCall] = []
        self._lock = threading.Lock()

    def send(self, api_key: str, form: Mapping[str, str]) -> SendAnswer:
        """The answer to one send call, its messages delivered; the reports follow."""
        to = tuple(number for number in form.get("to", "").split(",") if number)
        sender, text = form.get("from") or self._config.sender, form.get("message", "")
        fault = self._switches.now.fail_sends
        if api_key != self._config.api_key:
            self._note(sender, to, text, "bad_key")
            return SendAnswer(401, "The supplied authentication is invalid")
        if not form.get("username") or not to or not text:
            self._note(sender, to, text, "bad_form")
            return SendAnswer(400, "Must have username, to and message")
        if fault == "error_500":
            self._note(sender, to, text, "error_500")
            return SendAnswer(500, "Internal Server Error")
        if fault == "too_many":
            self._note(sender, to, text, "too_many")
            return SendAnswer(429, "Too Many Requests")
        if fault == "refuse":
            self._note(sender, to, text, "refused")
            return SendAnswer(201, _answer([_refused(number, 407, "CouldNotRoute") for number in to], 0))
        recipients, ids = self._deliver(to, sender, text, queued=form.get("enqueue") == "1")
        self._note(sender, to, text, "time_out" if fault == "time_out" else "accepted", ids)
        each = COST * segments.measure(text).segments
        return SendAnswer(201, _answer(recipients, each), hold=fault == "time_out")

    def sent(self) -> list[dict[str, Any]]:
        """Every send call so far, oldest first."""
        with self._lock:
            return [asdict(call) for call in self._sent]

    def reset(self) -> None:
        with self._lock:
            self._sent.clear()

    def _note(self, sender: str, to: tuple[str, ...], text: str, outcome: str, ids: tuple[str, ...] = ()) -> None:
        with self._lock:
            self._sent.append(SendCall(datetime.now(UTC).isoformat(), sender, to, text, outcome, ids))

    def _deliver(
        self, to: tuple[str, ...], sender: str, text: str, *, queued: bool
    ) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
        """Each recipient's part of the answer, and the ids of the messages that were taken."""
        measure = segments.measure(text)
        recipients: list[dict[str, Any]] = []
        ids: list[str] = []
        for number in to:
            if not _NUMBER.fullmatch(number):
                recipients.append(_refused(number, 403, "InvalidPhoneNumber"))
                continue
            phone = self._phones.get(number)
            if phone.opted_out:
                recipients.append(_refused(number, 406, "UserInBlacklist"))
                continue
            sms = Sms(f"ATXid_{uuid.uuid4().hex}", sender, text, datetime.now(UTC), measure)
            ids.append(sms.id)
            self._reports.hand_over(phone, sms)
            recipients.append(
                {
                    "statusCode": 102 if queued else 101,
                    "number": number,
                    "status": "Success",
                    "cost": f"XOF {COST * measure.segments}.0000",
                    "messageId": sms.id,
                }
            )
        return recipients, tuple(ids)


def _answer(recipients: list[dict[str, Any]], cost: int) -> dict[str, Any]:
    """The body as Africa's Talking writes it; `cost` in francs for one recipient."""
    taken = sum(1 for recipient in recipients if recipient["statusCode"] < 400)
    total = f"XOF {cost * taken}.0000" if taken else "0"
    message = f"Sent to {taken}/{len(recipients)} Total Cost: {total}"
    return {"SMSMessageData": {"Message": message, "Recipients": recipients}}


def _refused(number: str, code: int, status: str) -> dict[str, Any]:
    return {"statusCode": code, "number": number, "status": status, "cost": "0", "messageId": "None"}
