"""The offer to take up a dialogue that dropped: go on, start again, or "it was not me"."""

from __future__ import annotations

from typing import Literal

from gateway.engine.compose import text as message
from gateway.engine.outcomes import Reply
from gateway.engine.session import State
from gateway.engine.step import Step
from gateway.engine.surface import Surface
from gateway.engine.wording import folded, in_language
from gateway.menu.model import ROOT, Menus
from gateway.text import pages, transliterate

Choice = Literal["continue", "restart", "disown"]

#: What the offer is called in logs and statistics.
SCREEN = f"{ROOT}.reprise"
#: In the order of their numbers; each with the key of its words in menus/messages.yaml.
_CHOICES: tuple[tuple[Choice, str], ...] = (
    ("continue", "resume_yes"),
    ("restart", "resume_no"),
    ("disown", "resume_other"),
)


def offer(menus: Menus, surface: Surface, language: str, service: str, offered: int, mistake: str = "") -> Step:
    """The offer of the saved dialogue `offered`, of that service: its title only, nothing that was typed in it.

    `mistake`: the key of the sentence to say above it, "" for none.
    """
    known = language if language in menus.languages else menus.languages[0]
    titled = menus.services.get(service)
    titles = (titled.short_title or titled.title).by_language if titled else {}
    said = message(menus, "resume_offer", known, {"service": in_language(titles, known, menus.languages[0])})
    above = [message(menus, mistake, known, {})] if mistake else []
    lines = [f"{place}.{message(menus, key, known, {})}" for place, (_, key) in enumerate(_CHOICES, 1)]
    text = folded("\n".join([*above, said, *lines]), surface.alphabet)
    state = State(menus.version, known, ROOT, menus.services[ROOT].start, search=service, offered=offered)
    return Step(state, Reply(pages.cut(text, surface.max_units, surface.alphabet), False, SCREEN), bool(mistake))


def labels(menus: Menus) -> frozenset[str]:
    """The words of the offer in every language, folded."""
    return frozenset(
        transliterate.fold(message(menus, key, language, {})) for _, key in _CHOICES for language in menus.languages
    )


def read(menus: Menus, typed: str) -> Choice | None:
    """What was chosen, by its number or by its words in any language; None: nothing that was offered."""
    wanted = transliterate.fold(typed[:64])
    for place, (choice, key) in enumerate(_CHOICES, 1):
        labels = {transliterate.fold(message(menus, key, language, {})) for language in menus.languages}
        if wanted == str(place) or wanted in labels:
            return choice
    return None
