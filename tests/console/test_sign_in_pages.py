"""Signing in through the pages: cookies, tokens, foreign forms, where one is led."""

from __future__ import annotations

import statistics
import time

import pyotp
import pytest

from gateway.messages import Role
from gateway.web.console import pages
from tests.console.conftest import PASSWORD, Declare, Office, text_of


def test_password_then_code_then_home(office: Office) -> None:
    office.person("awa", Role.SENDER)
    browser = office.browser()
    half = browser.post("/console/sign-in", login="awa", password=PASSWORD)
    assert (half.status_code, half.location) == (303, "/console/second-factor")
    assert browser.get("/console/").location == "/console/sign-in?next=/console/"
    done = browser.post("/console/second-factor", code=office.code("awa"))
    assert (done.status_code, done.location) == (303, "/console/")
    assert "Bonjour, Awa" in text_of(browser.get("/console/"))
    assert browser.get("/console/second-factor").location == "/console/sign-in"
    assert browser.get("/console/sign-in").location == "/console/"
    out = browser.post("/console/sign-out", at="/console/")
    assert out.location == "/console/sign-in"
    assert "Vous êtes déconnecté." in text_of(browser.get("/console/sign-in"))
    assert browser.get("/console/").status_code == 303


@pytest.mark.parametrize("login", ["awa", "nobody"])
def test_a_wrong_password_and_an_unknown_login_are_one_page(office: Office, login: str) -> None:
    office.person("awa", Role.SENDER)
    browser = office.browser()
    for _ in range(5):
        refused = browser.post("/console/sign-in", login=login, password="not the password")
        assert refused.status_code == 400
        assert "L'identifiant ou le mot de passe ne va pas." in text_of(refused)
    waits = browser.post("/console/sign-in", login=login, password=PASSWORD)
    assert (waits.status_code, waits.headers["Retry-After"]) == (429, "30")
    assert "Trop d'essais. Recommencez dans 30 s." in text_of(waits)


def test_the_browser_gets_a_new_token_at_each_step(office: Office) -> None:
    """Whoever planted a token in somebody's browser is not signed in with it (session fixation)."""
    office.person("awa", Role.SENDER)
    browser = office.browser()
    browser.client.set_cookie("console", "planted", domain="127.0.0.1")
    tokens = [browser.cookie(), browser.token("/console/sign-in")]
    browser.post("/console/sign-in", login="awa", password=PASSWORD)
    half = browser.cookie()
    browser.post("/console/second-factor", code=office.code("awa"))
    whole = browser.cookie()
    assert len({"planted", half, whole, *tokens}) == 4
    for old in ("planted", half):
        other = office.browser()
        other.client.set_cookie("console", old, domain="127.0.0.1")
        assert other.get("/console/").status_code == 303
    browser.post("/console/sign-out", at="/console/")
    other = office.browser()
    other.client.set_cookie("console", whole, domain="127.0.0.1")
    assert other.get("/console/").status_code == 303


def test_a_form_of_before_the_sign_in_is_no_form_of_the_session(office: Office) -> None:
    office.person("awa", Role.SENDER)
    browser = office.browser()
    before = browser.token("/console/sign-in")
    browser.sign_in("awa")
    refused = browser.client.post("/console/account/everywhere", data={"csrf_token": before})
    assert refused.status_code == 400
    assert browser.get("/console/").status_code == 200


def test_cookies_on_this_machine(office: Office) -> None:
    office.person("awa", Role.SENDER)
    browser = office.browser()
    answer = browser.post("/console/sign-in", login="awa", password=PASSWORD)
    kept = [cookie for cookie in answer.headers.getlist("Set-Cookie") if not cookie.startswith("console-form=;")]
    assert kept
    for cookie in kept:
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert "Path=/" in cookie
        assert "Domain" not in cookie
        assert "Expires" not in cookie  # ends with the browser
        assert "Secure" not in cookie


def test_cookies_elsewhere_travel_by_https_only(open_office: Declare) -> None:
    office = open_office(GATEWAY_PUBLIC_URL="https://passerelle.example.bj")
    office.person("awa", Role.SENDER)
    token = office.browser()
    page = token.client.get("/console/sign-in", base_url="https://passerelle.example.bj")
    cookies = page.headers.getlist("Set-Cookie")
    assert [cookie.partition("=")[0] for cookie in cookies] == ["__Host-console-form"]
    assert all("Secure" in cookie and "Path=/" in cookie and "Domain" not in cookie for cookie in cookies)


@pytest.mark.parametrize(
    ("headers", "status", "remark"),
    [
        ({}, 400, "an old browser says nothing: then the token decides, and it is right: a wrong password"),
        ({"Origin": "http://127.0.0.1:8000"}, 400, "our own page"),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1:8000"}, 400, "the same, today"),
        ({"Origin": "https://evil.example"}, 403, "another site"),
        ({"Origin": "null"}, 403, "a page of nowhere"),
        ({"Sec-Fetch-Site": "cross-site"}, 403, "another site"),
        ({"Sec-Fetch-Site": "same-site"}, 403, "a neighbour"),
        ({"Sec-Fetch-Site": "none"}, 403, "nobody posts by hand"),
    ],
)
def test_forms_of_others(office: Office, headers: dict[str, str], status: int, remark: str) -> None:
    browser = office.browser()
    token = browser.token("/console/sign-in")
    form = {"csrf_token": token, "login": "x", "password": "y"}
    answer = browser.client.post("/console/sign-in", data=form, headers=headers)
    assert answer.status_code == 400, remark
    foreign = "Page trop ancienne" in answer.text
    assert foreign is (status == 403), remark


