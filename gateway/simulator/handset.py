"""What a basic phone's screen really shows of the text that a gateway sends."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.text import gsm7

#: One USSD page: 160 octets hold 182 septets (3GPP TS 24.080, ussd-DataString; 3GPP TS 23.038 §6.1.2.3).
PAGE_SEPTETS = 182

#: What French phones say when the network gives no usable answer.
NETWORK_ERROR = "Problème de connexion ou code IHM non valide."


@dataclass(frozen=True, slots=True)
class Screen:
    """One page. `units` are septets of the whole text as sent; `foreign` are characters the phone lacks."""

    text: str
    units: int
    cut: bool = False
    foreign: tuple[str, ...] = ()


def show(text: str) -> Screen:
    """The page a handset shows: what is outside its alphabet becomes `?`, what passes 182 septets is lost."""
    foreign = tuple(dict.fromkeys(character for character in text if not gsm7.encodable(character)))
    shown: list[str] = []
    units = kept = 0
    for character in text:
        seen = "?" if character in foreign else character
        units += gsm7.septets(seen)
        if units <= PAGE_SEPTETS:
            shown.append(seen)
            kept = units
    return Screen("".join(shown), units, kept < units, foreign)
