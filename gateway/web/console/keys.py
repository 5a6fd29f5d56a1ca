"""API keys of an institution: list, make (shown once), look at, revoke."""

from __future__ import annotations

from flask import Response, request, url_for

from gateway.usecases import api_keys
from gateway.usecases.actors import Absent, Right
from gateway.usecases.api_keys import GUESTS_MOST, OPEN_MOST, KeyFault, KeyRefused, NewKey, Scope
from gateway.web.console import pages
from gateway.web.console.people import name_of
from gateway.web.console.screens import ROW, Screen, Visit
from gateway.web.console.words.keys import WORDS

#: The field that a fault belongs to.
_FIELDS = {
    KeyFault.NAME: "name",
    KeyFault.SCOPES: "scopes",
    KeyFault.GUESTS: "guests",
    KeyFault.LIMITS: "limits",
    KeyFault.TOO_MANY: "name",
}
_TYPED_MAX = 1000


def own_keys(visit: Visit) -> Response:
    """To the keys of one's own institution."""
    if visit.actor.institution is None:
        raise Absent
    return pages.went(url_for("console.keys_of", institution=visit.actor.institution))


def keys_of(visit: Visit, institution: str) -> Response:
    found = api_keys.list_(visit.parts, visit.actor, institution)[:OPEN_MOST]  # those that open come first
    return pages.page(visit, "keys.html", WORDS, where=institution, title=name_of(visit, institution), keys=found)


def new_key(visit: Visit, institution: str) -> Response:
    visit.actor.must(Right.MANAGE_KEYS, institution)
    typed = {name: request.form.get(name, "")[:_TYPED_MAX] for name in ("name", "guests", "per_minute", "per_day")}
    scopes = [scope for scope in request.form.getlist("scopes") if scope in set(Scope)]
    live = request.form.get("kind") == "live"
    errors: dict[str, str] = {}
    if request.method == "POST":
        guests = () if live else tuple(typed["guests"].replace(",", "\n").split("\n")[: GUESTS_MOST + 1])
        try:
            new = NewKey(
                typed["name"],
                scopes,
                live,
                tuple(one.strip() for one in guests if one.strip()),
                _limit(typed["per_minute"]),
                _limit(typed["per_day"]),
            )
            secret, made = api_keys.create(visit.parts, visit.actor, institution, new)
            return pages.page(visit, "key_made.html", WORDS, where=institution, secret=secret, made=made)
        except KeyRefused as refused:
            words = WORDS[visit.language]
            errors = {_FIELDS[fault]: words[f"fault_{fault}"] for fault in refused.faults}
    return pages.page(
        visit,
        "key_new.html",
        WORDS,
        status=400 if errors else 200,
        where=institution,
        title=name_of(visit, institution),
        typed=typed,
        chosen=scopes,
        live=live,
        scopes=[scope.value for scope in Scope],
        usual=visit.parts.settings.api,
        errors=errors,
    )


def key(visit: Visit, key_id: int) -> Response:
    found = api_keys.open_(visit.parts, visit.actor, key_id)
    return pages.page(visit, "key.html", WORDS, found=found, guests=len(found.guests or ()))


def revoke_key(visit: Visit, key_id: int) -> Response:
    found = api_keys.revoke(visit.parts, visit.actor, key_id)
    return pages.see("keys_of", "key_revoked", institution=found.institution)


def _limit(typed: str) -> int | None:
    """None: the usual one. What is no number is -1, which no key may have."""
    written = typed.replace(" ", "").replace("\u202f", "")
    if not written:
        return None
    return int(written) if written.isascii() and written.isdigit() and len(written) < 10 else -1


SCREENS = (
    Screen("/keys", own_keys, right=Right.MANAGE_KEYS),
    Screen("/institutions/<institution>/keys", keys_of, right=Right.MANAGE_KEYS),
    Screen("/institutions/<institution>/keys/new", new_key, ("GET", "POST"), right=Right.MANAGE_KEYS),
    Screen(f"/keys/<{ROW}:key_id>", key, right=Right.MANAGE_KEYS),
    Screen(f"/keys/<{ROW}:key_id>/revoke", revoke_key, ("POST",), right=Right.MANAGE_KEYS),
)
