"""The one-time code before an act: sent when the act is reached, asked for on a screen of the gateway's own.

A menu only says that a service or an act needs one. While a code is awaited the dialogue stands at its act; when the
code was right the act is done in the same turn.
"""

from __future__ import annotations

from gateway.engine.compose import text as message
from gateway.engine.outcomes import Act, ActAnswer
from gateway.engine.places import Turn
from gateway.engine.wording import folded
from gateway.menu import model
from gateway.menu.assurance import always_needs_code
from gateway.text import pages

#: What `State.challenge` says. A code that replaces an expired one is announced as such.
ASKED, EXPIRED, RENEWED, PROVED = "asked", "expired", "renewed", "proved"
SEND, CHECK = "send_code", "check_code"
DIGITS = 6


def needed(turn: Turn) -> bool:
    """Whether the act of the screen is done only after a one-time code: who speaks for somebody else needs one too."""
    verb = turn.screen.verb
    if always_needs_code(turn.service, verb):
        return True
    values = turn.state.values
    return isinstance(verb, model.Submit) and any(
        name in values and values[name][0] != "" for name in (verb.number, verb.relation)
    )


def purpose(turn: Turn) -> str:
    """What the code is for: it opens nothing else."""
    return turn.name


def before(turn: Turn) -> Act | None:
    """The sending of a code, when the act of the screen needs one that was not asked for yet."""
    state = turn.state
    if state.challenge not in ("", EXPIRED) or not needed(turn):
        return None
    return Act(SEND, state.service, state.acts, {}, state.menus, purpose(turn))


def awaited(turn: Turn) -> bool:
    """Whether the next answer is a code."""
    return turn.state.challenge in (ASKED, RENEWED)


def is_open(turn: Turn) -> bool:
    """Whether an act's answer is about the code, not about the act itself."""
    return isinstance(turn.screen.verb, model.Submit | model.Do) and needed(turn) and turn.state.challenge != PROVED


def is_code(typed: str) -> bool:
    """Whether what was typed has the form of a code; spaces do not count."""
    digits = "".join(typed.split())
    return len(digits) == DIGITS and digits.isascii() and digits.isdigit()


def check(turn: Turn, typed: str) -> Act:
    """The checking of what was typed; it is kept nowhere else."""
    state = turn.state
    return Act(CHECK, state.service, state.acts, {"code": "".join(typed.split())}, state.menus, purpose(turn))


def take(turn: Turn, answer: ActAnswer) -> None:
    """Where the sending or the checking of a code leads."""
    state = turn.state
    state.acts += 1
    state.trail.clear()  # Back never crosses an act
    if not awaited(turn):
        state.challenge = RENEWED if state.challenge == EXPIRED else ASKED
    elif answer.outcome == PROVED:
        state.challenge = PROVED
    elif answer.outcome == EXPIRED:
        state.challenge = EXPIRED  # another one is sent
    else:
        state.challenge = ASKED


def question(turn: Turn, above: str = "") -> str:
    """The screen that asks for the code, under the sentence `above`."""
    surface, language = turn.surface, turn.state.language
    said = message(turn.menus, "code_ask", language, {"code": surface.rules.service_code})
    if not above and turn.state.challenge == RENEWED:
        above = message(turn.menus, "error_code_expired", language, {})
    text = f"{above}\n{said}" if above else said
    return pages.cut(folded(text, surface.alphabet), surface.max_units, surface.alphabet)
