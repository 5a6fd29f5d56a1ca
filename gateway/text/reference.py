"""The number of a submission (12 digits, the last a check digit) and the verification code of its récépissé.

Twelve digits are neither an NPI (10), a phone number (10) nor an IFU (13), and do not tell the service.
"""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from collections.abc import Callable, Mapping

LENGTH = 12
CODE_LENGTH = 6

#: The totally anti-symmetric quasigroup of order 10 of H. Michael Damm's thesis (2004): it catches every
#: single wrong digit and every swap of two neighbours.
_DAMM = (
    (0, 3, 1, 7, 5, 9, 8, 6, 4, 2),
    (7, 0, 9, 2, 1, 5, 4, 8, 6, 3),
    (4, 2, 0, 6, 8, 7, 1, 3, 5, 9),
    (1, 7, 5, 0, 9, 8, 3, 4, 2, 6),
    (6, 1, 2, 3, 0, 4, 5, 9, 7, 8),
    (3, 6, 7, 4, 2, 0, 9, 5, 8, 1),
    (5, 8, 6, 9, 7, 2, 0, 1, 3, 4),
    (8, 9, 4, 5, 3, 6, 2, 0, 1, 7),
    (9, 4, 3, 8, 6, 1, 7, 2, 0, 5),
    (2, 5, 8, 1, 4, 3, 6, 7, 9, 0),
)
_LOOKALIKES = {"O": "0", "o": "0", "I": "1", "l": "1"}
#: Longer than any way of spacing out twelve digits: what is longer is not read at all.
_TYPED_MAX = 64


def make(random_bytes: Callable[[int], bytes]) -> str:
    """A new reference: 11 random digits and their check digit. The caller makes it unique by storing it."""
    # 128 bits over 10**11: no digit is likelier than another by anything that could be seen.
    digits = f"{int.from_bytes(random_bytes(16)) % 10**11:011d}"
    return digits + str(_check(digits))


def parse(typed: str) -> str | None:
    """The reference that a person typed, or None. Spaces, dashes, dots are ignored; O is 0, I and l are 1."""
    digits = _digits(typed)
    return digits if digits is not None and len(digits) == LENGTH and _check(digits) == 0 else None


def show(reference: str) -> str:
    """A reference as people read it: "4821 0937 5628"."""
    return f"{reference[:4]} {reference[4:8]} {reference[8:]}"


def code(keys: Mapping[str, bytes], reference: str, service: str, date_iso: str) -> str:
    """The verification code: 6 digits that only this installation can compute.

    `keys` are key id -> key, newest first; the first writes. `date_iso` is the day of deposit in Porto-Novo.
    """
    return _code(next(iter(keys.values())), reference, service, date_iso)


def code_is_genuine(keys: Mapping[str, bytes], reference: str, service: str, date_iso: str, typed: str) -> bool:
    """Whether `typed` is the code of this récépissé under any key; takes the same time either way."""
    given = (_digits(typed) or "").encode()
    genuine = False
    for key in keys.values():
        genuine |= hmac.compare_digest(_code(key, reference, service, date_iso).encode(), given)
    return genuine


def _code(key: bytes, reference: str, service: str, date_iso: str) -> str:
    digest = hmac.new(key, f"{reference}|{service}|{date_iso}".encode(), hashlib.sha256).digest()
    # 64 bits over 10**6: the bias is below 10**-13.
    return f"{int.from_bytes(digest[:8]) % 10**CODE_LENGTH:0{CODE_LENGTH}d}"


def _check(digits: str) -> int:
    """The Damm check digit of `digits`; 0 when they already end with theirs."""
    interim = 0
    for digit in digits:
        interim = _DAMM[interim][int(digit)]
    return interim


def _digits(typed: str) -> str | None:
    """The ASCII digits of what was typed, in any script's digits; None when something else is in it."""
    if len(typed) > _TYPED_MAX:
        return None
    digits: list[str] = []
    for character in typed:
        if character.isspace() or character == "." or unicodedata.category(character) == "Pd":
            continue
        value = unicodedata.decimal(_LOOKALIKES.get(character, character), None)
        if value is None:
            return None
        digits.append(str(value))
    return "".join(digits)
