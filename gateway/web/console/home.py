"""What waits for whoever signed in. Each subject adds what it knows to WAITING."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Response, url_for

from gateway.messages import CampaignState, Role
from gateway.usecases import campaigns, desk, desk_people, own_account, people
from gateway.usecases.actors import Right
from gateway.web.console import pages
from gateway.web.console.screens import Screen, Visit, has
from gateway.web.console.words.home import WORDS

#: More campaigns than this are not counted one by one.
_COUNTED = 100


@dataclass(frozen=True, slots=True)
class Waiting:
    """One thing that waits: `words` is its key in words/home.py, with {count}."""

    words: str
    count: int
    address: str


def home(visit: Visit) -> Response:
    found = [one for look in WAITING for one in look(visit)]
    return pages.page(visit, "home.html", WORDS, waiting=found)


def _few_codes(visit: Visit) -> list[Waiting]:
    person = visit.known.person
    left = own_account.codes_left(visit.parts, person.id)
    few = left < 3 and (left > 0 or not person.has_totp)
    return [Waiting("few_codes", left, url_for("console.card"))] if few else []


def _not_joined(visit: Visit) -> list[Waiting]:
    if not has(visit.actor, Right.MANAGE_PEOPLE):
        return []
    institution = visit.actor.institution
    listed = people.list_(visit.parts, visit.actor, institution, limit=500)
    count = sum(not one.ready and one.enabled for one in listed)
    return [Waiting("not_joined", count, url_for("console.own_people"))] if count else []


def _without_manager(visit: Visit) -> list[Waiting]:
    if Role.ADMINISTRATOR not in visit.actor.roles:
        return []
    found = people.managers(visit.parts, visit.actor)
    count = sum(not any(one.enabled for one in managers) for managers in found.values())
    return [Waiting("without_manager", count, url_for("console.institutions"))] if count else []


def _stopped(visit: Visit) -> list[Waiting]:
    count = len(visit.parts.stops.active()) if has(visit.actor, Right.STOP) else 0
    return [Waiting("stopped", count, url_for("console.stops"))] if count else []


def _to_approve(visit: Visit) -> list[Waiting]:
    return _campaigns(visit, Right.APPROVE, CampaignState.WAITING, "to_approve")


def _to_send(visit: Visit) -> list[Waiting]:
    return _campaigns(visit, Right.SEND, CampaignState.READY, "to_send")


def _campaigns(visit: Visit, right: Right, state: CampaignState, words: str) -> list[Waiting]:
    institution = visit.actor.institution
    if institution is None or not visit.actor.may(right, institution):
        return []
    count = len(campaigns.list_(visit.parts, visit.actor, institution, _COUNTED, states=(state,)))
    return [Waiting(words, count, url_for("console.notifications", state=state))] if count else []


def _unread(visit: Visit) -> list[Waiting]:
    institution = visit.actor.institution
    if institution is None or not visit.actor.may(Right.HANDLE_DEMANDS, institution):
        return []
    count = desk.counts(visit.parts, desk_people.agent_of(visit.actor)).unread
    return [Waiting("unread", count, url_for("console.demands", unread="yes"))] if count else []


WAITING: tuple[Callable[[Visit], list[Waiting]], ...] = (
    _stopped, _without_manager, _not_joined, _to_approve, _to_send, _unread, _few_codes,
)  # fmt: skip

SCREENS = (Screen("/", home),)
