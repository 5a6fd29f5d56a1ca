"""What notifications may cost: this month and those before; the limit, by the platform's administrators."""

from __future__ import annotations

import re

from flask import Response, request, url_for

from gateway.usecases import budgets
from gateway.usecases.actors import Right
from gateway.web.console import pages
from gateway.web.console.people import name_of
from gateway.web.console.screens import Screen, Visit
from gateway.web.console.words.budgets import WORDS

_SPACES = re.compile(r"[\s.]|F ?CFA$", re.IGNORECASE)


def own_budget(visit: Visit) -> Response:
    """To one's own institution's budget; the platform's people see all of them."""
    if visit.actor.institution is not None:
        return pages.went(url_for("console.budget", institution=visit.actor.institution))
    found = budgets.of_all(visit.parts, visit.actor)
    lines = [(one, name_of(visit, one.institution)) for one in found]
    return pages.page(visit, "budgets.html", WORDS, lines=lines, francs=pages.francs)


def budget(visit: Visit, institution: str) -> Response:
    return _budget(visit, institution, "", "")


def set_budget(visit: Visit, institution: str) -> Response:
    visit.actor.must(Right.SET_BUDGET, institution)
    typed = request.form.get("limit", "")[:40]
    plain = _SPACES.sub("", typed.strip())
    amount = int(plain) if plain.isascii() and plain.isdigit() and len(plain) < 12 else -1
    try:
        budgets.set_limit(visit.parts, visit.actor, institution, amount)
    except ValueError:
        return _budget(visit, institution, typed, WORDS[visit.language]["fault"])
    return pages.see("budget", "budget_set", institution=institution)


def _budget(visit: Visit, institution: str, typed: str, error: str) -> Response:
    found = budgets.show(visit.parts, visit.actor, institution)
    return pages.page(
        visit,
        "budget.html",
        WORDS,
        status=400 if error else 200,
        found=found,
        before=budgets.before(visit.parts, visit.actor, institution),
        name=name_of(visit, institution),
        may_set=visit.actor.may(Right.SET_BUDGET, institution),
        typed=typed or str(found.limit_f),
        error=error,
        francs=pages.francs,
    )


SCREENS = (
    Screen("/budgets", own_budget, right=Right.SEE_BUDGET),
    Screen("/institutions/<institution>/budget", budget, right=Right.SEE_BUDGET),
    Screen("/institutions/<institution>/budget/limit", set_budget, ("POST",), right=Right.SET_BUDGET),
)
