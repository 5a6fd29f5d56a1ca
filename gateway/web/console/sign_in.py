"""Signing in: the password, the second factor, the way out; and the language of whoever looks."""

from __future__ import annotations

from flask import Response, flash, request, session, url_for

from gateway.usecases import demo_people, own_account
from gateway.usecases import sign_in as signing_in
from gateway.usecases.sign_in import Refused, Why
from gateway.web.console import pages
from gateway.web.console.screens import Access, Screen, Visit
from gateway.web.console.words.sign_in import WORDS

#: With fewer codes left a card is worth a word.
_FEW = 3
_FIELD_MAX = 200


def sign_in(visit: Visit) -> Response:
    """The form, and what becomes of it."""
    back = pages.safe_next(request.values.get("next", ""))
    if visit.session is not None and visit.session.proved and request.method == "GET":
        return pages.went(back or url_for("console.home"))
    if request.method == "GET":
        return _form(visit, back, "")
    login = request.form.get("login", "")[:_FIELD_MAX]
    password = request.form.get("password", "")[:_FIELD_MAX]
    entered = signing_in.give_password(visit.parts, login, password, visit.address)
    if isinstance(entered, Refused):
        return _form(visit, back, said(visit, entered, "wrong"), login, wait_s=entered.wait_s)
    answer = pages.went(url_for("console.second_factor", next=back or None))
    return pages.set_token(answer, entered.token)


def second_factor(visit: Visit) -> Response:
    """The second form, for whoever gave a password."""
    back = pages.safe_next(request.values.get("next", ""))
    if request.method == "GET":
        return _factor(visit, back, "")
    entered = signing_in.give_factor(visit.parts, visit.token, request.form.get("code", "")[:_FIELD_MAX], visit.address)
    if isinstance(entered, Refused):
        if entered.why is Why.OVER:
            return pages.went(url_for("console.sign_in", next=back or None))
        return _factor(visit, back, said(visit, entered, "code_wrong"), wait_s=entered.wait_s)
    answer = pages.set_token(pages.went(back or url_for("console.home")), entered.token)
    if 0 < own_account.codes_left(visit.parts, entered.person.id) < _FEW:
        flash("few_codes")
    return answer


def sign_out(visit: Visit) -> Response:
    signing_in.sign_out(visit.parts, visit.known)
    answer = pages.set_token(pages.went(url_for("console.sign_in")), "")
    flash("signed_out")
    return answer


def language(visit: Visit) -> Response:
    """The other language from now on, on the page one came from."""
    chosen = request.form.get("language", "")
    if chosen in pages.LANGUAGES:
        session["language"] = chosen
        if visit.session is not None:
            own_account.set_language(visit.parts, visit.session, chosen)
    return pages.went(pages.safe_next(request.form.get("next", "")) or url_for("console.home"))


def said(visit: Visit, refused: Refused, otherwise: str) -> str:
    """What to tell whoever was refused."""
    words = WORDS[visit.language]
    return waiting(visit, refused.wait_s) if refused.why is Why.WAIT else words[otherwise]


def waiting(visit: Visit, wait_s: int) -> str:
    wait = f"{wait_s} s" if wait_s < 120 else f"{-(-wait_s // 60)} min"
    return WORDS[visit.language]["wait"].format(wait=wait)


def _form(visit: Visit, back: str, error: str, login: str = "", wait_s: int = 0) -> Response:
    status = 429 if wait_s else 400 if error else 200
    answer = pages.page(visit, "sign_in.html", WORDS, status=status, back=back, error=error, login=login)
    return _patient(answer, wait_s)


def _factor(visit: Visit, back: str, error: str, wait_s: int = 0) -> Response:
    person = visit.known.person
    kinds = (["totp"] if person.has_totp else []) + ["card"] * bool(own_account.codes_left(visit.parts, person.id))
    lead = "factor_lead" if len(kinds) != 1 else f"factor_{kinds[0]}"
    answer = pages.page(
        visit,
        "second_factor.html",
        WORDS,
        status=429 if wait_s else 400 if error else 200,
        back=back,
        error=error,
        lead=lead,
        demo=_demo(visit),
    )
    return _patient(answer, wait_s)


def _demo(visit: Visit) -> str:
    """What the demonstration's accounts are told instead of having a telephone; "" for all others."""
    known, code = demo_people.code_of(visit.parts, visit.known.person)
    if not known:
        return ""
    words = WORDS[visit.language]
    return words["demo"].format(code=code) if code else words["demo_wait"]


def _patient(answer: Response, wait_s: int) -> Response:
    if wait_s:
        answer.headers["Retry-After"] = str(wait_s)
    return answer


SCREENS = (
    Screen("/sign-in", sign_in, ("GET", "POST"), Access.OPEN),
    Screen("/second-factor", second_factor, ("GET", "POST"), Access.HALF),
    Screen("/sign-out", sign_out, ("POST",)),
    Screen("/language", language, ("POST",), Access.OPEN),
)
