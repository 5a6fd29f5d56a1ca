"""Joining by an invitation: a password, then a second factor, then the console."""

from __future__ import annotations

import hmac
import io
from typing import Any

import segno
from flask import Response, flash, request, url_for
from markupsafe import Markup

from gateway.usecases import own_account, second_factor
from gateway.usecases.own_account import AccountFault, AccountRefused
from gateway.usecases.passwords import PasswordFault
from gateway.web.console import pages
from gateway.web.console.screens import Access, Screen, Visit
from gateway.web.console.sign_in import waiting
from gateway.web.console.words.sign_in import WORDS

_FIELD_MAX = 200


def invitation(visit: Visit, token: str) -> Response:
    """The first step: the password."""
    joining = own_account.joining(visit.parts, token)
    errors: dict[str, str] = {}
    if request.method == "POST":
        password, errors = new_password(visit)
        if not errors:
            try:
                own_account.join_with_password(visit.parts, token, password)
                return pages.went(url_for("console.join", token=token))
            except AccountRefused as refused:
                errors = fault(visit, refused)
    status = 400 if errors else 200
    return pages.page(visit, "join_password.html", WORDS, status=status, joining=joining.person, errors=errors)


def join(visit: Visit, token: str) -> Response:
    """The second step: an authenticator or a card, proved by a code of it."""
    joining = own_account.joining(visit.parts, token)
    if not joining.person.has_password:
        return pages.went(url_for("console.invitation", token=token))
    pending = request.form.get("pending", "")[: _FIELD_MAX * 2]
    codes: tuple[str, ...] = ()
    errors: dict[str, str] = {}
    if request.form.get("make") == "card":
        codes = own_account.join_with_card(visit.parts, token)
    elif request.method == "POST":
        try:
            entered = own_account.join_with_code(visit.parts, token, pending, request.form.get("code", "")[:_FIELD_MAX])
            answer = pages.set_token(pages.went(url_for("console.home")), entered.token)
            flash("joined")
            return answer
        except AccountRefused as refused:
            errors = fault(visit, refused)
    card = bool(codes) or request.form.get("kind") == "card"
    return pages.page(
        visit,
        "join_factor.html",
        WORDS,
        status=400 if errors else 200,
        joining=joining.person,
        card=card,
        codes=shown(codes),
        made=visit.parts.now(),
        errors=errors,
        **({} if card else offered(visit, joining.person.id, joining.person.login, pending)),
    )


def new_password(visit: Visit) -> tuple[str, dict[str, str]]:
    """What was typed twice, and what is wrong when it differs."""
    password, again = (request.form.get(name, "")[:_FIELD_MAX] for name in ("password", "again"))
    return password, {} if hmac.compare_digest(password.encode(), again.encode()) else {
        "again": WORDS[visit.language]["not_same"]
    }


def fault(visit: Visit, refused: AccountRefused) -> dict[str, str]:
    """Field -> what is wrong with it."""
    words = WORDS[visit.language]
    if isinstance(refused.fault, PasswordFault):
        return {"password": words[f"fault_{refused.fault}"]}
    if refused.fault is AccountFault.WAIT:
        return {"code": waiting(visit, refused.wait_s), "current": waiting(visit, refused.wait_s)}
    return (
        {"current": words["current_wrong"]} if refused.fault is AccountFault.PASSWORD else {"code": words["code_wrong"]}
    )


def offered(visit: Visit, person_id: int, login: str, pending: str = "") -> dict[str, Any]:
    """A new authenticator's secret: as an image, as text, and sealed for the form. The one before, if it came back."""
    parts = visit.parts
    secret = second_factor.open_pending(parts.seals, person_id, pending) if pending else None
    if secret is None:
        secret = second_factor.new_secret(parts.random_bytes)
        pending = second_factor.seal_pending(parts.seals, person_id, secret)
    drawn = io.BytesIO()
    segno.make(second_factor.address_of(secret, login), error="m", micro=False).save(
        drawn, kind="svg", xmldecl=False, svgns=False, border=2, omitsize=True, light="#fff", dark="#000"
    )
    groups = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
    return {"qr": Markup(drawn.getvalue().decode()), "secret": groups, "pending": pending}  # noqa: S704 - drawn by us


def shown(codes: tuple[str, ...]) -> tuple[str, ...]:
    """Card codes as they are printed."""
    return tuple(f"{code[:4]} {code[4:]}" for code in codes)


SCREENS = (
    Screen("/invitation/<token>", invitation, ("GET", "POST"), Access.OPEN),
    Screen("/invitation/<token>/second-factor", join, ("GET", "POST"), Access.OPEN),
)
