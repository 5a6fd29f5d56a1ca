"""The desk's inbox: which demands wait, and one of them as the agent who opens it sees it."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from itertools import groupby
from typing import Any

from flask import Response, request

from gateway.backoffice.webhooks import CASE_MAX, MESSAGE_MAX, QUESTION_MAX
from gateway.messages import SubmissionState
from gateway.store.desk import CLOSED, OPEN, Chosen
from gateway.store.stops import OperatorAct
from gateway.text import reference
from gateway.usecases import desk, desk_people
from gateway.usecases.actors import Absent, Right
from gateway.usecases.desk import Agent, Opened
from gateway.usecases.notices import short_title
from gateway.web.console import pages
from gateway.web.console.screens import ROW, Screen, Visit, asked_for, row_asked_for
from gateway.web.console.words.demands import WORDS

_PAGE = 20
_S = SubmissionState
#: States in which the institution has not said yet that it takes the demand.
_NEW = (_S.QUEUED, _S.DELIVERED)


def demands(visit: Visit) -> Response:
    return _list(visit, {})


def find_demand(visit: Visit) -> Response:
    """To the demand of a number that was typed: no address names one."""
    agent = desk_people.agent_of(visit.actor)
    found = desk_people.find(visit.parts, agent, request.form.get("number", "")[:64])
    if found is None:
        return _list(visit, {"number": WORDS[visit.language]["find_none"]})
    return pages.see("demand", submission_id=found.id)


def demand(visit: Visit, submission_id: int) -> Response:
    return shown(visit, submission_id)


def shown(visit: Visit, submission_id: int, *, status: int = 200, **more: Any) -> Response:
    """A demand, opened: who opens it is noted first. `errors` by field, `typed` what was typed."""
    parts, words = visit.parts, WORDS[visit.language]
    agent = desk_people.agent_of(visit.actor)
    line = desk_people.line(parts, visit.actor, submission_id)
    opened = desk.open_demand(parts, agent, line.reference)
    if opened is None:
        raise Absent
    holder, open_ = opened.line.assignee, opened.line.state in OPEN
    mine = holder in ("", agent.name)
    values: dict[str, Any] = {
        "errors": {},
        "typed": {},
        "opened": opened,
        "number": reference.show(line.reference),
        "service": _title(visit, line.service),
        "holder": holder,
        "own_hand": holder == agent.name,
        "may_act": open_ and mine,
        "may_take": open_ and not mine and desk_people.may_take_from(parts, visit.actor, holder),
        "is_new": opened.line.state in _NEW,
        "colleagues": {
            one.login: one.name for one in desk_people.colleagues(parts, visit.actor) if one.login != holder
        },
        "languages": {code: pages.LANGUAGES.get(code, code) for code in parts.settings.languages},
        "press": parts.new_id(),
        "sizes": {"message": MESSAGE_MAX, "question": QUESTION_MAX, "case": CASE_MAX},
        "acts": _collapsed(opened.acts),
        "history": [(event.at, _event(event.kind, event.code, words)) for event in opened.events],
        "fields": _fields(opened, words["names"]),
    }
    return pages.page(visit, "demand.html", WORDS, status=status, **{**values, **more})


def _list(visit: Visit, errors: dict[str, str]) -> Response:
    parts = visit.parts
    agent = desk_people.agent_of(visit.actor, Right.SEE_DEMANDS)
    inboxes = desk_people.own_desk(parts, visit.actor)
    state, service, whose = asked_for("state"), asked_for("service"), asked_for("whose")
    unread, after = asked_for("unread") == "yes", row_asked_for("after")
    if not inboxes.systems:
        others = sorted(name for name, one in parts.settings.systems.items() if one.institution == agent.institution)
        return pages.page(visit, "demands_none.html", WORDS, systems=", ".join(others))
    chosen = Chosen(
        state=SubmissionState(state) if state in (*OPEN, *CLOSED) else None,
        service=service or None,
        assignee={"mine": agent.name, "free": ""}.get(whose),
        unread=unread,
    )
    found = desk.inbox(parts, agent, chosen, _PAGE + 1, after)
    part = request.headers.get("HX-Request") == "true"
    asked = {"state": state, "service": service, "whose": whose, "unread": "yes" if unread else ""}
    return pages.page(
        visit,
        "demands_table.html" if part else "demands.html",
        WORDS,
        script=not part,
        status=400 if errors else 200,
        errors=errors,
        found=found[:_PAGE],
        more=found[_PAGE - 1].id if len(found) > _PAGE else 0,
        after=after,
        counts=desk.counts(parts, agent),
        asked={name: value for name, value in asked.items() if value},
        services=_services(visit, agent),
        title=partial(_title, visit),
        states=[*OPEN, *CLOSED],
        show=reference.show,
        today=parts.now().astimezone(parts.zone).date(),
        open_states=OPEN,
        may_open=visit.actor.may(Right.HANDLE_DEMANDS, agent.institution),
    )


def _title(visit: Visit, service: str) -> str:
    """What a service is called, its id when the menus have it no more."""
    menus = visit.parts.shelf.current
    known = menus.services.get(service)
    return service if known is None else short_title(menus, known, visit.language)


def _services(visit: Visit, agent: Agent) -> dict[str, str]:
    systems = frozenset(desk.desk_of(visit.parts, agent.institution).systems)
    return dict(desk_people.services(visit.parts, agent.institution, visit.language, systems))


def _fields(opened: Opened, names: dict[str, str]) -> list[tuple[str, str]]:
    """What the demand says, by the names that its service gave, or ours for them."""
    if opened.request is None:
        return []
    said = opened.request.fields.items()
    return [(names.get(name, name.replace("_", " ").capitalize()), str(value)) for name, value in said]


def _event(kind: str, code: str, words: dict[str, Any]) -> str:
    """One entry of the history in words; one that has none stays as it is written."""
    said: str = words["events"].get(kind, kind)
    more = words["codes"].get(code, "")
    return f"{said}: {more}" if more else said


def _collapsed(acts: tuple[OperatorAct, ...]) -> list[tuple[datetime, str, str, int]]:
    """When, who, what and how often: whoever opens a demand again and again is one line. Newest first."""
    grouped = groupby(acts, key=lambda act: (act.who, act.act))
    runs = ((who, act, list(same)) for (who, act), same in grouped)
    return [(same[0].at, who, act, len(same)) for who, act, same in runs]


SCREENS = (
    Screen("/demands", demands, right=Right.SEE_DEMANDS),
    Screen("/demands/find", find_demand, ("POST",), right=Right.HANDLE_DEMANDS),
    Screen(f"/demands/<{ROW}:submission_id>", demand, right=Right.HANDLE_DEMANDS),
)
