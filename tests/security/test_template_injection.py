"""Template injection: braces in what a citizen or an institution writes are letters like others."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.store import mts
from gateway.wiring import Gateway
from tests.security.conftest import event
from tests.ussd import conftest as dialogues
from tests.ussd.conftest import Build, Phone
from tests.web.conftest import Site
from tests.web.test_verify import deposit, post, text_of

build, clock, other_menus = dialogues.build, dialogues.clock, dialogues.other_menus

#: Asks for a text and shows it, beside a kept value that no template of a citizen may fetch.
ECHO = """\
service: echo
title:
  fr: Echo
  en: Echo
assurance: open
start: secret
screens:
  secret:
    say:
      fr: Un mot
      en: A word
    ask:
      type: text
      max: 20
      save: secret
    go: mot
  mot:
    say:
      fr: Un autre
      en: Another
    ask:
      type: text
      max: 30
      save: mot
    go: fin
  fin:
    end:
      fr: "Vous: {mot}."
      en: "You: {mot}."
"""
PAYLOADS = [
    "{{7*7}}",
    "{secret}",
    "{secret|mask}",
    "{catalogue.fee}",
    "{code}",
    "{mot}",
    "{% if 1 %}49{% endif %}",
    "{0.__class__.__mro__}",
    "${7*7} #{7*7} <%= 7*7 %>",
    "%(secret)s %s",
]


@pytest.fixture
def echo(build: Build, other_menus: Path) -> Gateway:
    (other_menus / "echo.yaml").write_text(ECHO)
    main = other_menus / "main.yaml"
    main.write_text(main.read_text().replace("  26: preferences\n", "  26: preferences\n  29: echo\n"))
    return build(other_menus)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_braces_in_an_answer_are_shown_as_they_were_typed(echo: Gateway, payload: str) -> None:
    *_, reply = Phone(echo).walk("29", "29*GARDE", f"29*GARDE*{payload}")
    assert reply.text == f"Vous: {payload}."


@pytest.mark.parametrize("payload", ["{{7*7}}", "{reference}", "{message}", "{verification}", "{0.__class__}"])
def test_braces_in_an_institutions_words_reach_the_citizen_as_letters(site: Site, payload: str) -> None:
    number, code = deposit(site)
    data = {"reference": number, "case": payload, "decision": "granted", "message": {"fr": f"a {payload} b"}}
    assert event(site, data)[0] == 200
    with site.gateway.database.read() as conn:
        (notice,) = mts.for_sending(conn, site.gateway.parts.seals, range(9)).values()
    assert notice is not None
    assert f"a {payload} b" in notice.text
    assert code not in notice.text


@pytest.mark.parametrize("name", ["reference", "code", "last4"])
def test_the_page_fills_nothing_in_what_is_typed(site: Site, name: str) -> None:
    typed = {"reference": "1", "code": "2", name: "{{7*7}}${7*7}{{config}}"}
    status, _, page = post(site, **typed)
    assert status == 200
    assert ("{{7*7}}${7*7}{{config}}" in page.decode()) == (name != "last4")
    assert "49" not in text_of(page)
    assert b"SECRET_KEY" not in page
