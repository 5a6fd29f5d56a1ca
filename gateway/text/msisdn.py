"""Phone numbers: E.164 with its `+`, and nothing else past the edge.

Since 30 November 2024 a number of Bénin has 10 digits: `01` and the old 8. Both are read, the new is kept.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from functools import lru_cache

import phonenumbers
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata, PhoneNumberType

#: Longer than any number with its spaces: what is longer is not read at all.
_TYPED_MAX = 40
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_SEPARATORS = re.compile(r"[\s\-./()]+")
_BENIN = 229
_OLD_BENIN_LENGTH = 8
_NEW_BENIN_PREFIX = "01"


class MsisdnFault(StrEnum):
    MISSING = "missing"
    UNREADABLE = "unreadable"
    INVALID = "invalid"


_SENTENCES = {
    MsisdnFault.MISSING: "there is no phone number",
    MsisdnFault.UNREADABLE: "this cannot be read as a phone number",
    MsisdnFault.INVALID: "no network uses such a phone number",
}


class MsisdnError(ValueError):
    """Why a number could not be read, in `code`. The number itself is never in the message."""

    def __init__(self, code: MsisdnFault) -> None:
        super().__init__(_SENTENCES[code])
        self.code = code


def normalise(raw: str, region: str = "BJ") -> str:
    """The E.164 form of a number as typed, or as a callback gives it; national numbers are those of `region`.

    A leading space is a `+` that was not percent-encoded; `00` is a `+`; an 8-digit number of Bénin becomes
    the 10-digit one. MsisdnError when there is none, when it cannot be read, or when no network uses it (the
    numbering plans are those of the phonenumbers library: upgrading it opens new ranges).
    """
    if _is_plain_e164(raw, region):
        return raw
    if not raw.strip():
        raise MsisdnError(MsisdnFault.MISSING)
    digits = _SEPARATORS.sub("", unicodedata.normalize("NFKC", raw)) if len(raw) <= _TYPED_MAX else ""
    if not re.fullmatch(r"\+?\d{4,20}", digits):
        raise MsisdnError(MsisdnFault.UNREADABLE)
    readings = [digits]
    if digits.startswith("00"):
        readings = ["+" + digits[2:]]
    elif raw.startswith(" ") and not digits.startswith("+"):
        readings = ["+" + digits, digits]
    for reading in readings:
        e164 = _read(reading, region)
        if e164 is not None:
            return e164
    raise MsisdnError(MsisdnFault.INVALID)


def region_of(e164: str) -> str | None:
    """The ISO 3166 code of the number's country ("BJ"), or None when no country has such numbers."""
    country_code = _country_code(e164)
    if country_code is None:
        return None
    regions = COUNTRY_CODE_TO_REGION_CODE[country_code]
    if len(regions) == 1:
        return None if regions[0] == phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY else regions[0]
    try:
        region: str | None = phonenumbers.region_code_for_number(phonenumbers.parse(e164))
    except phonenumbers.NumberParseException:
        return None
    return region


def is_mobile(e164: str) -> bool:
    """Whether a number can be a mobile phone's: where plans do not tell them apart, it can."""
    try:
        kind = phonenumbers.number_type(phonenumbers.parse(e164, None))
    except phonenumbers.NumberParseException:
        return False
    return kind in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)


def national(e164: str) -> str:
    """The number as people at home write it: "01 97 00 00 00"; as given when it cannot be read."""
    try:
        return phonenumbers.format_number(phonenumbers.parse(e164), phonenumbers.PhoneNumberFormat.NATIONAL)
    except phonenumbers.NumberParseException:
        return e164


def mask(e164: str) -> str:
    """A number as logs and screens may show it: "+22901******00"; what is not E.164 is wholly hidden."""
    country_code = _country_code(e164)
    if country_code is None:
        return "***"
    prefix = len(str(country_code)) + 1
    national = e164[prefix:]
    hidden = len(national) - 4
    if hidden < 2:  # too short to show both ends without giving the number away
        return e164[:prefix] + "*" * len(national)
    return f"{e164[: prefix + 2]}{'*' * hidden}{national[-2:]}"


def _read(reading: str, region: str) -> str | None:
    try:
        number = phonenumbers.parse(reading, region)
        national = phonenumbers.national_significant_number(number)
        if number.country_code == _BENIN and len(national) == _OLD_BENIN_LENGTH:
            number = phonenumbers.parse(f"+{_BENIN}{_NEW_BENIN_PREFIX}{national}")
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _is_plain_e164(raw: str, region: str) -> bool:
    """Whether `raw` is already the E.164 form of a number of `region`: most are, and parsing is slow."""
    pattern = _plan(region)
    return pattern is not None and pattern.fullmatch(raw) is not None


@lru_cache(maxsize=32)
def _plan(region: str) -> re.Pattern[str] | None:
    """The E.164 numbers of people in `region`, by the library's own patterns; None for an unknown one."""
    metadata = PhoneMetadata.metadata_for_region(region, None)
    if metadata is None:
        return None
    kinds = (metadata.mobile, metadata.fixed_line, metadata.voip, metadata.personal_number)
    patterns = [kind.national_number_pattern for kind in kinds if kind and kind.national_number_pattern]
    return re.compile(rf"\+{metadata.country_code}(?:{'|'.join(patterns)})", re.ASCII) if patterns else None


def _country_code(e164: str) -> int | None:
    if not _E164.fullmatch(e164):
        return None
    for length in (1, 2, 3):
        country_code = int(e164[1 : 1 + length])
        if country_code in COUNTRY_CODE_TO_REGION_CODE:
            return country_code
    return None
