"""Where a dialogue is shown: the size and alphabet of a screen, its keys, and what the operator's settings decide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Alphabet = Literal["gsm7", "ucs2"]


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys that belong to the gateway. On a screen where one of them is a possible answer, it is an answer."""

    back: str = "0"
    home: str = "00"
    more: str = "98"


@dataclass(frozen=True, slots=True)
class Rules:
    """What the operator's settings decide about answers and texts."""

    npi_pattern: str = r"^\d{10}$"
    region: str = "BJ"  #: of a phone number typed without its country
    service_code: str = "*229#"  #: said by {code}
    max_turns: int = 120  #: after so many answers the dialogue is closed


#: The shipped ones.
KEYS = Keys()
RULES = Rules()


@dataclass(frozen=True, slots=True)
class Surface:
    """One kind of screen: `max_units` are septets when `alphabet` is gsm7, UTF-16 units when it is ucs2."""

    max_units: int
    alphabet: Alphabet
    kind: Literal["ussd", "sms"] = "ussd"
    keys: Keys = KEYS
    rules: Rules = RULES
