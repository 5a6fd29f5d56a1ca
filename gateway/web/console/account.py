"""One's own account: password, second factor, language, sessions."""

from __future__ import annotations

from datetime import timedelta

from flask import Response, flash, request, url_for

from gateway.store import sign_ins
from gateway.usecases import own_account
from gateway.usecases.own_account import AccountRefused
from gateway.web.console import join, pages
from gateway.web.console.screens import Screen, Visit
from gateway.web.console.words.sign_in import WORDS

_FIELD_MAX = 200


def account(visit: Visit) -> Response:
    known = visit.known
    since = visit.parts.now() - timedelta(seconds=visit.parts.settings.console.idle_s)
    with visit.parts.database.read() as conn:
        sessions = sign_ins.of_person(conn, known.person.id, since)
    left = own_account.codes_left(visit.parts, known.person.id)
    return pages.page(visit, "account.html", WORDS, left=left, sessions=sessions, this=known.sign_in_id)


def password(visit: Visit) -> Response:
    errors: dict[str, str] = {}
    if request.method == "POST":
        chosen, errors = join.new_password(visit)
        if not errors:
            try:
                own_account.change_password(visit.parts, visit.known, _current(), chosen)
                return pages.see("account", "password_changed")
            except AccountRefused as refused:
                errors = join.fault(visit, refused)
    return pages.page(visit, "password.html", WORDS, status=400 if errors else 200, errors=errors)


def authenticator(visit: Visit) -> Response:
    person, errors = visit.known.person, {}
    pending = request.form.get("pending", "")[: _FIELD_MAX * 2]
    if request.method == "POST":
        code = request.form.get("code", "")[:_FIELD_MAX]
        try:
            own_account.change_authenticator(visit.parts, visit.known, _current(), pending, code)
            return pages.see("account", "authenticator_changed")
        except AccountRefused as refused:
            errors = join.fault(visit, refused)
    more = join.offered(visit, person.id, person.login, pending)
    return pages.page(visit, "authenticator.html", WORDS, status=400 if errors else 200, errors=errors, **more)


def card(visit: Visit) -> Response:
    codes: tuple[str, ...] = ()
    errors: dict[str, str] = {}
    if request.method == "POST":
        try:
            codes = own_account.change_card(visit.parts, visit.known, _current())
        except AccountRefused as refused:
            errors = join.fault(visit, refused)
    status = 400 if errors else 200
    made = visit.parts.now()
    return pages.page(visit, "card.html", WORDS, status=status, errors=errors, codes=join.shown(codes), made=made)


def everywhere(visit: Visit) -> Response:
    own_account.sign_out_everywhere(visit.parts, visit.known)
    answer = pages.set_token(pages.went(url_for("console.sign_in")), "")
    flash("signed_out_everywhere")
    return answer


def _current() -> str:
    return request.form.get("current", "")[:_FIELD_MAX]


SCREENS = (
    Screen("/account", account),
    Screen("/account/password", password, ("GET", "POST")),
    Screen("/account/authenticator", authenticator, ("GET", "POST")),
    Screen("/account/card", card, ("GET", "POST")),
    Screen("/account/everywhere", everywhere, ("POST",)),
)
