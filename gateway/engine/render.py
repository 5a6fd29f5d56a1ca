"""What a screen looks like on one handset: its text, its numbered lines and its keys, cut into pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from gateway.engine import answers, picking
from gateway.engine.compose import text as message
from gateway.engine.declared import sources
from gateway.engine.session import State
from gateway.engine.surface import KEYS, RULES, Keys, Rules, Surface
from gateway.engine.wording import Wording, folded
from gateway.menu import templates
from gateway.menu.expressions import BUILTIN_NAMES, evaluate
from gateway.menu.model import ROOT, Ask, Choice, End, Menus, Pick, Screen, Service
from gateway.text import pages
from gateway.text.segments import units

__all__ = [
    "KEYS",
    "RULES",
    "Keys",
    "Rules",
    "Shown",
    "Surface",
    "can_go_back",
    "choices",
    "closing",
    "keys_free",
    "raw_values",
    "show",
]

#: The hint to type letters stands under the question of a list that surely takes several pages.
_SEARCH_HINT_FROM = 12
_PLANS_KEPT = 4096


@dataclass(frozen=True, slots=True)
class Shown:
    """One page of a screen. `lines` is how many lines are on it; `more` tells whether another page follows."""

    text: str
    lines: int
    more: bool


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is known of a screen on a surface in a language before any dialogue."""

    screen: Screen
    fixed: bool  #: it has nothing to fill: its pages are the same for everybody
    keys: frozenset[str]  #: those of the gateway that are no possible answer here
    pages: dict[tuple[int, int, bool, bool], Shown]  #: by first line, page, Back, Home


def show(menus: Menus, surface: Surface, state: State, service: Service, screen: Screen, above: str = "") -> Shown:
    """The part of the screen where `state` is, under the sentence `above` when there is one.

    That sentence takes its room from the same page, so that bad input on page 2 stays on page 2.
    """
    plan = _plan(menus, surface, state, service, screen)
    back = can_go_back(state) and not isinstance(screen.verb, End)
    home = back and len(state.trail) > 1
    key = (state.first, state.page, back, home)
    kept = not above and not state.search and plan.fixed
    if kept and (known := plan.pages.get(key)) is not None:
        return known
    shown = _page(Wording(menus, surface, state, service), plan, above, back=back, home=home)
    if kept:
        plan.pages[key] = shown
    return shown


def choices(state: State, screen: Screen) -> tuple[Choice, ...]:
    """The choices that their conditions let through, in order."""
    if all(choice.when is None for choice in screen.choices):
        return screen.choices
    values = raw_values(state)
    return tuple(choice for choice in screen.choices if choice.when is None or evaluate(choice.when, values))


def raw_values(state: State) -> dict[str, str | int]:
    """What conditions and arguments are made of: the kept answers and the language."""
    return {"language": state.language, **{name: value[0] for name, value in state.values.items()}}


def can_go_back(state: State) -> bool:
    """Whether there is something before what is shown; the first screen of a service comes after the root menu."""
    return bool(state.trail or state.first or state.page or state.search or state.service != ROOT)


def keys_free(menus: Menus, surface: Surface, state: State, service: Service, screen: Screen) -> frozenset[str]:
    """The gateway's keys that are keys on this screen, no answer to it being written like them."""
    return _plan(menus, surface, state, service, screen).keys


def closing(
    menus: Menus, surface: Surface, language: str, key: str, values: Mapping[str, str] = MappingProxyType({})
) -> str:
    """A sentence of menus/messages.yaml as a last screen."""
    sentence = message(menus, key, language, {"code": surface.rules.service_code, **values})
    return pages.cut(folded(sentence, surface.alphabet), surface.max_units, surface.alphabet)


def _plan(menus: Menus, surface: Surface, state: State, service: Service, screen: Screen) -> _Plan:
    key = (menus.version, service.id, screen.id, state.language, surface)
    plan = _plans.get(key)
    if plan is None or plan.screen is not screen:
        if len(_plans) >= _PLANS_KEPT:
            _plans.clear()
        plan = _plans[key] = _Plan(screen, _is_fixed(menus, screen), _free(surface, screen), {})
    return plan


