"""Aggregator 1, SMS from phones: posts what they text to the gateway, and that they want nothing more."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from urllib.parse import urlencode

from gateway.simulator.africastalking import NETWORK_CODE
from gateway.simulator.agenda import Agenda
from gateway.simulator.config import SimulatorConfig
from gateway.simulator.phones import Phone, Phones, Text
from gateway.simulator.switches import SwitchPanel
from gateway.simulator.wire import FORM, Request, Wire, WireError
from gateway.text import segments

#: The real one repeats for about twelve hours.
TRIES = 8
_DATES = {"iso": "%Y-%m-%dT%H:%M:%SZ", "spaced": "%Y-%m-%d %H:%M:%S"}


class Texting:
    """What the phones send. Safe to share between threads."""

    def __init__(
        self, config: SimulatorConfig, phones: Phones, switches: SwitchPanel, wire: Wire, agenda: Agenda
    ) -> None:
        self._config = config
        self._phones = phones
        self._switches = switches
        self._wire = wire
        self._agenda = agenda

    def send(self, phone: Phone, text: str, to: str = "") -> Text:
        """The text, on its way to the short code `to` (the demonstration's when empty)."""
        sent = Text(uuid.uuid4().hex, to or self._config.short_code, text, datetime.now(UTC), segments.measure(text))
        with self._phones.changing():
            phone.outbox.insert(0, sent)
        self._agenda.after(0, lambda: self._post(phone, sent))
        return sent

    def opt_out(self, phone: Phone, sender: str, *, out: bool) -> None:
        """The person tells the aggregator itself to stop (or to go on, of which the gateway is told nothing)."""
        with self._phones.changing():
            phone.opted_out = out
        if out:
            form = {"senderId": sender, "phoneNumber": phone.msisdn}
            request = Request(self._path("optout"), FORM, urlencode(form).encode("ascii"))
            self._agenda.after(0, lambda: self._tell(request))

    def _post(self, phone: Phone, sent: Text) -> None:
        """The text, again until the gateway answers 200: it may not have been stored."""
        request = self._request(phone, sent)
        sent.tries += 1
        try:
            taken = self._wire.post(request).status == 200
            if self._switches.now.deliver_twice != "no":
                taken = self._wire.post(request).status == 200 and taken
        except WireError:
            taken = False
        with self._phones.changing():
            if taken:
                sent.posting = "posted"
            elif sent.tries >= TRIES:
                sent.posting = "not_posted"
        if sent.posting == "posting":
            self._agenda.after(self._config.retry_s * 2 ** (sent.tries - 1), lambda: self._post(phone, sent))

    def _request(self, phone: Phone, sent: Text) -> Request:
        form = {
            "date": sent.sent_at.strftime(_DATES[self._switches.now.dates]),
            "from": phone.msisdn,
            "id": sent.id,
            "text": sent.text,
            "to": sent.to,
            "networkCode": NETWORK_CODE,
        }
        return Request(self._path("mo"), FORM, urlencode(form).encode("ascii"))

    def _tell(self, request: Request) -> None:
        try:
            self._wire.post(request)
        except WireError:
            return  # whether the aggregator repeats it is not documented: it is lost

    def _path(self, route: str) -> str:
        return f"/channels/africastalking/{self._config.token}/{route}"
