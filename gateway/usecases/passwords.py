"""Passwords: kept as Argon2id, and refused for being short or known, never for lacking a sign or a digit.

Parameters: OWASP, Password Storage Cheat Sheet (Argon2id, 19 MiB, 2 passes, 1 lane), within RFC 9106 §4. Rules: NIST
SP 800-63B §3.1.1 (length and a list of common ones, no composition rules).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from enum import StrEnum
from itertools import pairwise

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST, LONGEST = 12, 128
_SALT_BYTES = 16
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1, hash_len=32, salt_len=_SALT_BYTES)
#: Of nobody's password: verifying against it takes as long as against a person's. It must have today's parameters.
#: Written down, for making it takes as long as a sign-in, at each start: of "nobody's password", its salt zeros.
NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$ACLZoEAOVPkfKguZYbSFrpX7QbJAa2axonBu1tLaRIk"

#: Those of 12 characters and more that lists of stolen passwords begin with, and what one types in this house.
_COMMON = frozenset(
    """
    123456123456 1234567891011 123456789012 1234567890123 12345678901234 123456789123456 0123456789012 987654321098
    123123123123 1q2w3e4r5t6y 1qaz2wsx3edc 1qaz2wsx3edc4rfv qazwsxedcrfv azertyuiop123 azertyuiopqsdf azerty123456
    azertyazerty azerty12345678 qwertyuiop123 qwertyuiop12 qwertyuiopasdf qwerty123456 qwertyqwerty qwerty12345678
    password1234 password12345 password123456 passwordpassword password2024 password2025 password2026 passw0rd1234
    motdepasse12 motdepasse123 motdepasse1234 motdepassemotdepasse motdepasse2025 motdepasse2026 monmotdepasse
    administrateur administrator administrator1 admin1234567 admin12345678 adminadmin12 adminadminadmin
    iloveyou1234 jetaime12345 jetaime123456 bienvenue123 bienvenue1234 bienvenue2025 bienvenue2026 welcome12345
    changeme1234 changezmoi12 letmein12345 football1234 superman1234 dragon123456 princesse123 soleil123456
    passerelle12 passerelle123 passerelle1234 passerelle2026 benincotonou cotonou12345 cotonou123456 portonovo123
    republiquedubenin egouvernement abcdefghijkl abcdefghijklm abcdef123456 abcd12345678 abc123456789 a1b2c3d4e5f6
    """.split()  # noqa: SIM905 - words are read more easily than quotes
)


class PasswordFault(StrEnum):
    """Why a new password is refused."""

    SHORT = "short"
    LONG = "long"
    LOGIN = "login"  #: it is the login, or little more than it
    COMMON = "common"  #: among the first that anybody tries
    SAME = "same"  #: the one before


def fault(password: str, login: str) -> PasswordFault | None:
    """What is wrong with a new password, None when it may be used."""
    known = _normal(password)
    folded = known.casefold()
    if len(known) < SHORTEST:
        return PasswordFault.SHORT
    if len(known) > LONGEST:
        return PasswordFault.LONG
    name = login.partition("@")[0]
    if login in folded or (len(name) > 3 and len(folded.replace(name, "")) < SHORTEST // 2):
        return PasswordFault.LOGIN
    if "".join(folded.split()) in _COMMON or len(set(folded)) < 4 or _is_a_row(folded):
        return PasswordFault.COMMON
    return None


def digest(password: str, random_bytes: Callable[[int], bytes]) -> str:
    """What is kept of a password (PHC string)."""
    return _HASHER.hash(_normal(password), salt=random_bytes(_SALT_BYTES))


def fits(kept: str, password: str) -> bool:
    """Whether this is the password; "" (nobody's, or none yet) takes as long and is never it."""
    try:
        _HASHER.verify(kept or NOBODY, _normal(password[:LONGEST]))
    except (VerificationError, InvalidHashError):
        return False
    return bool(kept)


def is_old(kept: str) -> bool:
    """Whether it was made with other parameters than today's: make it again while the password is known."""
    return _HASHER.check_needs_rehash(kept)


def _normal(password: str) -> str:
    """The same characters however a keyboard composed them: é is one, or e and its accent."""
    return unicodedata.normalize("NFKC", password)


def _is_a_row(text: str) -> bool:
    """Characters that all follow each other: `abcdefghijklmn`, `987654321098`."""
    steps = {
        (ord(later) - ord(sooner)) % 10 if text.isdigit() else ord(later) - ord(sooner)
        for sooner, later in pairwise(text)
    }
    return len(steps) == 1
