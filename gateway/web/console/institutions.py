"""The institutions of the platform and who manages them."""

from __future__ import annotations

from flask import Response

from gateway.usecases import people
from gateway.usecases.actors import PLATFORM_ROLES, Absent, Right
from gateway.web.console import pages
from gateway.web.console.people import name_of
from gateway.web.console.screens import Screen, Visit
from gateway.web.console.words.people import WORDS


def institutions(visit: Visit) -> Response:
    if not visit.actor.roles & PLATFORM_ROLES:
        raise Absent
    found = people.managers(visit.parts, visit.actor)
    lines = [(one, name_of(visit, one), managers) for one, managers in found.items()]
    may_invite = {one for one in found if people.givable(visit.actor, one)}
    return pages.page(visit, "institutions.html", WORDS, lines=lines, may_invite=may_invite)


SCREENS = (Screen("/institutions", institutions, right=Right.SEE_PEOPLE),)
