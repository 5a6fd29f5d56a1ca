"""Endpoints of institutions that are told of events by signed webhook: Standard Webhooks 1.0.0."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum

from standardwebhooks import Webhook

from gateway.outgoing import Client, Doors, NoAnswer, NotSent
from gateway.settings import HookSettings

#: Standard Webhooks, "delivery": an endpoint has 15 to 30 s to answer.
TIMEOUT_S = 15.0
_CONNECT_S = 5.0
_ANSWER_BYTES = 65_536  # nothing in it is read
#: "Too many", and what proxies answer when nobody is behind them: fewer calls are wanted.
_SLOW_DOWN = (429, 502, 504)
_SLOW_DOWN_S = 60
#: An endpoint that asks for more is asked again after a day all the same.
LONGEST_WAIT_S = 86_400


class Delivery(StrEnum):
    """What became of one attempt."""

    TAKEN = "taken"  #: 2xx
    GONE = "gone"  #: 410: it wants nothing more, ever
    FAILED = "failed"  #: anything else, a redirect too: it is tried again


@dataclass(frozen=True, slots=True)
class Told:
    delivery: Delivery
    code: str  #: short stable word for logs
    wait_s: int | None = None  #: the endpoint wants to be left alone for so long, whatever there is to tell


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint, safe to share between threads. `signers`: one for each valid secret; none: nothing can be sent."""

    name: str
    url: str
    client: Client = field(repr=False)
    signers: tuple[Webhook, ...] = field(repr=False)

    def tell(self, webhook_id: str, body: bytes, at: datetime) -> Told:
        """What became of one attempt, made and signed `at`."""
        if not self.signers:
            return Told(Delivery.FAILED, "no_secret")
        headers = {
            "content-type": "application/json",
            "accept-encoding": "identity",
            "user-agent": "Passerelle",
            "webhook-id": webhook_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": " ".join(one.sign(webhook_id, at, body.decode()) for one in self.signers),
        }
        try:
            answer = self.client.post(self.url, headers, body)
        except NotSent as error:
            refused = str(error) in ("private_address", "origin")
            return Told(Delivery.FAILED, str(error) if refused else "no_connection")
        except NoAnswer as error:
            return Told(Delivery.FAILED, error.code)
        code = f"http_{answer.status}"
        if 200 <= answer.status < 300:
            return Told(Delivery.TAKEN, code)
        if answer.status == 410:
            return Told(Delivery.GONE, code)
        return Told(Delivery.FAILED, code, _wait_s(answer.status, answer.retry_after, at))


def build(name: str, settings: HookSettings, signers: Sequence[Webhook], doors: Doors | None = None) -> Endpoint:
    """An Endpoint. `doors`: which addresses may be called; None: public ones, or any where the settings allow it."""
    client = Client(
        (settings.url,),
        connect_timeout_s=_CONNECT_S,
        read_timeout_s=TIMEOUT_S,
        total_s=TIMEOUT_S,
        max_bytes=_ANSWER_BYTES,
        doors=doors or (None if settings.allow_private else Doors()),
        ca_file=settings.ca,
    )
    url = settings.url if "/" in settings.url.partition("://")[2] else settings.url + "/"
    return Endpoint(name, url, client, tuple(signers))


def _wait_s(status: int, retry_after: str, at: datetime) -> int | None:
    """Retry-After is seconds or a date (RFC 9110 §10.2.3)."""
    asked: float | None = None
    if retry_after.isascii() and retry_after.isdigit():
        asked = int(retry_after[:9])
    elif retry_after:
        try:
            named = parsedate_to_datetime(retry_after)
            asked = (named.replace(tzinfo=named.tzinfo or UTC) - at).total_seconds()
        except (ValueError, OverflowError):
            asked = None
    if asked is None:
        return _SLOW_DOWN_S if status in _SLOW_DOWN else None
    return int(min(max(asked, 1), LONGEST_WAIT_S))
