"""The second factor: an authenticator's code (TOTP, RFC 6238) or a code of a printed card, each of which opens once."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable
from datetime import datetime

import pyotp

from gateway.store import people
from gateway.store.db import Connection
from gateway.store.sealed import SealBroken, Seals

ISSUER = "Passerelle"
CARD_CODES = 10
CARD_DIGITS = 8
TOTP_DIGITS = 6
_STEP_S = 30
#: A clock that is one step off still fits (RFC 6238 §5.2); more would only help who guesses.
_NEAR = 1
_SECRET_BYTES = 20  # RFC 4226 §4: 160 bits recommended
_PENDING = "pending.totp_sealed"


def new_secret(random_bytes: Callable[[int], bytes]) -> str:
    """A secret for an authenticator, in base32."""
    return base64.b32encode(random_bytes(_SECRET_BYTES)).decode("ascii")


def address_of(secret: str, login: str) -> str:
    """The `otpauth:` address that an authenticator reads from a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=ISSUER)


def seal_pending(seals: Seals, person_id: int, secret: str) -> str:
    """A secret that a form carries until it is proved: only this person's form brings it back."""
    return base64.urlsafe_b64encode(seals.seal_json([person_id, secret], _PENDING)).decode("ascii")


def open_pending(seals: Seals, person_id: int, carried: str) -> str | None:
    """The secret of `seal_pending`, None when it is not this person's."""
    try:
        owner, secret = seals.open_json(base64.urlsafe_b64decode(carried), _PENDING)
    except (SealBroken, ValueError, TypeError):
        return None
    return str(secret) if owner == person_id else None


def step_of(secret: str, code: str, now: datetime) -> int | None:
    """The step that `code` (digits) belongs to, within one of now; None when it belongs to none."""
    totp, present = pyotp.TOTP(secret), int(now.timestamp()) // _STEP_S
    found = None
    for step in range(present - _NEAR, present + _NEAR + 1):
        if hmac.compare_digest(totp.generate_otp(step).encode(), code.encode()):
            found = step
    return found


def code_after(secret: str, used: int, now: datetime) -> str | None:
    """The next code that opens, `used` being the last step that did; None: within a minute. For demonstrations."""
    present = int(now.timestamp()) // _STEP_S
    step = max(present, used + 1)
    return pyotp.TOTP(secret).generate_otp(step) if step <= present + _NEAR else None


def new_codes(random_bytes: Callable[[int], bytes]) -> tuple[str, ...]:
    """The codes of a new card, 8 digits each, all different."""
    codes: dict[str, None] = {}
    while len(codes) < CARD_CODES:
        # 64 bits over 10**8: no digit is likelier than another by more than 10**-11.
        codes[f"{int.from_bytes(random_bytes(8), 'big') % 10**CARD_DIGITS:0{CARD_DIGITS}d}"] = None
    return tuple(codes)


def digits(typed: str) -> str:
    """What was typed without the spaces and hyphens that people put between digits."""
    return "".join(letter for letter in typed if letter not in " -.\u00a0\u202f")[: CARD_DIGITS * 2]


def prove(conn: Connection, seals: Seals, person_id: int, typed: str, now: datetime) -> str | None:
    """ "totp" or "card", whichever this code is of; it is used up. None when it opens nothing (any more)."""
    code = digits(typed)
    if not (code.isascii() and code.isdigit()):
        return None
    if len(code) == CARD_DIGITS:
        return "card" if people.use_code(conn, seals, person_id, code, now) else None
    known = people.totp(conn, seals, person_id)
    step = None if known is None else step_of(known[0], code, now)
    return "totp" if step is not None and people.use_step(conn, person_id, step) else None
