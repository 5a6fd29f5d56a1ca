"""Questions: lengths, forms, what is personal, and numbers that could be an answer."""

from __future__ import annotations

import re
from collections.abc import Mapping

from gateway.menu.inspection import Inspection
from gateway.menu.model import Ask, AskType, CallHandler, Screen, Service
from gateway.menu.patterns import is_slow
from gateway.menu.services import leaves

#: A longer text is not typed on a keypad before the network hangs up.
LONGEST: Mapping[AskType, int] = {"text": 40, "pattern": 40, "digits": 20, "secret": 12}
#: Francs. A larger one would not be shown whole (sizes.ASK_SIZES).
LARGEST_AMOUNT = 999_999_999
#: Types whose answer is always about a person.
PERSONAL_TYPES: frozenset[AskType] = frozenset({"npi", "ifu", "msisdn"})
#: Which keys mean something for which types.
KEYS_OF: Mapping[str, frozenset[AskType]] = {
    "min": frozenset({"text", "digits", "amount", "secret", "pattern"}),
    "max": frozenset({"text", "digits", "amount", "secret", "pattern"}),
    "pattern": frozenset({"pattern", "npi", "ifu"}),
    "precision": frozenset({"date"}),
}


def check_questions(inspection: Inspection) -> None:
    """Every `ask` of the services that were wholly read: a type that is not known has no greatest length."""
    for service in inspection.sound():
        for screen in service.screens.values():
            if isinstance(screen.verb, Ask):
                _keys(inspection, screen.verb)
                _lengths(inspection, screen.verb)
                _pattern(inspection, screen.verb)
                _personal(inspection, service, screen.verb)
                _choices(inspection, screen, screen.verb)


def _keys(inspection: Inspection, ask: Ask) -> None:
    written = {
        "min": ask.minimum is not None,
        "max": ask.maximum is not None,
        "pattern": ask.pattern is not None,
        "precision": ask.precisions != ("day",),
    }
    for key, types in KEYS_OF.items():
        if written[key] and ask.type not in types:
            inspection.fault("not_for_type", ask.mark, key=key, type=ask.type)


def _lengths(inspection: Inspection, ask: Ask) -> None:
    most = LONGEST.get(ask.type)
    if most is not None and ask.maximum is None:
        inspection.fault("missing_max", ask.mark, type=ask.type)
    elif most is not None and ask.maximum is not None and ask.maximum > most:
        inspection.fault("max_too_large", ask.mark, type=ask.type, value=str(ask.maximum), most=str(most))
    if ask.type == "amount" and (ask.maximum or 0) > LARGEST_AMOUNT:
        inspection.fault("max_too_large", ask.mark, type=ask.type, value=str(ask.maximum), most=str(LARGEST_AMOUNT))
    if ask.minimum is not None and ask.maximum is not None and ask.minimum > ask.maximum:
        inspection.fault("min_over_max", ask.mark, minimum=str(ask.minimum), maximum=str(ask.maximum))


def _pattern(inspection: Inspection, ask: Ask) -> None:
    if ask.pattern is None:
        if ask.type == "pattern":
            inspection.fault("missing_pattern", ask.mark)
        return
    try:
        slow = is_slow(ask.pattern)
    except (re.error, OverflowError, RecursionError):
        inspection.fault("bad_pattern", ask.mark, pattern=ask.pattern)
        return
    if slow:
        inspection.fault("slow_pattern", ask.mark, pattern=ask.pattern)


def _personal(inspection: Inspection, service: Service, ask: Ask) -> None:
    if ask.type in PERSONAL_TYPES and ask.personal == "none":
        inspection.fault("not_personal", ask.mark, type=ask.type, wanted="yes")
    if ask.type == "secret" and ask.personal != "secret":
        inspection.fault("not_personal", ask.mark, type=ask.type, wanted="secret")
    if ask.type != "secret" and ask.personal == "secret":
        inspection.fault("secret_type", ask.mark)
    following = service.screens.get(ask.go)
    # Also when it leaves the service; a target that does not exist has been said.
    if ask.type == "secret" and (
        leaves(ask.go, service) if following is None else not isinstance(following.verb, CallHandler)
    ):
        inspection.fault("secret_not_called", ask.mark)


def _choices(inspection: Inspection, screen: Screen, ask: Ask) -> None:
    for number, choice in enumerate(screen.choices, 1):
        if could_be(ask, str(number), inspection.world.npi_pattern):
            inspection.fault("choice_is_an_answer", choice.mark, number=str(number), choice=choice.id)


def could_be(ask: Ask, digits: str, npi_pattern: str) -> bool:
    """Whether a citizen's answer to the question may be these few digits."""
    match ask.type:
        case "text" | "digits":
            return (ask.minimum or 1) <= len(digits) <= (ask.maximum or 160)
        case "secret":
            return (ask.minimum or 4) <= len(digits)
        case "amount":
            least, most = ask.minimum or 0, ask.maximum
            return least <= int(digits) and (most is None or int(digits) <= most)
        case "npi":
            return _matches(ask.pattern or npi_pattern, digits)
        case "ifu" | "pattern":
            return ask.pattern is not None and _matches(ask.pattern, digits)
    return False  # a date, a phone number and a reference have at least four digits


def _matches(pattern: str, digits: str) -> bool:
    try:
        return not is_slow(pattern) and re.fullmatch(pattern, digits) is not None
    except (re.error, OverflowError, RecursionError):
        return False
