"""Pages for anybody: /verify says whether a récépissé is genuine. No script, no cookie, nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from flask import Flask, Response, render_template, request
from markupsafe import Markup

from gateway import logs
from gateway.store.db import StoreUnavailable
from gateway.usecases.verification import Outcome, Verdict
from gateway.web.verify_words import LANGUAGE_NAMES, WORDS, Words

#: What a field takes of what is typed: more than any way of spacing out its digits.
_TYPED_MAX = 64
_NEEDED = ("reference", "code")
_STYLE = (Path(__file__).with_name("templates") / "verify.css").read_text(encoding="utf-8")
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class Public:
    """What the public pages use.

    `verify(reference, code, last digits of the NPI or None, address of the asker)` may raise StoreUnavailable.
    `in_words(verdict, language)` is the service ("" for a sensitive one), the day and the state of a genuine one.
    """

    verify: Callable[[str, str, str | None, str], Verdict]
    in_words: Callable[[Verdict, str], tuple[str, str, str]]


@dataclass(frozen=True, slots=True)
class _Said:
    """The answer on the page."""

    status: int
    tone: str  #: "yes" | "no" | "wait"
    title: str
    text: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


def add_pages(app: Flask, public: Public) -> None:
    """Adds the public pages to the site."""

    @app.get("/verify")
    def verify_form() -> Response:
        return _page(_language(), None, {}, ())

    @app.post("/verify")
    def verify_answer() -> Response:
        language = _language()
        typed = {name: request.form.get(name, "").strip()[:_TYPED_MAX] for name in (*_NEEDED, "last4")}
        missing = tuple(name for name in _NEEDED if not typed[name])
        if missing:
            return _page(language, None, typed, missing)
        try:
            verdict = public.verify(
                typed["reference"], typed["code"], typed["last4"] or None, request.remote_addr or ""
            )
        except StoreUnavailable as error:
            logs.event("web.unavailable", level="error", why=error.why)
            return _page(language, _unavailable(WORDS[language]), typed, ())
        return _page(language, _said(public, verdict, language), typed, ())


def _language() -> str:
    asked = request.args.get("lang", "")
    return asked if asked in WORDS else next(iter(WORDS))


def _page(language: str, said: _Said | None, typed: Mapping[str, str], missing: tuple[str, ...]) -> Response:
    html = render_template(
        "verify.html",
        language=language,
        others=[(code, name) for code, name in LANGUAGE_NAMES.items() if code != language],
        words=WORDS[language],
        said=said,
        typed=typed,
        missing=missing,
        style=Markup(_STYLE),  # noqa: S704 - a file of ours
    )
    status = 400 if missing else 200 if said is None else said.status
    answer = Response(html, status, content_type="text/html; charset=utf-8")
    answer.headers["Content-Security-Policy"] = _POLICY
    answer.headers.update({} if said is None else said.headers)
    return answer


def _said(public: Public, verdict: Verdict, language: str) -> _Said:
    words = WORDS[language]
    match verdict.outcome:
        case Outcome.NOT_GENUINE:
            return _Said(200, "no", words.not_genuine, words.not_genuine_text)
        case Outcome.TOO_MANY:
            return _Said(429, "wait", words.too_many, words.too_many_text, headers={"Retry-After": str(_HOUR_S)})
        case Outcome.LATER:
            text = words.later_text.format(wait=verdict.wait_s)
            return _Said(429, "wait", words.later, text, headers={"Retry-After": str(verdict.wait_s)})
    service, day, state = public.in_words(verdict, language)
    facts = [(words.service, service), (words.day, day), (words.state, state)]
    if verdict.outcome is not Outcome.GENUINE:
        facts.append((words.holder, words.yes if verdict.outcome is Outcome.HOLDER_YES else words.no))
    text = words.no_text if verdict.outcome is Outcome.HOLDER_NO else ""
    return _Said(200, "yes", words.genuine, text, tuple(fact for fact in facts if fact[1]))


def _unavailable(words: Words) -> _Said:
    return _Said(503, "wait", words.unavailable, words.unavailable_text, headers={"Retry-After": "30"})