@pytest.mark.parametrize(
    "written",
    [
        "https://evil.example/", "//evil.example", "/\\evil.example", "/console//evil.example", "/console/\\evil",
        "javascript:alert(1)", "/verify", "/consolex/", "console/", "/console/\r\nX: y", "/console/" + "a" * 600,
        "http:/console/",
    ],
)  # fmt: skip
def test_one_is_led_nowhere_else(office: Office, written: str) -> None:
    office.person("awa", Role.SENDER)
    browser = office.browser()
    browser.post("/console/sign-in", login="awa", password=PASSWORD, next=written)
    done = browser.post("/console/second-factor", code=office.code("awa"), next=written)
    assert done.location == "/console/"
    token = browser.token("/console/account")
    moved = browser.client.post("/console/language", data={"csrf_token": token, "language": "en", "next": written})
    assert moved.location == "/console/"


def test_one_is_led_back(office: Office) -> None:
    office.person("awa", Role.MANAGER)
    browser = office.browser()
    asked = browser.get("/console/acts?who=awa&act=")
    assert asked.location == "/console/sign-in?next=/console/acts?who%3Dawa%26act%3D"
    assert 'name="next" value="/console/acts?who=awa&amp;act="' in browser.get(asked.location).text
    assert pages.safe_next("/console/acts?who=awa&act=") == "/console/acts?who=awa&act="


def test_htmx_is_told_where_to_go(office: Office) -> None:
    answer = office.browser().get("/console/acts", **{"HX-Request": "true"})
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"].startswith("/console/sign-in")


def test_an_unknown_login_takes_as_long(office: Office) -> None:
    """Medians of many: the work is the same, a password's digest; without it an answer takes a tenth of the time."""
    office.person("awa", Role.SENDER)
    parts = office.gateway.parts
    from gateway.usecases import sign_in

    def taken(login: str) -> float:
        office.later(hours=2)  # nothing has to wait
        started = time.process_time()
        sign_in.give_password(parts, login, "not the password", "41.85.0.1")
        return time.process_time() - started

    known, unknown = [], []
    for number in range(15):
        known.append(taken("awa"))
        unknown.append(taken(f"nobody{number}"))
    assert 0.5 < statistics.median(known) / statistics.median(unknown) < 2


def test_a_code_is_not_taken_twice(office: Office) -> None:
    office.person("awa", Role.SENDER)
    office.later(seconds=60)
    code = pyotp.TOTP(office.secrets["awa"]).at(office.time)
    first, second = office.browser(), office.browser()
    for browser in (first, second):
        browser.post("/console/sign-in", login="awa", password=PASSWORD)
    assert first.post("/console/second-factor", code=code).status_code == 303
    again = second.post("/console/second-factor", code=code)
    assert again.status_code == 400
    assert "Ce code n'ouvre pas, ou a déjà servi." in text_of(again)


def test_the_other_language(office: Office) -> None:
    browser = office.browser()
    moved = browser.post("/console/language", at="/console/sign-in", language="en", next="/console/sign-in")
    assert moved.location == "/console/sign-in"
    page = browser.get("/console/sign-in")
    assert '<html lang="en">' in page.text
    assert "Sign in" in text_of(page)
    assert "Page not found" in text_of(browser.get("/console/nowhere"))
    office.person("awa", Role.SENDER)
    assert browser.sign_in("awa").status_code == 303
    browser.post("/console/language", at="/console/", language="en", next="/console/")
    elsewhere = office.browser()
    elsewhere.sign_in("awa")
    assert "Hello, Awa" in text_of(elsewhere.get("/console/"))


@pytest.mark.parametrize(
    ("method", "path", "status", "said"),
    [
        ("GET", "/console/nowhere", 404, "Page introuvable"),
        ("GET", "/console/sign-out", 405, "Page introuvable"),
        ("POST", "/console/sign-in", 400, "Page trop ancienne"),
    ],
)
def test_errors_are_pages(office: Office, method: str, path: str, status: int, said: str) -> None:
    answer = office.browser().client.open(path, method=method)
    assert answer.status_code == status
    assert answer.content_type == "text/html; charset=utf-8"
    assert said in text_of(answer)
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


def test_too_large(office: Office) -> None:
    browser = office.browser()
    token = browser.token("/console/sign-in")
    answer = browser.client.post("/console/sign-in", data={"csrf_token": token, "login": "x" * 70_000})
    assert answer.status_code == 413
    assert "Envoyez moins à la fois." in text_of(answer)


def test_the_demonstration_tells_the_code(office: Office) -> None:
    from gateway import wiring
    from gateway.usecases.demo_people import PASSWORD as DEMO_PASSWORD

    made = wiring.make_demo_people(office.gateway.settings, office.gateway.keys)
    assert {one.role for one in made} == set(Role)
    browser = office.browser()
    browser.post("/console/sign-in", login="demo-auditor", password=DEMO_PASSWORD)
    said = text_of(browser.get("/console/second-factor"))
    code = said.partition("le code est ")[2][:6]
    assert browser.post("/console/second-factor", code=code).status_code == 303
    office.person("awa", Role.SENDER)
    other = office.browser()
    other.post("/console/sign-in", login="awa", password=PASSWORD)
    assert "le code est" not in text_of(other.get("/console/second-factor"))


def test_the_language_of_words_is_whole() -> None:
    import importlib
    import pkgutil

    from gateway.web.console import words

    def keys(table: object) -> object:
        return {key: keys(value) for key, value in table.items()} if isinstance(table, dict) else None

    for module in pkgutil.iter_modules(words.__path__):
        table = importlib.import_module(f"{words.__name__}.{module.name}").WORDS
        assert list(table) == ["fr", "en"]
        assert keys(table["fr"]) == keys(table["en"]), module.name