def _is_fixed(menus: Menus, screen: Screen) -> bool:
    if isinstance(screen.verb, Pick) and screen.verb.moving:
        return False
    pieces = [piece for source in sources(screen) for piece in templates.parse(source)]
    conditions = [choice.when.names for choice in screen.choices if choice.when is not None]
    # The language, the one name that conditions have beside kept answers, is known: a plan is for one language.
    return all(_is_published(menus, piece) for piece in pieces) and all(names <= BUILTIN_NAMES for names in conditions)


def _is_published(menus: Menus, piece: templates.Piece) -> bool:
    """Whether this piece of a text is part of the menus, not of a dialogue."""
    if isinstance(piece, templates.CataloguePlaceholder):
        return piece.entry is None or piece.entry in menus.catalogue
    return isinstance(piece, str)


def _free(surface: Surface, screen: Screen) -> frozenset[str]:
    keys = {surface.keys.back, surface.keys.home, surface.keys.more}
    verb = screen.verb
    if isinstance(verb, Ask):
        keys = {key for key in keys if not answers.could_be(verb, key, surface.rules)}
    return frozenset(keys)


def _page(wording: Wording, plan: _Plan, above: str, *, back: bool, home: bool) -> Shown:
    menus, surface, state, screen = wording.menus, wording.surface, wording.state, plan.screen
    labels = [wording.text(choice.label) for choice in choices(state, screen)]
    head = wording.text(screen.say) if screen.say is not None and state.first == 0 else ""
    number = state.first + 1
    if isinstance(screen.verb, Pick):
        items = picking.lines(menus, surface, state, screen.verb).labels
        if head and screen.verb.search and not state.search and len(items) >= _SEARCH_HINT_FROM:
            head += "\n" + folded(message(menus, "search_hint", state.language, {}), surface.alphabet)
        labels = _window(items, labels, state.first, surface.max_units)
        number = 1  # lists are numbered anew on each page: one key press to choose
    else:
        labels = labels[state.first :]
    top, room = _above(above, surface)
    lines = [f"{place}.{label}" for place, label in enumerate(labels, number)]
    foot = _foot(menus, surface, state.language, plan.keys, back=back)
    every = pages.paginate(head, lines, foot, room, surface.alphabet)
    place = min(state.page, len(every) - 1)
    page = every[place]
    more = place + 1 < len(every)
    text = page.text
    if home and not more and foot.back is not None and surface.keys.home in plan.keys:
        text = _with_home(menus, surface, state.language, text, room)
    return Shown(top + text, page.line_count, more)


def _window(items: Sequence[str], labels: list[str], first: int, max_units: int) -> list[str]:
    """The lines from `first` on, but no more than a page and one line can hold: "1." and a newline are 3 units."""
    window = list(items[first : first + max_units // 3 + 1])
    return window + labels[max(0, first - len(items)) :]


def _foot(menus: Menus, surface: Surface, language: str, free: frozenset[str], *, back: bool) -> pages.Footer:
    """The keys under a page. By SMS only "more" is said: the others work and cost too much."""

    def key(name: str, digits: str) -> str | None:
        return _key(menus, surface, language, name, digits) if digits in free else None

    return pages.Footer(
        back=key("key_back", surface.keys.back) if back and surface.kind == "ussd" else None,
        more=key("key_more", surface.keys.more),
    )


def _with_home(menus: Menus, surface: Surface, language: str, page: str, room: int) -> str:
    """The last page of a screen with the Home key where there is room left: it is never worth another page."""
    said = page + " " + _key(menus, surface, language, "key_home", surface.keys.home)
    return said if units(said, surface.alphabet) <= room else page


def _key(menus: Menus, surface: Surface, language: str, name: str, digits: str) -> str:
    return f"{digits}.{folded(message(menus, name, language, {}), surface.alphabet)}"


def _above(sentence: str, surface: Surface) -> tuple[str, int]:
    """The sentence above the screen, at most half of it, and the units left under it."""
    if not sentence:
        return "", surface.max_units
    top = pages.cut(folded(sentence, surface.alphabet), surface.max_units // 2, surface.alphabet) + "\n"
    return top, surface.max_units - units(top, surface.alphabet)


_plans: dict[tuple[str, str, str, str, Surface], _Plan] = {}
