"""What an agent does with a demand. Each form carries the key of one press: pressed twice, it has one effect."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from flask import Response, request

from gateway.messages import Decision
from gateway.usecases import desk, desk_people
from gateway.usecases.actors import Absent, Right
from gateway.usecases.desk import Outcome, Result, Words
from gateway.web.console import pages
from gateway.web.console.demands import shown
from gateway.web.console.local_time import TimeFault, moment
from gateway.web.console.screens import ROW, Screen, Visit
from gateway.web.console.words.demands import WORDS

_END_OF_DAY = "23:59"


def take_demand(visit: Visit, submission_id: int) -> Response:
    return _answered(visit, submission_id, "take", desk.take(visit.parts, *_about(visit, submission_id)))


def release_demand(visit: Visit, submission_id: int) -> Response:
    agent, typed = _about(visit, submission_id)
    holder = request.form.get("holder", "")[:64]
    another = bool(holder) and desk_people.may_take_from(visit.parts, visit.actor, holder)
    line = desk_people.line(visit.parts, visit.actor, submission_id)
    # Whoever has it by now is not whom the page named: it is asked again.
    result = desk.release(visit.parts, agent, typed, of_another=another and line.assignee == holder)
    return _answered(visit, submission_id, "release", result)


def give_demand(visit: Visit, submission_id: int) -> Response:
    agent, typed = _about(visit, submission_id)
    to = request.form.get("to", "")
    if all(one.login != to for one in desk_people.colleagues(visit.parts, visit.actor)):
        return _faulty(visit, submission_id, {"to": WORDS[visit.language]["fault_to"]})
    return _answered(visit, submission_id, "give", desk.give(visit.parts, agent, typed, to))


def acknowledge_demand(visit: Visit, submission_id: int) -> Response:
    agent, typed = _about(visit, submission_id)
    return _answered(
        visit, submission_id, "acknowledge", desk.acknowledge(visit.parts, agent, typed, _press(), _case("acknowledge"))
    )


def progress_demand(visit: Visit, submission_id: int) -> Response:
    agent, typed = _about(visit, submission_id)
    return _answered(
        visit, submission_id, "progress", desk.progress(visit.parts, agent, typed, _press(), _case("progress"))
    )


def ask_demand(visit: Visit, submission_id: int) -> Response:
    agent, typed = _about(visit, submission_id)
    answer_by: datetime | None = None
    day = request.form.get("answer_by", "").strip()[:20]
    try:
        answer_by = moment(day, _END_OF_DAY, visit.parts.zone, visit.parts.now()) if day else None
    except TimeFault as fault:
        return _faulty(visit, submission_id, {"answer_by": WORDS[visit.language][f"fault_{fault.code}"]})
    words = Words(_said(visit, "question"), "", answer_by)
    return _answered(visit, submission_id, "ask", desk.ask(visit.parts, agent, typed, _press(), words))


def decide_demand(visit: Visit, submission_id: int) -> Response:
    agent, typed = _about(visit, submission_id)
    chosen = request.form.get("decision", "")
    if chosen not in set(Decision):
        return _faulty(visit, submission_id, {"decision": WORDS[visit.language]["fault_decision"]})
    words = Words(_said(visit, "message"), _case("decide"))
    result = desk.decide(visit.parts, agent, typed, _press(), Decision(chosen), words)
    return _answered(visit, submission_id, "decide", result)


def _about(visit: Visit, submission_id: int) -> tuple[desk.Agent, str]:
    """The agent, and the reference that her desk's functions take."""
    return desk_people.agent_of(visit.actor), desk_people.line(visit.parts, visit.actor, submission_id).reference


def _answered(visit: Visit, submission_id: int, act: str, result: Result) -> Response:
    words = WORDS[visit.language]
    match result.outcome:
        case Outcome.DONE | Outcome.REPEATED:
            return pages.see("demand", f"demand_{act}", submission_id=submission_id)
        case Outcome.LATE:
            return pages.see("demand", "demand_late", submission_id=submission_id)
        case Outcome.NOT_FOUND:
            raise Absent
        case Outcome.HELD:
            return _faulty(visit, submission_id, {"hand": words["fault_held"].format(who=result.holder)})
    return _faulty(visit, submission_id, {act: words[f"fault_{result.outcome}"]})


def _faulty(visit: Visit, submission_id: int, errors: Mapping[str, str]) -> Response:
    """The page again, with what was typed."""
    return shown(visit, submission_id, status=400, errors=errors, typed=request.form)


def _press() -> str:
    """What the form calls this press, as an event id takes it."""
    written = request.form.get("press", "")
    return "".join(one for one in written if "!" <= one <= "~")[:64]


def _case(act: str) -> str:
    return request.form.get(f"case-{act}", "").strip()


def _said(visit: Visit, what: str) -> dict[str, str]:
    """The agent's words by language."""
    languages = visit.parts.settings.languages
    return {code: text for code in languages if (text := request.form.get(f"{what}-{code}", "").strip())}


_ONE = f"/demands/<{ROW}:submission_id>"
_VIEWS = {
    "take": take_demand,
    "release": release_demand,
    "give": give_demand,
    "acknowledge": acknowledge_demand,
    "progress": progress_demand,
    "ask": ask_demand,
    "decide": decide_demand,
}
SCREENS = tuple(Screen(f"{_ONE}/{act}", view, ("POST",), right=Right.HANDLE_DEMANDS) for act, view in _VIEWS.items())
