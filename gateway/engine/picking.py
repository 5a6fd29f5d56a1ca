"""The lines of a list on a screen: all of them, or those that the typed letters leave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.engine.outcomes import Item
from gateway.engine.session import MAX_ITEM_BYTES, MAX_ITEMS, State
from gateway.engine.surface import Alphabet, Surface
from gateway.engine.wording import fitted, in_language
from gateway.menu.model import ListItem, Menus, Pick
from gateway.text import transliterate

_LISTS_KEPT = 256


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines in their order. Labels are ready to show; `folded` are the full ones, for searching."""

    ids: Sequence[str]
    labels: Sequence[str]
    folded: Sequence[str]


def lines(menus: Menus, surface: Surface, state: State, pick: Pick) -> Lines:
    """The lines of the screen under way; those of a moving list are what its source last answered."""
    if pick.moving:
        items = state.items or []
        labels = [label for _, label in items]
        every = Lines([id_ for id_, _ in items], labels, [transliterate.fold(label) for label in labels])
    else:
        every = _list(menus, pick, state.language, surface.alphabet)
    return narrowed(every, state.search) if state.search else every


def narrowed(every: Lines, search: str) -> Lines:
    """The lines with a word that starts with `search`, a folded text; several words match in a row."""
    wanted = " " + search
    places = [place for place, label in enumerate(every.folded) if wanted in " " + label]
    return Lines(
        [every.ids[place] for place in places],
        [every.labels[place] for place in places],
        [every.folded[place] for place in places],
    )


def kept_items(items: Sequence[Item], pick: Pick, alphabet: Alphabet) -> list[tuple[str, str]]:
    """What the state keeps of a source's lines: the first ones, as many as it has room for."""
    kept: list[tuple[str, str]] = []
    room = MAX_ITEM_BYTES
    for item in items[:MAX_ITEMS]:
        label = fitted(item.label, pick.maximum, alphabet)
        room -= len(item.id.encode()) + len(label.encode())
        if room < 0:
            break
        kept.append((item.id, label))
    return kept


def _list(menus: Menus, pick: Pick, language: str, alphabet: Alphabet) -> Lines:
    """A list of menus/lists/, made ready once for each language and alphabet: it may have a thousand lines."""
    items = menus.lists.get(pick.source, ())
    key = (menus.version, pick.source, language, alphabet, pick.maximum)
    known = _known.get(key)
    if known is None or known[0] is not items:
        if len(_known) >= _LISTS_KEPT:
            _known.clear()
        labels = [in_language(item.label.by_language, language, menus.languages[0]) for item in items]
        ready = Lines(
            tuple(item.id for item in items),
            tuple(fitted(label, pick.maximum, alphabet) for label in labels),
            tuple(transliterate.fold(label) for label in labels),
        )
        known = _known[key] = (items, ready)
    return known[1]


_known: dict[tuple[str, str, str, Alphabet, int], tuple[tuple[ListItem, ...], Lines]] = {}
