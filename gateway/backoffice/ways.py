"""How a call reaches a system and shows who we are: bearer, signature, certificate. X-Road's is in xroad.py."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from gateway.backoffice.base import Fault
from gateway.backoffice.signing import sign
from gateway.messages import Evidence
from gateway.outgoing import Answer


@dataclass(frozen=True, slots=True)
class Call:
    """One call before it leaves. `target` is what the request line holds after the method, query included."""

    method: str
    target: str
    body: bytes = field(default=b"", repr=False)
    key: str = ""  #: what makes a repetition safe; "" for a reading
    reference: str = ""  #: of the demand it is about


def _none(_: Answer) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Way:
    """What differs between ways: the address, the headers, what an answer says of the way itself."""

    base: str  #: an URL; paths are added to it
    headers: Callable[[Call], Mapping[str, str]] = field(repr=False)
    fault: Callable[[Answer], Fault | None] = _none
    evidence: Callable[[Answer], Evidence | None] = _none


def bearer(url: str, token: str) -> Way:
    """`Authorization: Bearer ...`"""
    return Way(url.rstrip("/"), lambda _: {"Authorization": f"Bearer {token}"})


def certificate(url: str) -> Way:
    """Nothing but the certificate that the connection shows."""
    return Way(url.rstrip("/"), lambda _: {})


def signature(url: str, secrets: Sequence[str], now: Callable[[], datetime]) -> Way:
    """Standard Webhooks over the body, with each of `secrets` (`whsec_...`). Raises SigningError for an unusable one.

    The id is the idempotency key. A reading has none and mostly no body: its id is made of its method and target, so
    that its signature cannot be used to ask something else.
    """
    signers = sign(secrets)

    def headers(call: Call) -> dict[str, str]:
        return signers.headers(call.key or _id_of(call), call.body, now())

    return Way(url.rstrip("/"), headers)


def _id_of(call: Call) -> str:
    return "req_" + hashlib.sha256(f"{call.method} {call.target}".encode()).hexdigest()[:32]
