"""People of an institution, or of the platform: list, invite, roles, reset, disable."""

from __future__ import annotations

from flask import Response, request, url_for

from gateway.messages import Role
from gateway.usecases import people
from gateway.usecases.actors import Absent, Right
from gateway.usecases.people import Invited, NewPerson, PeopleFault, PeopleRefused
from gateway.web.console import pages
from gateway.web.console.screens import PLATFORM, ROW, Screen, Visit, asked_for, institution_of, row_asked_for
from gateway.web.console.words.people import WORDS

_PAGE = 25
_SEARCH_MAX = 60
#: The field that a fault belongs to.
_FIELDS = {PeopleFault.LOGIN: "login", PeopleFault.TAKEN: "login", PeopleFault.NAME: "name"}


def own_people(visit: Visit) -> Response:
    """To the people of one's own institution, or of the platform."""
    return pages.went(url_for("console.people_of", institution=visit.actor.institution or PLATFORM))


def people_of(visit: Visit, institution: str) -> Response:
    where = _declared(visit, institution)
    after = row_asked_for("after") or 0
    search = asked_for("q", _SEARCH_MAX)
    found = people.list_(visit.parts, visit.actor, where, after, _PAGE + 1, search)
    return pages.page(
        visit,
        "people.html",
        WORDS,
        where=institution,
        title=name_of(visit, where),
        people=found[:_PAGE],
        more=found[_PAGE - 1].id if len(found) > _PAGE else 0,
        after=after,
        search=search,
        may_invite=bool(people.givable(visit.actor, where)),
    )


def invite(visit: Visit, institution: str) -> Response:
    where = _declared(visit, institution)
    visit.actor.must(Right.MANAGE_PEOPLE, where)
    given = people.givable(visit.actor, where)
    typed = {name: request.form.get(name, "")[:120] for name in ("login", "name", "language")}
    errors: dict[str, str] = {}
    if request.method == "POST":
        new = NewPerson(
            typed["login"],
            typed["name"],
            _chosen(),
            typed["language"] if typed["language"] in pages.LANGUAGES else "fr",
        )
        try:
            invited = people.invite(visit.parts, visit.actor, where, new)
            return _link(visit, invited, typed["login"])
        except PeopleRefused as refused:
            errors = _errors(visit, refused)
    return pages.page(
        visit,
        "invite.html",
        WORDS,
        status=400 if errors else 200,
        where=institution,
        title=name_of(visit, where),
        given=[role for role in Role if role in given],
        chosen=_chosen(),
        typed=typed,
        languages=pages.LANGUAGES,
        errors=errors,
    )


def person(visit: Visit, person_id: int) -> Response:
    return _person(visit, person_id, {})


def roles(visit: Visit, person_id: int) -> Response:
    try:
        people.set_roles(visit.parts, visit.actor, person_id, _chosen())
    except PeopleRefused as refused:
        return _person(visit, person_id, _errors(visit, refused))
    return pages.see("person", "roles_changed", person_id=person_id)


def reset(visit: Visit, person_id: int) -> Response:
    try:
        invited = people.reset(visit.parts, visit.actor, person_id)
    except PeopleRefused as refused:
        return _person(visit, person_id, _errors(visit, refused))
    found, _ = people.open_(visit.parts, visit.actor, person_id)
    return _link(visit, invited, found.login)


def disable(visit: Visit, person_id: int) -> Response:
    return _set_enabled(visit, person_id, enabled=False)


def enable(visit: Visit, person_id: int) -> Response:
    return _set_enabled(visit, person_id, enabled=True)


def name_of(visit: Visit, institution: str | None) -> str:
    """An institution's name in the visitor's language, "" for the platform."""
    if institution is None:
        return ""
    declared = visit.parts.settings.institutions.get(institution)
    return institution if declared is None else declared.name.get(visit.language, institution)


def _set_enabled(visit: Visit, person_id: int, *, enabled: bool) -> Response:
    try:
        people.set_enabled(visit.parts, visit.actor, person_id, enabled)
    except PeopleRefused as refused:
        return _person(visit, person_id, _errors(visit, refused))
    return pages.see("person", "enabled" if enabled else "disabled", person_id=person_id)


def _person(visit: Visit, person_id: int, errors: dict[str, str]) -> Response:
    found, until = people.open_(visit.parts, visit.actor, person_id)
    given = people.givable(visit.actor, found.institution)
    own = found.id == visit.actor.person_id
    return pages.page(
        visit,
        "person.html",
        WORDS,
        status=400 if errors else 200,
        found=found,
        until=until,
        title=name_of(visit, found.institution),
        where=found.institution or PLATFORM,
        given=[] if own else [role for role in Role if role in given],
        may_act=people.may_act_on(visit.actor, found),
        own=own,
        errors=errors,
    )


def _link(visit: Visit, invited: Invited, login: str) -> Response:
    """The invitation, shown this once."""
    base = visit.parts.settings.public_url.rstrip("/") or request.host_url.rstrip("/")
    link = base + url_for("console.invitation", token=invited.token)
    return pages.page(
        visit, "link.html", WORDS, link=link, login=login.strip(), until=invited.expires_at, person_id=invited.person_id
    )


def _declared(visit: Visit, written: str) -> str | None:
    where = institution_of(written)
    if where is not None and where not in visit.parts.settings.institutions:
        raise Absent
    return where


def _chosen() -> frozenset[Role]:
    return frozenset(Role(role) for role in request.form.getlist("roles") if role in set(Role))


def _errors(visit: Visit, refused: PeopleRefused) -> dict[str, str]:
    words = WORDS[visit.language]
    return {_FIELDS.get(fault, "roles"): words[f"fault_{fault}"] for fault in refused.faults}


SCREENS = (
    Screen("/people", own_people, right=Right.SEE_PEOPLE),
    Screen("/institutions/<institution>/people", people_of, right=Right.SEE_PEOPLE),
    Screen("/institutions/<institution>/people/new", invite, ("GET", "POST"), right=Right.MANAGE_PEOPLE),
    Screen(f"/people/<{ROW}:person_id>", person, right=Right.SEE_PEOPLE),
    Screen(f"/people/<{ROW}:person_id>/roles", roles, ("POST",), right=Right.MANAGE_PEOPLE),
    Screen(f"/people/<{ROW}:person_id>/reset", reset, ("POST",), right=Right.MANAGE_PEOPLE),
    Screen(f"/people/<{ROW}:person_id>/disable", disable, ("POST",), right=Right.MANAGE_PEOPLE),
    Screen(f"/people/<{ROW}:person_id>/enable", enable, ("POST",), right=Right.MANAGE_PEOPLE),
)
