"""Every request to the console meets this first: whose it is, whether it may, and that it comes from our own pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from typing import IO, Any
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Request, Response, abort, g, request, session
from flask_login import LoginManager, UserMixin, current_user
from flask_wtf.csrf import CSRFProtect

from gateway.usecases import sign_in as signing_in
from gateway.usecases.actors import Absent
from gateway.usecases.parts import Parts
from gateway.usecases.sign_in import Session
from gateway.web.console import (
    account,
    acts,
    assets,
    budgets,
    demand_acts,
    demands,
    home,
    institutions,
    join,
    keys,
    notification_acts,
    notifications,
    notifications_new,
    pages,
    people,
    sign_in,
    stops,
    templates,
)
from gateway.web.console.screens import Access, Screen, Visit
from gateway.web.console.words import errors

PREFIX = "/console"
#: A screen that draws itself needs no more; the ones that take files say so themselves.
FORM_BYTES = 65_536
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_SENDING = (notifications_new, notifications, notification_acts)
_DESK = (demands, demand_acts)
_INSTITUTION = (templates, budgets, keys, *_SENDING, *_DESK)
_SUBJECTS = (assets, sign_in, join, home, account, people, institutions, acts, stops, *_INSTITUTION)


@dataclass(frozen=True, slots=True)
class Console:
    """What the console is given. `https`: browsers reach it by HTTPS, so that cookies may travel by nothing else."""

    parts: Parts
    secret: bytes = field(repr=False)
    https: bool
    origin: str = ""  #: host (and port) of the public address, "" when none is declared

    @property
    def cookie(self) -> str:
        """`__Host-`: no other host and no plain HTTP can have set it (RFC 6265bis §4.1.3.2)."""
        return "__Host-console" if self.https else "console"


class _Request(Request):
    """A request whose files stay in memory: what people upload is never written to a disk as it came."""

    def _get_file_stream(self, *_: Any, **__: Any) -> IO[bytes]:
        return BytesIO()


class _User(UserMixin):  # type: ignore[misc]  # the library has no types
    """A session of ours, as Flask-Login knows it."""

    def __init__(self, found: Session) -> None:
        self.found = found


def add_console(app: Flask, console: Console) -> None:
    """Adds the console to the site."""
    app.config.update(
        SECRET_KEY=console.secret,
        SESSION_COOKIE_NAME=f"{console.cookie}-form",
        SESSION_COOKIE_SECURE=console.https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_CHECK_DEFAULT=False,  # checked below, for the console: others of the site have no cookie
        WTF_CSRF_TIME_LIMIT=None,  # as long as the sign-in
        WTF_CSRF_SSL_STRICT=False,  # wants a Referer; `_is_foreign` looks at what browsers always send
    )
    app.request_class = _Request
    protect = CSRFProtect(app)
    manager = LoginManager(app)
    manager.session_protection = None  # our sessions are the server's
    manager.request_loader(partial(_load, console))
    blueprint = Blueprint("console", __name__, url_prefix=PREFIX)
    for subject in _SUBJECTS:
        for screen in subject.SCREENS:
            _add(blueprint, console, protect, screen)
    app.register_blueprint(blueprint)
    app.add_url_rule(PREFIX, "console_home", lambda: pages.went(f"{PREFIX}/"))


def screens() -> tuple[Screen, ...]:
    """Every screen there is."""
    return tuple(screen for subject in _SUBJECTS for screen in subject.SCREENS)


def error_page(console: Console, status: int) -> Response:
    """The page of an error in the visitor's language, saying what to do."""
    if status == 403:  # what is not yours does not exist
        status = 404
    visit: Visit | None = g.get("visit")
    if visit is None:
        visit = Visit(console.parts, _language(None), "")
    known = errors.WORDS[visit.language]
    return pages.page(visit, "error.html", errors.WORDS, status=status, said=known.get(f"e{status}", known["e500"]))


def _add(blueprint: Blueprint, console: Console, protect: CSRFProtect, screen: Screen) -> None:
    def answered(**args: Any) -> Response:
        g.polled = screen.polled and request.headers.get("HX-Request") == "true"
        found = _session(screen)
        _bound(screen, found)
        visit = g.visit = Visit(
            console.parts, _language(found), request.remote_addr or "", found, request.cookies.get(console.cookie, "")
        )
        if request.method not in _SAFE:
            if _is_foreign(console):
                abort(400)
            protect.protect()
        if screen.access is not Access.OPEN and found is None:
            return _asked_to_sign_in(screen)
        if screen.access is Access.SIGNED_IN and not screen.is_for(visit.actor):
            abort(404)
        try:
            answer = screen.view(visit, **args)
        except Absent:
            abort(404)
        return _with_token(console, answer)

    name = screen.view.__name__
    blueprint.add_url_rule(screen.path, name, answered, methods=list(screen.methods))


def _load(console: Console, asked: Any) -> _User | None:
    """Flask-Login's question: whose request this is."""
    token = asked.cookies.get(console.cookie, "")
    found = signing_in.session_of(console.parts, token, seen=not g.get("polled")) if token else None
    return None if found is None else _User(found)


def _session(screen: Screen) -> Session | None:
    """The session that this screen asks for; an open one takes whatever there is."""
    if screen.view is assets.static:
        return None
    found: Session | None = current_user.found if current_user.is_authenticated else None
    if found is None:
        return None
    wanted = {Access.HALF: not found.proved, Access.SIGNED_IN: found.proved}
    return found if wanted.get(screen.access, True) else None


def _bound(screen: Screen, found: Session | None) -> None:
    """How much is read of this request: a lot only of those who may send a lot here."""
    large = screen.body_bytes if found is not None and screen.is_for(found.actor) else None
    request.max_content_length = request.max_form_memory_size = large or FORM_BYTES


def _language(found: Session | None) -> str:
    chosen = found.person.language if found is not None else session.get("language", "")
    return chosen if chosen in pages.LANGUAGES else next(iter(pages.LANGUAGES))


def _is_foreign(console: Console) -> bool:
    """Whether another site's page sent this: what browsers say of it themselves, where they do."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site != "same-origin"
    origin = request.headers.get("Origin")
    return origin is not None and urlsplit(origin).netloc not in {request.host, console.origin} - {""}


def _asked_to_sign_in(screen: Screen) -> Response:
    """To the sign-in, and back here afterwards; htmx would put the page into a part of this one."""
    back = request.full_path.rstrip("?") if request.method == "GET" and screen.access is Access.SIGNED_IN else ""
    target = pages.sign_in_address(back)
    if request.headers.get("HX-Request") == "true":
        return pages.guarded(Response(status=401, headers={"HX-Redirect": target}))
    return pages.went(target)


def _with_token(console: Console, answer: Response) -> Response:
    token: str | None = g.get("new_token")
    if token is None:
        return answer
    given: Mapping[str, Any] = {"httponly": True, "secure": console.https, "samesite": "Lax", "path": "/"}
    if token:
        answer.set_cookie(console.cookie, token, **given)
    else:
        answer.delete_cookie(console.cookie, **given)
    return answer
