"""The sentences that the gateway says by itself, from menus/messages.yaml: SMS, errors, closing screens."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.engine.outcomes import Saved
from gateway.engine.wording import filled, filtered, fitted, in_language
from gateway.menu.model import Lookup, Menus


class ComposeError(Exception):
    """menus/messages.yaml has no such key: a fault of the program, which `gateway check` finds."""


def text(menus: Menus, key: str, language: str, values: Mapping[str, str]) -> str:
    """The sentence `key` in `language`, else in the default language; a place that has no value stays empty.

    Not transliterated: the caller knows where it goes. Raises ComposeError for an unknown key only.
    """
    message = menus.messages.get(key)
    if message is None:
        raise ComposeError(key)
    source = in_language(message.by_language, language, menus.languages[0])
    return filled(source, lambda place: filtered(place.filter, values.get(place.name, "")), lambda _: "")


def late_answer(
    menus: Menus, service: str, screen: str, outcome: str, language: str, values: Mapping[str, Saved], code: str
) -> str | None:
    """The SMS that brings the answer of a screen's lookup; None when these menus have none for this outcome."""
    found = menus.services.get(service)
    verb = found.screens[screen].verb if found is not None and screen in found.screens else None
    if not isinstance(verb, Lookup) or outcome not in verb.later:
        return None
    shown = {"code": code, **dict.fromkeys(verb.saves, "")}
    for name, size in verb.saves.items():
        if name in values:
            shown[name] = fitted(values[name].shown or str(values[name].raw), size, "gsm7")
    source = in_language(verb.later[outcome].by_language, language, menus.languages[0])
    return filled(source, lambda place: filtered(place.filter, shown.get(place.name, "")), lambda _: "")
