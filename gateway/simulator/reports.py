"""Aggregator 1, what becomes of an SMS: it reaches its phone or not, and the gateway is told, as the phone is."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from urllib.parse import urlencode

from gateway.simulator.africastalking import NETWORK_CODE
from gateway.simulator.agenda import Agenda
from gateway.simulator.config import SimulatorConfig
from gateway.simulator.phones import Condition, Delivery, Phone, Phones, Sms
from gateway.simulator.switches import SwitchPanel
from gateway.simulator.wire import FORM, Request, Wire, WireError

REPORT_TRIES = 6


@dataclass(frozen=True, slots=True)
class _Report:
    """One report: the aggregator's status, its failureReason, and when, in units of `dlr_s`."""

    status: Delivery
    reason: str = ""
    after: float = 1


_SENT = _Report("Sent")
#: What is reported of an SMS to a phone in each condition.
_REPORTS: dict[Condition, tuple[_Report, ...]] = {
    "reachable": (_SENT, _Report("Success", after=2)),
    "slow": (_SENT,),
    "silent": (),
    "unreachable": (_SENT, _Report("AbsentSubscriber", after=2)),
    "full": (_SENT, _Report("Buffered", after=2)),
    "unknown": (_Report("Failed", "UserDoesNotExist"),),
    "barred": (_SENT, _Report("Expired", after=2)),
}
_ARRIVES_AT_ONCE: tuple[Condition, ...] = ("reachable", "silent")
_WAITS: tuple[Condition, ...] = ("unreachable", "full")


class Reports:
    """Delivers to the phones and posts delivery reports. Safe to share between threads."""

    def __init__(
        self, config: SimulatorConfig, phones: Phones, switches: SwitchPanel, wire: Wire, agenda: Agenda
    ) -> None:
        self._config = config
        self._phones = phones
        self._switches = switches
        self._wire = wire
        self._agenda = agenda

    def hand_over(self, phone: Phone, sms: Sms) -> None:
        """An SMS was taken: it goes to the phone as the phone's condition lets it, and is reported."""
        condition = phone.condition
        if condition in _ARRIVES_AT_ONCE:
            self._phones.receive(phone.msisdn, sms)
        elif condition == "slow":
            self._agenda.after(self._config.slow_s, lambda: self._arrive(phone, sms))
        elif condition in _WAITS:
            with self._phones.changing():
                phone.waiting.append(sms)
        self._tell(phone, sms, _REPORTS[condition])

    def set_condition(self, phone: Phone, condition: Condition) -> None:
        """The phone is so from now on; what waited for it arrives when it is reachable again."""
        arrived: list[Sms] = []
        with self._phones.changing():
            phone.condition = condition
            if condition in _ARRIVES_AT_ONCE:
                arrived, phone.waiting = phone.waiting, []
        for sms in arrived:
            self._arrive(phone, sms)

    def _arrive(self, phone: Phone, sms: Sms) -> None:
        self._phones.receive(phone.msisdn, sms)
        if phone.condition != "silent":
            self._tell(phone, sms, (_Report("Success", after=0),))

    def _tell(self, phone: Phone, sms: Sms, reports: tuple[_Report, ...]) -> None:
        """Posts these reports as the switch says; whether they are lost is looked at when each is due."""
        how = self._switches.now.reports
        if how == "early":
            for report in reports:
                self._post(phone, sms, report)
            return
        times = [report.after for report in reports]
        ordered = tuple(reversed(reports)) if how == "reversed" else reports
        for after, report in zip(times, ordered, strict=True):
            for _ in range(2 if how == "twice" else 1):
                self._agenda.after(
                    self._config.dlr_s * after,
                    lambda report=report: self._post(phone, sms, report),  # type: ignore[misc]
                )

    def _post(self, phone: Phone, sms: Sms, report: _Report, tried: int = 1) -> None:
        """One report, again until the gateway takes it (503: it could not store it), a few times."""
        how = self._switches.now.reports
        if how == "lost":
            with self._phones.changing():
                sms.delivery = "lost"
            return
        identity = f"ATXid_{uuid.uuid4().hex}" if how == "unknown_id" else sms.id
        try:
            taken = self._wire.post(self._request(phone, identity, report)).taken
        except WireError:
            taken = False
        if taken:
            with self._phones.changing():
                # A `Sent` that was repeated may come after `Success`.
                sms.delivery = "Success" if sms.delivery == "Success" else report.status
        elif tried < REPORT_TRIES:
            self._agenda.after(
                self._config.retry_s * 2 ** (tried - 1), lambda: self._post(phone, sms, report, tried + 1)
            )

    def _request(self, phone: Phone, identity: str, report: _Report) -> Request:
        form = {
            "id": identity,
            "status": report.status,
            "phoneNumber": phone.msisdn,
            "networkCode": NETWORK_CODE,
            "retryCount": "0",
        }
        if report.reason:
            form["failureReason"] = report.reason
        return Request(f"/channels/africastalking/{self._config.token}/dlr", FORM, urlencode(form).encode("ascii"))
