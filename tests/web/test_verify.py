"""The page /verify: what it says, what it never says, and what it lets anybody do."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, datetime
from html import unescape
from urllib.parse import urlencode

import pytest

from gateway import logs
from gateway.store import holdings, submissions
from gateway.store.db import StoreUnavailable, Why
from gateway.store.submissions import NewSubmission
from gateway.text import reference
from gateway.usecases import verification
from gateway.web.verify_words import LANGUAGE_NAMES, WORDS
from tests.web.conftest import Answer, Site

NPI = "1234564412"
MSISDN = "+2290197000000"


def deposit(site: Site, *, sensitive: bool = False) -> tuple[str, str]:
    """A stored submission: the reference and the verification code of its récépissé."""
    parts = site.gateway.parts
    now = parts.now()
    with parts.database.begin() as conn:
        new = NewSubmission(
            reference=reference.make(parts.random_bytes),
            service="acte-naissance",
            menu_version="m",
            system="etat-civil",
            institution="anip",
            holding_id=holdings.open_holding(conn, parts.seals, MSISDN, now),
            channel="africastalking",
            language="fr",
            assurance="number",
            sensitive=sensitive,
            fields={"npi": NPI},
            subject=(),
            label="...4412",
            idempotency_key=parts.new_id(),
            receipt_key_id=next(iter(parts.receipt_keys)),
            promised_on=None,
            keep_s=None,
        )
        submissions.insert(conn, parts.seals, new, now)
    day = now.astimezone(parts.zone).date().isoformat()
    return new.reference, reference.code(parts.receipt_keys, new.reference, new.service, day)


def post(site: Site, language: str = "fr", address: str = "41.85.0.1", **typed: str) -> Answer:
    body = urlencode(typed).encode()
    return site.call("POST", "/verify", body, QUERY_STRING=f"lang={language}", REMOTE_ADDR=address)


def text_of(body: bytes) -> str:
    """What a person reads of a page."""
    page = re.sub(r"(?s)<style>.*?</style>|<[^>]+>", " ", body.decode())
    return " ".join(unescape(page).split())


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


def test_the_form(site: Site) -> None:
    status, headers, body = site.call("GET", "/verify")
    assert status == 200
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in headers
    page = body.decode()
    assert '<html lang="fr">' in page
    for name in ("reference", "code", "last4"):
        assert f'<label for="{name}">' in page
        assert re.search(rf'<input[^>]* id="{name}" name="{name}"', page)
    assert '<form class="card" method="post" action="/verify?lang=fr"' in page
    assert '<a href="/verify?lang=en" lang="en" hreflang="en">English</a>' in page


@pytest.mark.parametrize(
    ("query", "language"),
    [("", "fr"), ("lang=en", "en"), ("lang=fr", "fr"), ("lang=fon", "fr"), ("lang=%3Cscript%3E", "fr")],
)
def test_the_language(site: Site, query: str, language: str) -> None:
    page = site.call("GET", "/verify", QUERY_STRING=query)[2].decode()
    assert f'<html lang="{language}">' in page
    assert WORDS[language].title in page


def test_it_is_small_and_needs_nothing_else(site: Site) -> None:
    number, code = deposit(site)
    for body in (site.call("GET", "/verify")[2], post(site, reference=number, code=code)[2]):
        assert len(body) < 30_000
        page = body.decode()
        assert "<script" not in page
        assert not re.findall(r'(?:src|href)="(?!/verify|data:,)[^"]*"', page)
        assert "url(" not in page
        assert "@import" not in page


def test_the_policy_lets_its_own_style_in_and_nothing_else(site: Site) -> None:
    _, headers, body = site.call("GET", "/verify")
    styles = re.findall(r"(?s)<style>(.*?)</style>", body.decode())
    assert len(styles) == 1
    digest = base64.b64encode(hashlib.sha256(styles[0].encode()).digest()).decode()
    assert headers["Content-Security-Policy"].split("; ") == [
        "default-src 'none'",
        f"style-src 'sha256-{digest}'",
        "img-src data:",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
    assert 'style="' not in body.decode()  # the policy would not let it work


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("fr", ("Récépissé authentique", "Acte de naissance", "reçue")),
        ("en", ("Genuine receipt", "Birth certificate", "received")),
    ],
)
def test_genuine(site: Site, language: str, words: tuple[str, ...]) -> None:
    number, code = deposit(site)
    status, _, body = post(site, language, reference=reference.show(number), code=code)
    assert status == 200
    today = datetime.now(UTC).astimezone(site.gateway.parts.zone)
    for said in (*words, f"{today:%d/%m/%Y}"):
        assert said in text_of(body)
    assert "NPI" not in text_of(body).partition(WORDS[language].state)[0]
    assert NPI not in body.decode()
    assert MSISDN[-8:] not in body.decode()
    assert "4412" not in body.decode()


def test_a_sensitive_service_is_not_named(site: Site) -> None:
    number, code = deposit(site, sensitive=True)
    said = text_of(post(site, reference=number, code=code)[2])
    assert "Récépissé authentique Déposé le" in said
    assert "Acte de naissance" not in said


@pytest.mark.parametrize(("last4", "said"), [("4412", "NPI OUI"), ("4413", "NPI NON"), ("x", "NPI NON")])
def test_the_npi(site: Site, last4: str, said: str) -> None:
    number, code = deposit(site)
    page = text_of(post(site, reference=number, code=code, last4=last4)[2])
    assert said in page
    assert "Récépissé authentique" in page


def test_unknown_and_wrong_are_one_page(site: Site) -> None:
    number, code = deposit(site)
    pages = set()
    for typed, given in ((number, wrong(code)), ("482109375625", wrong(code)), ("bonjour", wrong(code))):
        status, _, body = post(site, reference=typed, code=given)
        assert status == 200
        pages.add(body.decode().replace(f'value="{typed}"', ""))
    assert len(pages) == 1
    assert "Récépissé non reconnu" in text_of(pages.pop().encode())


@pytest.mark.parametrize(
    ("typed", "missing"),
    [
        ({}, ("reference", "code")),
        ({"reference": " ", "code": "1"}, ("reference",)),
        ({"reference": "1", "code": ""}, ("code",)),
    ],
)
def test_an_empty_field_is_said_beside_it(site: Site, typed: dict[str, str], missing: tuple[str, ...]) -> None:
    status, _, body = post(site, **typed)
    assert status == 400
    page = body.decode()
    assert tuple(re.findall(r'<p class="error" id="(\w+)-error">', page)) == missing
    assert page.count('aria-invalid="true"') == len(missing)


@pytest.mark.parametrize("name", ["reference", "code", "last4"])
def test_what_is_typed_is_never_markup(site: Site, name: str) -> None:
    typed = {"reference": "1", "code": "2", name: '"><script>alert(1)</script>'}
    page = post(site, **typed)[2].decode()
    assert "<script" not in page
    assert 'value="">' not in page.replace('value="" ', "")


def test_the_digits_of_the_npi_are_not_shown_again(site: Site) -> None:
    assert "9753" not in post(site, reference="1", code="2", last4="9753")[2].decode()


def test_an_address_over_its_ceiling_is_429(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = site.gateway.settings.limits.model_copy(update={"verify_per_address_hour": 2})
    settings = site.gateway.settings.model_copy(update={"limits": limits})
    monkeypatch.setattr(type(site.gateway.parts), "settings", settings)
    number, code = deposit(site)
    answers = [post(site, reference=number, code=code) for _ in range(3)]
    assert [status for status, _, _ in answers] == [200, 200, 429]
    _, headers, body = answers[-1]
    assert headers["Retry-After"] == "3600"
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert "Trop de vérifications" in text_of(body)
    assert post(site, reference=number, code=code, address="41.85.0.2")[0] == 200


def test_a_reference_that_must_wait_is_429(site: Site) -> None:
    number, code = deposit(site)
    for _ in range(5):
        post(site, reference=number, code=wrong(code))
    status, headers, body = post(site, "en", reference=number, code=code)
    assert status == 429
    assert 0 < int(headers["Retry-After"]) <= 2
    assert f"Try again in {headers['Retry-After']} seconds." in text_of(body)


def test_the_database_is_away(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*args: object) -> None:
        raise StoreUnavailable(Why.AWAY)

    monkeypatch.setattr(verification, "verify", away)
    status, headers, body = post(site, reference="1", code="2")
    assert (status, headers["Content-Type"]) == (503, "text/html; charset=utf-8")
    assert "Service momentanément indisponible" in text_of(body)


def test_other_methods_and_large_bodies(site: Site) -> None:
    assert site.call("DELETE", "/verify")[0] == 405
    assert site.call("HEAD", "/verify")[0] == 200
    assert post(site, reference="1" * 20_000, code="2")[0] == 413
    for body in (b"reference=%ff%00&code=%f0%28", b"&&&=", b"reference=1&reference=2&code=\xff"):
        assert site.call("POST", "/verify", body)[0] in (200, 400)


def test_nothing_of_it_is_logged(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[bytes] = []
    monkeypatch.setattr(logs._Sink, "write", staticmethod(lines.append))
    monkeypatch.setattr(logs._Sink, "threshold", 10)
    number, code = deposit(site)
    post(site, reference=number, code=code, last4="4412", address="41.85.0.77")
    said = b"".join(lines).decode()
    assert '"outcome":"holder_yes"' in said
    for secret in (number, code, "4412", "41.85.0.77"):
        assert secret not in said


def test_every_language_has_its_name_and_no_empty_word() -> None:
    assert set(WORDS) == set(LANGUAGE_NAMES)
    for words in WORDS.values():
        assert all(getattr(words, name) for name in words.__slots__)
        assert "{wait}" in words.later_text
