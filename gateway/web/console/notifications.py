"""Notifications: their list, how one stands, its rows, one SMS as it will be, the file of what must be corrected."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Response, request

from gateway.messages import CampaignState, Category, RowState
from gateway.store.campaigns import OVER
from gateway.usecases import campaigns
from gateway.usecases.actors import Absent, Right
from gateway.usecases.campaign_words import STATES
from gateway.usecases.campaigns import Campaign, Row
from gateway.web.console import pages
from gateway.web.console.screens import Screen, Visit, asked_for, row_asked_for
from gateway.web.console.words.notifications import WORDS

_PAGE = 20
#: Wrong rows shown on the page of a notification itself.
_FIRST_WRONG = 5
#: What the filter calls the states in which nothing more happens.
_OVER = "over"
#: How often htmx asks while something moves, and while it waits for reports or for its hour.
_SOON_S, _LATER_S = 3, 30
#: Counting more rows than this takes the database long enough to be asked less often.
_MANY, _MANY_S = 5_000, 10
#: Reports still come for so long after the last SMS was written that the page asks for them.
_REPORTS = timedelta(minutes=10)
_DAY_S, _HOUR_S, _MINUTE_S = 86_400, 3_600, 60


def own(visit: Visit, right: Right = Right.SEE_NOTIFICATIONS) -> str:
    """The institution of whoever asks. Raises Absent when she has no such right there."""
    institution = visit.actor.institution
    if institution is None or institution not in visit.parts.settings.institutions:
        raise Absent
    visit.actor.must(right, institution)
    return institution


def notifications(visit: Visit) -> Response:
    institution = own(visit)
    state, mark, before = asked_for("state"), asked_for("reference"), row_asked_for("before")
    wanted = OVER if state == _OVER else (CampaignState(state),) if state in set(CampaignState) else None
    found = campaigns.list_(visit.parts, visit.actor, institution, _PAGE + 1, before, mark or None, wanted)
    part = request.headers.get("HX-Request") == "true"
    return pages.page(
        visit,
        "notifications_table.html" if part else "notifications.html",
        WORDS,
        script=not part,
        found=found[:_PAGE],
        names=campaigns.template_names(visit.parts, visit.actor, institution, found),
        more=found[_PAGE - 1].id if len(found) > _PAGE else 0,
        before=before,
        asked={name: value for name, value in (("state", state), ("reference", mark)) if value},
        states=STATES[visit.language],
        may_send=visit.actor.may(Right.SEND, institution),
    )


def notification(visit: Visit, public_id: str) -> Response:
    if request.headers.get("HX-Request") == "true":
        return _progress(visit, public_id)
    return shown(visit, public_id)


def _progress(visit: Visit, public_id: str) -> Response:
    """The part of the page that moves; the whole page anew once other buttons stand on it."""
    found = campaigns.show(visit.parts, visit.actor, public_id, visit.language)
    answer = pages.page(visit, "notification_progress.html", WORDS, **_values(visit, found))
    if asked_for("seen") != _stage(found):
        answer.headers["HX-Refresh"] = "true"
    return answer


def preview(visit: Visit, public_id: str) -> Response:
    """One SMS as it will be. By POST: what it says is personal, and no address may name it."""
    found = campaigns.show(visit.parts, visit.actor, public_id, visit.language)
    written = request.form.get("number", "").strip()[:12]
    last = sum(found.rows.values())
    number = int(written) if written.isascii() and written.isdigit() else 0
    part = request.headers.get("HX-Request") == "true"
    values: dict[str, Any] = {"number": written}
    if 1 <= number <= last:
        text = campaigns.preview(visit.parts, visit.actor, public_id, number)
        row = next(iter(campaigns.rows(visit.parts, visit.actor, public_id, None, number - 1, 1, visit.language)), None)
        values |= {"text": text, "row": row}
    else:
        values |= {"error": WORDS[visit.language]["fault_row"].format(last=pages.amount(last, visit.language))}
    if part:
        return pages.page(visit, "notification_preview.html", WORDS, found=found, last=last, previewed=values)
    return shown(visit, public_id, status=400 if "error" in values else 200, previewed=values)


def notification_rows(visit: Visit, public_id: str) -> Response:
    found = campaigns.show(visit.parts, visit.actor, public_id, visit.language)
    state, after = asked_for("state"), row_asked_for("after") or 0
    wanted = RowState(state) if state in set(RowState) else None
    rows = campaigns.rows(visit.parts, visit.actor, public_id, wanted, after, _PAGE + 1, visit.language)
    return pages.page(
        visit, "notification_rows.html", WORDS, found=found, state=state, after=after, rows=rows[:_PAGE],
        counts={one: found.rows[one] for one in RowState if one in found.rows},
        more=rows[_PAGE - 1].number if len(rows) > _PAGE else 0,
    )  # fmt: skip


def notification_report(visit: Visit, public_id: str) -> Response:
    """The rows to correct as CSV; the file's name is ours, never one that was uploaded."""
    lines = campaigns.report(visit.parts, visit.actor, public_id, visit.language)
    answer = Response(lines, content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{WORDS[visit.language]["report_file"]}"'
    return pages.guarded(answer)


def shown(visit: Visit, public_id: str, *, status: int = 200, **more: Any) -> Response:
    """The page of a notification; `errors` by field, `previewed` what an SMS says."""
    found = campaigns.show(visit.parts, visit.actor, public_id, visit.language)
    wrong: tuple[Row, ...] = ()
    if found.rows.get(RowState.WRONG):
        state = RowState.WRONG
        wrong = campaigns.rows(visit.parts, visit.actor, public_id, state, 0, _FIRST_WRONG, visit.language)
    values = {"errors": {}, "previewed": {"number": "1"}, "last": sum(found.rows.values()), **_values(visit, found)}
    page = {"wrong": wrong, "script": True, "status": status, **values, **more}
    return pages.page(visit, "notification.html", WORDS, **page)


def _values(visit: Visit, found: Campaign) -> dict[str, Any]:
    """What the page and its moving part show."""
    now, words = visit.parts.now(), WORDS[visit.language]
    actor, state = visit.actor, found.state
    percent = int(found.progress * 100)
    sent = found.rows.get(RowState.WRITTEN, 0) + found.rows.get(RowState.GOOD, 0)
    return {
        "found": found,
        "stage": _stage(found),
        "said_state": STATES[visit.language][CampaignState.SENDING] if _is_sending(found) else found.state_words,
        "next": words["next"][CampaignState.SENDING if _is_sending(found) else state],
        "rows": {one: found.rows[one] for one in RowState if one in found.rows},
        "percent": percent,
        "unknown": state is CampaignState.CHECKING and not percent,
        "moves": state is CampaignState.CHECKING or (_is_sending(found) and sent > 0),
        "sent": (int(found.progress * sent), sent),
        "ask_every_s": _ask_every_s(visit, found),
        "hours": _hours(visit, found.category, words),
        "waits": found.opens_at > now,
        "ends_at": now + timedelta(seconds=min(found.estimated_s, 400 * _DAY_S)),
        "lasting": duration(found.estimated_s, words["duration"]),
        "may_send": actor.may(Right.SEND, found.institution),
        "may_approve": actor.may(Right.APPROVE, found.institution),
        "own_one": actor.name in (found.created_by, found.sent_by),
    }


def _is_sending(found: Campaign) -> bool:
    """Whether SMS are still to leave."""
    return found.state is CampaignState.SENDING or (found.state is CampaignState.DONE and found.progress < 1)


def _stage(found: Campaign) -> str:
    """What the page is about, as the address of its moving part says it."""
    return "leaving" if _is_sending(found) else found.state


def _ask_every_s(visit: Visit, found: Campaign) -> int:
    """After how many seconds htmx asks again; 0: nothing moves any more by itself."""
    now = visit.parts.now()
    soon_s = _SOON_S if sum(found.rows.values()) <= _MANY else _MANY_S
    if found.state is CampaignState.CHECKING:
        return soon_s
    if _is_sending(found):
        return soon_s if found.opens_at <= now else _LATER_S
    reports = found.state is CampaignState.DONE and found.ended_at is not None and now - found.ended_at < _REPORTS
    return _LATER_S if reports else 0


def _hours(visit: Visit, category: Category, words: dict[str, Any]) -> str:
    said: str = words["categories"][category]
    return said.format(**spoken_hours(visit))


def spoken_hours(visit: Visit) -> dict[str, str]:
    """The hours of the settings as people say them, by category."""
    hours, between = visit.parts.settings.hours, WORDS[visit.language]["between"]
    return {"procedure": hours.procedure.replace("-", between), "information": hours.information.replace("-", between)}


def duration(seconds: float, words: dict[str, str]) -> str:
    """A length of time in the two units that matter: "2 h 10 min"."""
    left = int(seconds)
    if left >= _DAY_S:
        return words["day"].format(left // _DAY_S, left % _DAY_S // _HOUR_S)
    if left >= _HOUR_S:
        return words["hour"].format(left // _HOUR_S, left % _HOUR_S // _MINUTE_S)
    return words["minute"].format(-(-left // _MINUTE_S)) if left >= _MINUTE_S else words["second"]


_ONE = "/notifications/<public_id>"
SCREENS = (
    Screen("/notifications", notifications, right=Right.SEE_NOTIFICATIONS),
    Screen(_ONE, notification, right=Right.SEE_NOTIFICATIONS, polled=True),
    Screen(f"{_ONE}/rows", notification_rows, right=Right.SEE_NOTIFICATIONS),
    Screen(f"{_ONE}/preview", preview, ("POST",), right=Right.SEE_NOTIFICATIONS),
    Screen(f"{_ONE}/errors.csv", notification_report, right=Right.SEE_NOTIFICATIONS),
)
