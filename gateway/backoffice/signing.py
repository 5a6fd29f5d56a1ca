"""Signatures of institutions' webhooks and of our calls: Standard Webhooks 1.0.0, HMAC-SHA256 on the raw bytes."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from standardwebhooks import Webhook

#: How far the sender's clock may be from ours, either way (Standard Webhooks, "verifying timestamp").
TOLERANCE = timedelta(minutes=5)
#: Shorter secrets are refused at set-up (Standard Webhooks: 24 to 64 bytes).
_SHORTEST_SECRET = 24
_PREFIX = "whsec_"


class SigningFault(StrEnum):
    NO_SECRET = "no_secret"  # noqa: S105 - the name of a fault
    BAD_SECRET = "bad_secret"  # noqa: S105 - the name of a fault
    MISSING_HEADER = "missing_header"
    BAD_TIMESTAMP = "bad_timestamp"
    STALE = "stale"
    BAD_SIGNATURE = "bad_signature"


_SENTENCES = {
    SigningFault.NO_SECRET: "a system that signs needs a secret",
    SigningFault.BAD_SECRET: "a webhook secret is whsec_ and the base64 of 24 bytes or more",
    SigningFault.MISSING_HEADER: "webhook-id, webhook-timestamp and webhook-signature are needed",
    SigningFault.BAD_TIMESTAMP: "webhook-timestamp must be seconds since 1970",
    SigningFault.STALE: "webhook-timestamp is more than 5 minutes away from our clock",
    SigningFault.BAD_SIGNATURE: "no signature fits this body",
}


class SigningError(Exception):
    """Why a secret cannot be used or a signature is not believed; holds neither secret nor body."""

    def __init__(self, code: SigningFault) -> None:
        super().__init__(_SENTENCES[code])
        self.code = code


@dataclass(frozen=True, slots=True)
class Verifier:
    """What tells the events of one system from forged ones. Build it with `verifier`."""

    _signers: tuple[Webhook, ...] = field(repr=False)

    def check(self, headers: Mapping[str, str], body: bytes, now: datetime) -> str:
        """The event's id (`webhook-id`), once its signature and time are believed; else SigningError.

        `headers` may be in any letter case; `now` is aware. Every secret and every `v1` signature is tried.
        """
        given = {name.lower(): value for name, value in headers.items()}
        event_id, stamp = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
        signatures = given.get("webhook-signature", "")
        if not (event_id and stamp and signatures):
            raise SigningError(SigningFault.MISSING_HEADER)
        if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 11):  # 11 digits: year 5138
            raise SigningError(SigningFault.BAD_TIMESTAMP)
        sent_at = datetime.fromtimestamp(int(stamp), tz=UTC)
        if abs(now - sent_at) > TOLERANCE:
            raise SigningError(SigningFault.STALE)
        if not self._one_fits(event_id, sent_at, body, signatures):
            raise SigningError(SigningFault.BAD_SIGNATURE)
        return event_id

    def _one_fits(self, event_id: str, sent_at: datetime, body: bytes, signatures: str) -> bool:
        # The library's own `verify` reads the system clock and lets malformed headers out as ValueError.
        try:
            text = body.decode("utf-8")
            expected = [signer.sign(event_id, sent_at, text).encode() for signer in self._signers]
            offered = [signature.encode("ascii") for signature in signatures.split(" ")]
        except UnicodeError:
            return False
        fits = False
        for right in expected:
            for signature in offered:
                fits |= hmac.compare_digest(right, signature)
        return fits


def signers(secrets: Sequence[str]) -> tuple[Webhook, ...]:
    """What signs our own webhooks: one for each secret (`whsec_...`) that is valid now. Raises SigningError."""
    return tuple(_signer(secret) for secret in secrets)


def verifier(secrets: Sequence[str]) -> Verifier:
    """A Verifier that believes any of `secrets` (`whsec_...`); SigningError when none or one is unusable."""
    if not secrets:
        raise SigningError(SigningFault.NO_SECRET)
    return Verifier(tuple(_signer(secret) for secret in secrets))


@dataclass(frozen=True, slots=True)
class Signer:
    """What shows a system that a call is ours. Build it with `sign`."""

    _signers: tuple[Webhook, ...] = field(repr=False)

    def headers(self, message_id: str, body: bytes, now: datetime) -> dict[str, str]:
        """The three headers over `{message_id}.{seconds}.{body}`, one signature for each secret. `body` is UTF-8."""
        at, text = now.astimezone(UTC), body.decode("utf-8")
        return {
            "webhook-id": message_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": " ".join(signer.sign(message_id, at, text) for signer in self._signers),
        }


def sign(secrets: Sequence[str]) -> Signer:
    """A Signer with all of `secrets` (`whsec_...`); SigningError when there is none or one is unusable."""
    if not secrets:
        raise SigningError(SigningFault.NO_SECRET)
    return Signer(tuple(_signer(secret) for secret in secrets))


def key_of(secret: str) -> bytes:
    """The bytes that a secret (`whsec_...`) stands for. Raises SigningError.

    Strict: of letters that are no base64 the libraries of institutions make another key, or none.
    """
    if not secret.startswith(_PREFIX):
        raise SigningError(SigningFault.BAD_SECRET)
    try:
        letters = secret.removeprefix(_PREFIX).rstrip("=")
        key = base64.b64decode(letters + "=" * (-len(letters) % 4), validate=True)
    except ValueError:
        raise SigningError(SigningFault.BAD_SECRET) from None
    if len(key) < _SHORTEST_SECRET:
        raise SigningError(SigningFault.BAD_SECRET)
    return key


def _signer(secret: str) -> Webhook:
    return Webhook(key_of(secret))
