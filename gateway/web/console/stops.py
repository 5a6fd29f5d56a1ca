"""What is stopped: all SMS, campaigns, one service. In force everywhere within seconds."""

from __future__ import annotations

from flask import Response, request

from gateway.store import stops as stored
from gateway.usecases import stops as stopping
from gateway.usecases.actors import Right
from gateway.usecases.notices import short_title
from gateway.web.console import pages
from gateway.web.console.screens import Screen, Visit
from gateway.web.console.words.stops import WORDS

_REASON_MAX = 160


def stops(visit: Visit) -> Response:
    visit.actor.must(Right.STOP, None)
    errors: dict[str, str] = {}
    words = WORDS[visit.language]
    subject = request.form.get("subject", "")
    reason = request.form.get("reason", "").strip()[:_REASON_MAX]
    if request.method == "POST":
        if subject not in _subjects(visit):
            errors["subject"] = words["fault_subject"]
        if not reason:
            errors["reason"] = words["fault_reason"]
        if not errors:
            stopping.stop(visit.parts.database, subject, reason, visit.actor.name, visit.parts.now())
            return pages.see("stops", "stopped")
    with visit.parts.database.read() as conn:
        active = stored.active(conn)
    names = _subjects(visit)
    return pages.page(
        visit, "stops.html", WORDS, status=400 if errors else 200, errors=errors, reason=reason, subject=subject,
        active=active, names=names, free=[one for one in names if one not in active],
    )  # fmt: skip


def start(visit: Visit) -> Response:
    visit.actor.must(Right.STOP, None)
    stopping.start(visit.parts.database, request.form.get("subject", "")[:80], visit.actor.name, visit.parts.now())
    return pages.see("stops", "started")


def _subjects(visit: Visit) -> dict[str, str]:
    """What can be stopped, and what it is called."""
    words, menus = WORDS[visit.language], visit.parts.shelf.current
    services = {
        stopping.SERVICE + name: f"{words['service']}: {short_title(menus, service, visit.language)}"
        for name, service in menus.services.items()
    }
    return {stopping.SMS: words["sms"], stopping.CAMPAIGNS: words["campaigns"], **services}


SCREENS = (
    Screen("/stops", stops, ("GET", "POST"), right=Right.STOP),
    Screen("/stops/start", start, ("POST",), right=Right.STOP),
)
