"""Who did what, for those who answer for it: filtered, and as a file."""

from __future__ import annotations

import contextlib
from datetime import date
from functools import partial

from flask import Response, request

from gateway.store.stops import OperatorAct
from gateway.usecases import operator_acts
from gateway.usecases.actors import Right
from gateway.usecases.operator_acts import Filter
from gateway.web.console import pages
from gateway.web.console.screens import Screen, Visit, asked_for, row_asked_for
from gateway.web.console.words import common
from gateway.web.console.words.acts import WORDS

_PAGE = 30
#: Acts whose detail is made of codes.
_CODED = frozenset({"sign_in", "sign_in_failed", "sign_in_locked", "join", "second_factor", "invite", "roles"})
_DESK = "desk."


def acts(visit: Visit) -> Response:
    wanted = _wanted()
    before = row_asked_for("before")
    found = operator_acts.list_(visit.parts, visit.actor, wanted, before, _PAGE + 1)
    more = found[_PAGE - 1].id if len(found) > _PAGE else 0
    part = request.headers.get("HX-Request") == "true"
    template = "acts_table.html" if part else "acts.html"
    asked = {name: value for name in _FIELDS if (value := asked_for(name))}
    return pages.page(
        visit,
        template,
        WORDS,
        script=not part,
        found=found[:_PAGE],
        more=more,
        asked=asked,
        before=before,
        in_words=partial(_detail, visit.language),
    )


def _detail(language: str, act: OperatorAct) -> str:
    """The detail of an act with what only the code calls so in words; a reason that somebody wrote stays as it is."""
    if act.act.startswith(_DESK):  # why she may, which event: for auditors who read the database; to whom, for all
        return act.detail.partition("; to ")[2]
    if act.act not in _CODED:
        return act.detail
    known: dict[str, str] = {**common.WORDS[language]["roles"], **WORDS[language]["details"]}
    return " ".join(known.get(word, word) for word in act.detail.split())


def acts_csv(visit: Visit) -> Response:
    words = WORDS[visit.language]
    head = tuple(str(words[name]) for name in ("at", "who", "act", "subject", "detail", "institution"))
    lines = operator_acts.csv(visit.parts, visit.actor, _wanted(), head)
    answer = Response(lines, content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{words["file"]}"'
    return pages.guarded(answer)


_FIELDS = ("who", "act", "since", "until")


def _wanted() -> Filter:
    who, act, since, until = (asked_for(name) for name in _FIELDS)
    return Filter(who, act, _day(since), _day(until))


def _day(written: str) -> date | None:
    with contextlib.suppress(ValueError, OverflowError):
        day = date.fromisoformat(written)
        return day if 2000 <= day.year < 2200 else None
    return None


SCREENS = (
    Screen("/acts", acts, right=Right.SEE_ACTS),
    Screen("/acts.csv", acts_csv, right=Right.SEE_ACTS),
)
