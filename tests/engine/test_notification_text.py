"""What a template says to one citizen."""

from __future__ import annotations

import pytest

from gateway.engine.notification_text import Body, decode, encode, needed, render, spoken

BODY = Body(
    texts={"fr": "Bonjour {nom}, votre acte est prêt.", "en": "Hello {nom}, your certificate is ready."},
    languages=("fr", "en"),
    placeholders={"nom": 30},
)


@pytest.mark.parametrize(
    ("language", "text", "remark"),
    [
        ("fr", "Bonjour Awa, votre acte est prêt.", "its own"),
        ("en", "Hello Awa, your certificate is ready.", "its own"),
        ("fon", "Bonjour Awa, votre acte est prêt.", "one that the body lacks: the first in its order"),
    ],
)
def test_the_text_in_a_language(language: str, text: str, remark: str) -> None:
    assert render(BODY, language, {"nom": "Awa"}) == text, remark


def test_a_value_is_never_read_as_a_placeholder() -> None:
    body = Body({"fr": "{a} {b}"}, ("fr",), {"a": 10, "b": 10})
    assert render(body, "fr", {"a": "{b}", "b": "x"}) == "{b} x"


def test_braces_that_name_nothing_stay() -> None:
    assert render(Body({"fr": "{ } {A} {}"}, ("fr",), {}), "fr", {}) == "{ } {A} {}"


def test_a_missing_value_is_no_blank() -> None:
    with pytest.raises(LookupError):
        render(BODY, "fr", {})


def test_stored_and_read_again() -> None:
    assert decode(encode(BODY)) == BODY
    assert needed(BODY) == ("nom",)
    assert spoken(BODY, "fon") == "fr"
