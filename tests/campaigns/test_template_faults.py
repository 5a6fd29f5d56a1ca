"""What is refused of a template, with the field, the place and what to do."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.messages import Category
from gateway.usecases import templates
from gateway.usecases.template_draft import CATEGORIES, body_of
from gateway.usecases.template_words import say, sentences
from gateway.usecases.templates import Draft, Fault, TemplateRefused
from tests.campaigns.conftest import A, Town
from tests.campaigns.test_templates import AUTHOR, draft

TEXTS = [
    ("a" * 918, None, "six segments: 6 x 153"),
    ("a" * 919, ("segments", None), "one septet more"),
    ("ê" * 918, None, "made plain: six segments"),
    ("a" * 1531, ("text_long", 1531), "longer than anything is looked at"),
    ("", ("text_missing", None), "nothing"),
    (" \n ", ("text_missing", None), "blanks"),
    ("...", ("text_empty", None), "no words"),
    ("Bonjour\u200b", ("hidden", 8), "an invisible character"),
    ("Bonjour\u202e", ("hidden", 8), "one that turns the words round"),
    ("Bon\tjour", ("hidden", 4), "a tab"),
    ("Bon\njour", None, "a line end"),
    ("Bonjour {Nom}", ("slip_name", 9), "a capital"),
    ("Bonjour {nom", ("slip_unclosed", 9), "no end"),
    ("Bonjour ]", ("slip_stray", 9), "no start"),
    ("[a [{b}]", ("slip_nested", 4), "within another"),
    ("[a]", ("slip_without_value", 1), "never left out"),
    ("Voir bit.ly/x", ("forbidden", 6), "a link"),
    ("Voir [{a} bit.ly/x]", ("forbidden", 11), "within an optional part"),
    ("Voir bit[{a}].ly/x", ("forbidden", None), "when that is left out"),
    ("Voir {nom}.com", ("forbidden", None), "a link of which the value is the name"),
    ("Appelez 97000002", ("forbidden", 9), "a number"),
    ("Suivi: *229#", None, "our code"),
    ("Prêt. Donnez votre code", ("asks_code", 7), "a code"),
    ("Prêt. Payez 500 F", ("asks_payment", 7), "a payment"),
    ("Donnez [{a}] le code", ("asks_code", None), "when the part between is left out"),
]


def many(count: int) -> dict[str, Any]:
    """A draft with so many placeholders."""
    names = [f"n{number}" for number in range(count)]
    return {"texts": {"fr": "a" + "".join(f"{{{name}}}" for name in names)}, "sizes": dict.fromkeys(names, 6)}


FIELDS: list[tuple[dict[str, Any], tuple[str, str] | None, str]] = [
    ({"name": ""}, ("name", "name_missing"), "no name"),
    ({"name": "a" * 64}, None, "64 characters"),
    ({"name": "a" * 65}, ("name", "name_long"), "65"),
    ({"name": "a\u202eb"}, ("name", "name_long"), "an invisible character"),
    ({"category": Category.REPLY}, ("category", "category"), "what answers a citizen"),
    ({"sender": "anip"}, None, "one of the institution's"),
    ({"sender": "court"}, ("sender", "sender"), "another"),
    ({"policy": "cheapest"}, ("policy", "policy"), "none of the three"),
    ({"texts": {}}, ("text.fr", "text_missing"), "no text at all"),
    ({"texts": {"en": ""}}, ("text.en", "text_missing"), "an empty one"),
    ({"texts": {"en": "a", "fr": " "}}, None, "one is enough"),
    ({"texts": {"fon": "Acɛ"}}, None, "a language of Bénin"),
    ({"texts": {"xx": "a"}}, ("languages", "language"), "no language"),
    ({"sizes": {"nom": 6}}, None, "the smallest"),
    ({"sizes": {"nom": 5}}, ("size.nom", "size"), "too small"),
    ({"sizes": {"nom": 160}}, None, "the largest"),
    ({"sizes": {"nom": 161}}, ("size.nom", "size"), "too large"),
    ({"sizes": {"nom": -(10**9)}}, ("size.nom", "size"), "absurd"),
    ({"examples": {"nom": "a\nb"}}, ("example.nom", "example"), "two lines"),
    ({"examples": {"nom": "evil.com"}}, ("example.nom", "forbidden"), "a link"),
    (many(10), None, "10 placeholders"),
    (many(11), ("languages", "many_placeholders"), "11"),
    ({"texts": dict.fromkeys(("fr", "en", "fon", "yo", "bba", "ddn"), "a")}, None, "six languages"),
    (
        {"texts": dict.fromkeys(("fr", "en", "fon", "yo", "bba", "ddn", "ajg"), "a")},
        ("languages", "many_languages"),
        "seven",
    ),
]  # fmt: skip


def refused(town: Town, one: Draft) -> tuple[Fault, ...]:
    found = templates.faults(town.parts, AUTHOR, A, one)
    if found:
        with pytest.raises(TemplateRefused) as caught:
            templates.create(town.parts, AUTHOR, A, one)
        assert caught.value.faults == found
    else:
        templates.create(town.parts, AUTHOR, A, one)
    return found


@pytest.mark.parametrize(("text", "fault", "remark"), TEXTS)
def test_texts(sqlite_town: Town, text: str, fault: tuple[str, int | None] | None, remark: str) -> None:
    found = refused(sqlite_town, draft(text))
    if fault is None:
        assert found == (), remark
    else:
        assert (found[0].field, found[0].code, found[0].place) == ("text.fr", *fault), remark
        if found[0].place and found[0].shown and found[0].code != "hidden":
            assert text[found[0].place - 1 :].startswith(found[0].shown)


@pytest.mark.parametrize(("more", "fault", "remark"), FIELDS)
def test_fields(sqlite_town: Town, more: dict[str, Any], fault: tuple[str, str] | None, remark: str) -> None:
    found = refused(sqlite_town, draft(**more))
    assert [(one.field, one.code) for one in found[:1]] == ([fault] if fault else []), remark


def test_all_faults_are_told_at_once(sqlite_town: Town) -> None:
    found = refused(sqlite_town, draft("{Nom} bit.ly", name="", sender="x", texts={"fr": "{Nom} bit.ly", "en": "[a]"}))
    assert [one.field for one in found] == ["name", "sender", "text.fr", "text.fr", "text.en"]


def test_every_fault_is_said_in_both_languages() -> None:
    for code, said in sentences().items():
        assert set(said) == {"fr", "en"}, code
        for language in said:
            sentence = say(code, 7, "{nom} x", language)
            assert sentence.endswith((".", "»", '"', "[[.", "{{.")), sentence
            assert ("{shown}" in said[language]) is ("{nom} x" in sentence)
        assert say(code, None, "", "fon") == say(code, None, "", "fr")


def test_every_category_but_the_answer_at_once() -> None:
    assert set(CATEGORIES) == set(Category) - {Category.REPLY}


def test_the_body_has_what_the_texts_use() -> None:
    made = body_of(draft("{a}[{b}]", texts={"en": "{c}", "fr": "{a}[{b}]"}, languages=("fr",), sizes={"b": 9, "x": 9}))
    assert (made.languages, dict(made.placeholders)) == (("fr", "en"), {"c": 30, "a": 30, "b": 9})
