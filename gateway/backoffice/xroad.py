"""The way through X-Road: Message Protocol for REST 1.0.4 (PR-REST), as a consumer behind its own security server.

Everything else is as for `rest`. Redirects are never followed, and no token is sent: the security server knows us by
our certificate (PR-REST does not support JWT between an information system and its security server).
"""

from __future__ import annotations

import hashlib
import re
from urllib.parse import quote

from gateway.backoffice.base import Fault
from gateway.backoffice.ways import Call, Way
from gateway.messages import Evidence
from gateway.outgoing import Answer
from gateway.settings import XroadSystem

#: Faults of the servers' side that trying again will not mend: a right that was not given, a name that is unknown.
_A_PERSON = ("accessdenied", "servicedisabled", "unknownmember", "unknownservice", "sslauthenticationfailed")
_PRINTABLE = re.compile(r"[!-~]{1,128}")


def way(settings: XroadSystem) -> Way:
    """The address, headers and reading of errors of one X-Road service."""
    prefix = settings.header_prefix

    def headers(call: Call) -> dict[str, str]:
        made = {"Client": encoded(settings.client), "Id": message_id(call.key), "Issue": call.reference}
        made |= {"UserId": settings.user_id or "", "Represented-Party": encoded(settings.represented_party or "")}
        return {f"{prefix}-{name}": value for name, value in made.items() if value}

    def fault(answer: Answer) -> Fault | None:
        error = answer.headers.get(f"{prefix}-Error")
        return None if error is None else _fault(error)

    def evidence(answer: Answer) -> Evidence | None:
        digest = answer.headers.get(f"{prefix}-Request-Hash", "")
        given = answer.headers.get(f"{prefix}-Id", "")
        if not _PRINTABLE.fullmatch(digest):
            return None
        return Evidence(given if _PRINTABLE.fullmatch(given) else "", digest)

    base = f"{settings.url.rstrip('/')}/{settings.version}/{encoded(settings.service)}"
    return Way(base, headers, fault, evidence)


def encoded(identifier: str) -> str:
    """Each part percent-encoded by itself; the / between parts stays (PR-REST §4.2)."""
    return "/".join(quote(part, safe="") for part in identifier.split("/"))


def message_id(key: str) -> str:
    """The UUID of the message with this idempotency key, the same on every attempt; "" for a reading, which has none.

    The security server then makes one. Version 8 (RFC 9562 §5.8): its bits are ours, from a digest.
    """
    if not key:
        return ""
    digest = bytearray(hashlib.sha256(f"x-road-id:{key}".encode()).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def _fault(error: str) -> Fault:
    """Types are compared by their beginning, without case and `_`: documents and servers write them differently."""
    normal = re.sub(r"[^a-z0-9.]", "", error.lower())
    ours = not normal.startswith("server.")  # `Client.*`, and what we do not know
    person = ours or any(part in _A_PERSON for part in normal.split("."))
    return Fault(f"xroad.{normal}"[:64], person)
