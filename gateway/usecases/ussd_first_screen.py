"""What stands before the first screen of a USSD dialogue: the privacy notice, once, and the offer to take up another.

Both answers are acts of the turn that gave them: the same turn gets the same again, and a rebuild finds them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway import logs
from gateway.engine import first_use, offers, session, walk
from gateway.store.db import StoreUnavailable
from gateway.store.saved_dialogues import Outcome, Settled
from gateway.usecases.arrivals import Arrival
from gateway.usecases.shelf import VersionLost
from gateway.usecases.transcripts import Kind, Plan, act_key
from gateway.usecases.turns import TurnError

if TYPE_CHECKING:
    from gateway.usecases.ussd import Attempt

#: Ordinals of these acts: those of the dialogue count from 0.
_OFFER, _NOTICE = -1, -2
_OUTCOMES: dict[offers.Choice, Outcome] = {"continue": "continued", "restart": "restarted", "disown": "disowned"}
#: Answers in which the notice's is looked for when a dialogue is rebuilt: it is among the first.
_NOTICE_WITHIN = 6


def greet(attempt: Attempt, todo: Plan) -> walk.Step | None:
    """What must be shown before the first screen, or what came of it when this transcript answered it; None: nothing.

    A tail that names a service goes there without an offer: whoever dials it knows where she wants to be.
    """
    parts = todo.parts if todo.kind is Kind.REPLAY else ()
    shortcut = bool(parts) and parts[0] in attempt.menus.shortcuts
    if parts and not shortcut:
        before = attempt.ussd.settled_by(_key(attempt, parts[0], _OFFER))
        if before is not None:
            return attempt.replay(taken_up(attempt, before, parts[0]), parts[1:], parts[0])
    arrival = attempt.ussd.arrive(attempt.caller())
    if arrival.language in attempt.menus.languages:
        attempt.language = arrival.language or attempt.language
    if arrival.notice:
        state = first_use.entered(attempt.menus, attempt.surface, attempt.language, parts, attempt.now)
        return first_use.notice(attempt.menus, attempt.surface, state, arrival.notice)
    told = _answered_before(attempt, arrival, parts)
    if told:
        state = first_use.entered(attempt.menus, attempt.surface, attempt.language, parts[: told - 1], attempt.now)
        prefix = "*".join(parts[:told])
        return attempt.replay(_shown(attempt, state, prefix), parts[told:], prefix)
    if arrival.waiting is None or shortcut:
        return None
    waiting = arrival.waiting
    return offers.offer(attempt.menus, attempt.surface, attempt.language, waiting.service, waiting.id)


def answer_notice(attempt: Attempt, state: session.State, typed: str, text: str) -> walk.Step:
    """The first screen, once the notice was read; `text` is the transcript up to there."""
    menus = attempt.menus = attempt.ussd.shelf.current
    if not first_use.goes_on(menus, typed):
        state = session.copy_of(state)
        return first_use.notice(menus, attempt.surface, state, state.notice, "error_choice")
    attempt.must_be_latest()
    try:
        attempt.ussd.note_notice(attempt.caller(), state.notice, _key(attempt, text, _NOTICE))
    except StoreUnavailable as error:  # shown again next time: nobody is kept from her demand by it
        logs.event("notice.not_noted", level="warning", why=error.why)
    tail = next((digits for digits, service in menus.shortcuts.items() if service == state.service), None)
    fresh = first_use.entered(menus, attempt.surface, attempt.language, (tail,) if tail else (), attempt.now)
    return _shown(attempt, fresh, text)


def answer_offer(attempt: Attempt, state: session.State, typed: str, text: str) -> walk.Step:
    """What the citizen decided about the offer on her screen; `text` is the transcript up to there."""
    choice = offers.read(attempt.menus, typed)
    if choice is None:
        return offers.offer(
            attempt.menus, attempt.surface, state.language, state.search, state.offered, mistake="error_choice"
        )
    if choice != "disown":
        ussd, begun = attempt.ussd, choice == "continue"
        barred = ussd.barred(state.search, state.language, ussd.timezone, begun=begun)
        if barred is not None:  # it is left where it waits until the service is open again
            return walk.Step(state, walk.closing(attempt.menus, attempt.surface, state, barred.key, barred.values))
    attempt.must_be_latest()
    settled = attempt.ussd.settle_offer(state.offered, _OUTCOMES[choice], _key(attempt, text, _OFFER))
    return taken_up(attempt, settled, text)


def taken_up(attempt: Attempt, settled: Settled | None, text: str) -> walk.Step:
    """The screen that follows the answer to an offer. `settled` None: it was taken up elsewhere, or expired."""
    menus, surface = attempt.ussd.shelf.current, attempt.surface
    attempt.menus = menus
    if settled is None or settled.outcome == "disowned" or settled.service not in menus.services:
        notice = "error_lost" if settled is None else ""
        opened = walk.open_dialogue(menus, surface, attempt.language, attempt.now, (), notice)
    elif settled.outcome == "restarted":
        opened = walk.open_service(menus, surface, attempt.language, settled.service, attempt.now)
    else:
        state = session.decode(settled.state)
        try:
            menus = attempt.menus = attempt.ussd.shelf.version(state.menus)
            opened = walk.taken_up(menus, surface, state, attempt.now)
        except VersionLost:
            opened = walk.open_service(menus, surface, settled.language, settled.service, attempt.now)
    return _reached(attempt, opened, text)


def _answered_before(attempt: Attempt, arrival: Arrival, parts: tuple[str, ...]) -> int:
    """How many parts of a lost transcript came up to the answer to the notice, 0 when it was not shown in it."""
    if not parts or arrival.told_at is None:
        return 0
    if (attempt.now - arrival.told_at).total_seconds() > attempt.ussd.session_s(attempt.turn.network):
        return 0
    for count in range(1, min(len(parts), _NOTICE_WITHIN) + 1):
        if attempt.ussd.find_act(_key(attempt, "*".join(parts[:count]), _NOTICE)) is not None:
            return count
    return 0


def _shown(attempt: Attempt, state: session.State, text: str) -> walk.Step:
    return _reached(attempt, walk.again(attempt.menus, attempt.surface, state, attempt.now), text)


def _reached(attempt: Attempt, opened: walk.Step, text: str) -> walk.Step:
    reached = attempt.settle(opened, text, replay=True)
    if reached is None:  # it stopped just before its act: shown where it was asked, never done unasked
        raise TurnError("act_at_entry")
    return reached


def _key(attempt: Attempt, text: str, ordinal: int) -> bytes:
    return act_key(attempt.turn, text, attempt.body, attempt.version, ordinal, attempt.ussd.digest)
