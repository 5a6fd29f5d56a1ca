"""How a screen is drawn: words in the person's language, what she may go to, and a policy that lets nothing else in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from flask import Response, flash, g, render_template, request, session, url_for

from gateway.usecases.actors import Actor, Right
from gateway.web.console import assets
from gateway.web.console.screens import Visit, has
from gateway.web.console.words import common

Words = Mapping[str, Mapping[str, Any]]

LANGUAGES = {"fr": "Français", "en": "English"}
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
#: Only where a script is: htmx asks this site, and nothing else, for parts of a page.
_WITH_SCRIPT = f"{_POLICY}; script-src 'self'; connect-src 'self'"
_HEADERS = {
    "Cache-Control": "no-store",
    # Ours may know where one comes from: without it browsers send `Origin: null` and nothing tells a foreign form.
    "Referrer-Policy": "same-origin",
}
_NEXT_MAX = 512


@dataclass(frozen=True, slots=True)
class Entry:
    """One place to go to: an endpoint of the console, its word in `common.nav`, and the right that it takes."""

    endpoint: str
    right: Right | None = None


#: In the order in which they are shown.
NAVIGATION = (
    Entry("home"),
    Entry("notifications", Right.SEE_NOTIFICATIONS),
    Entry("demands", Right.SEE_DEMANDS),
    Entry("template_list", Right.SEE_TEMPLATES),
    Entry("own_budget", Right.SEE_BUDGET),
    Entry("own_people", Right.SEE_PEOPLE),
    Entry("own_keys", Right.MANAGE_KEYS),
    Entry("institutions", Right.SET_BUDGET),
    Entry("acts", Right.SEE_ACTS),
    Entry("stops", Right.STOP),
    Entry("account"),
)


def page(
    visit: Visit, template: str, words: Words, *, status: int = 200, script: bool = False, **values: Any
) -> Response:
    """A screen as an answer: `w` are its words, `c` those of every screen. `script`: htmx is there."""
    signed_in = visit.session is not None and visit.session.proved
    html = render_template(
        f"console/{template}",
        w=words[visit.language],
        c=common.WORDS[visit.language],
        language=visit.language,
        others={code: name for code, name in LANGUAGES.items() if code != visit.language},
        person=visit.session.person if visit.session is not None and signed_in else None,
        entries=_entries(visit.actor) if signed_in else (),
        style=assets.address("console.css"),
        script=assets.address("htmx.min.js") if script else "",
        here=request.path,
        back_here=""
        if request.url_rule is not None and "GET" not in (request.url_rule.methods or ())
        else request.path,
        when=lambda at: f"{at.astimezone(visit.parts.zone):%d/%m/%Y %H:%M}",
        amount=lambda number: amount(number, visit.language),
        **values,
    )
    answer = Response(html, status, content_type="text/html; charset=utf-8")
    return guarded(answer, script=script)


def amount(number: int, language: str) -> str:
    """A whole number as people read it: "12 345" in French, "12,345" in English."""
    return f"{number:,}" if language == "en" else f"{number:,}".replace(",", "\N{NO-BREAK SPACE}")


def guarded(answer: Response, *, script: bool = False) -> Response:
    """The answer with the console's own headers."""
    answer.headers["Content-Security-Policy"] = _WITH_SCRIPT if script else _POLICY
    for name, value in _HEADERS.items():
        answer.headers[name] = value
    return answer


def see(endpoint: str, said: str = "", **args: Any) -> Response:
    """To another screen after something was done; `said` is a key of `common.said`, shown there once."""
    if said:
        flash(said)
    return went(url_for(f"console.{endpoint}", **args))


def went(path: str) -> Response:
    """303 to a path of ours."""
    return guarded(Response(status=303, headers={"Location": path}))


def francs(amount: int) -> str:
    """An amount as people read it: "12 500 F CFA"."""
    return f"{amount:,} F CFA".replace(",", "\u202f")


def safe_next(written: str) -> str:
    """Where to go after signing in: a path of the console, "" for everything else."""
    if len(written) > _NEXT_MAX or not written.startswith("/console/") or not written.isprintable():
        return ""
    parts = urlsplit(written)
    ours = not parts.scheme and not parts.netloc and "\\" not in written and "//" not in written
    return written if ours else ""


def set_token(answer: Response, token: str) -> Response:
    """The browser has this session from now on; all that was said to the one before is forgotten."""
    language = session.get("language")
    session.clear()
    if language:
        session["language"] = language
    g.new_token = token
    return answer


def sign_in_address(back: str = "") -> str:
    """Where one signs in, to come back to `back` afterwards."""
    return url_for("console.sign_in", next=safe_next(back) or None)


def _entries(actor: Actor) -> tuple[tuple[str, str], ...]:
    """(address, endpoint) of what this person may go to."""
    return tuple(
        (url_for(f"console.{entry.endpoint}"), entry.endpoint) for entry in NAVIGATION if has(actor, entry.right)
    )
