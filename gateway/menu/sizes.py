"""The greatest size of each value that a text may show, in characters of the handset's alphabet."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.menu.message_keys import PROMISED_DATE_SIZE, REFERENCE_SIZE
from gateway.menu.model import Ask, AskType, CallHandler, Lookup, Pick, Service, Submit

#: An answer as shown, when its question sets no `max`.
ASK_SIZES: Mapping[AskType, int] = {
    "text": 160,
    "digits": 20,
    "amount": 11,  # "999 999 999"
    "date": 10,  # "12/05/1990"
    "msisdn": 16,  # "+" and the 15 digits of E.164
    "npi": 20,  # 10 by default, but the pattern is a setting
    "ifu": 13,
    "reference": REFERENCE_SIZE,
    "secret": 0,  # never shown
    "pattern": 160,
}
#: What a demand gives back once stored.
SUBMITTED_SIZES: Mapping[str, int] = {"reference": REFERENCE_SIZE, "promised_date": PROMISED_DATE_SIZE}


def kept(service: Service) -> dict[str, int]:
    """Every value that some screen of the service keeps, with its greatest size as shown."""
    sizes: dict[str, int] = {}
    for screen in service.screens.values():
        for name, size in _kept_by(screen.verb).items():
            sizes[name] = max(size, sizes.get(name, 0))
    return sizes


def _kept_by(verb: object) -> Mapping[str, int]:
    match verb:
        case Ask(type="secret"):
            return {}
        case Ask(type=type_, save=save, maximum=maximum):
            by_length = type_ in ("text", "digits", "pattern") and maximum is not None
            return {save: maximum if by_length and maximum is not None else ASK_SIZES[type_]}
        case Pick(save=save, maximum=maximum):
            return {save: maximum}
        case Lookup(saves=saves) | CallHandler(saves=saves):
            return saves
        case Submit():
            return SUBMITTED_SIZES
    return {}


def shown(size: int, filter_: str | None) -> int:
    """The greatest size once filtered: `last4` shows four characters, `mask` as many as the value."""
    return min(size, 4) if filter_ == "last4" else size
