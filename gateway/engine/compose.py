"""The sentences that the gateway says by itself, from menus/messages.yaml: SMS, errors, closing screens."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.engine.wording import filled, filtered, in_language
from gateway.menu.model import Menus


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
