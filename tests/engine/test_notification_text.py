"""What a template says to one citizen, and what is wrong with how it is written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.engine.notification_text import Body, decode, encode, needed, read, render, spoken

BODY = Body(
    texts={"fr": "Bonjour {nom}, votre acte est prêt.", "en": "Hello {nom}, your certificate is ready."},
    languages=("fr", "en"),
    placeholders={"nom": 30},
)


def body(text: str) -> Body:
    return Body({"fr": text}, ("fr",), dict.fromkeys(read(text).names, 30))


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


def test_the_order_of_fallback_is_the_authors() -> None:
    assert spoken(Body({"fr": "a", "fon": "b", "en": "c"}, ("en", "fon"), {}), "yo") == "en"
    assert spoken(Body({"fr": "a", "fon": "b"}, ("en", "fon"), {}), "yo") == "fon"
    with pytest.raises(LookupError):
        spoken(Body({}, (), {}), "fr")


PARTS = [
    ("Le {date}[ à {heure}].", {"date": "12/05", "heure": "9h"}, "Le 12/05 à 9h.", "said: its value is there"),
    ("Le {date}[ à {heure}].", {"date": "12/05"}, "Le 12/05.", "left out: there is none"),
    ("Le {date}[ à {heure}].", {"date": "12/05", "heure": ""}, "Le 12/05.", "an empty one is none"),
    ("Le {date}[ à {heure}].", {"date": "12/05", "heure": "  "}, "Le 12/05.", "blanks are none"),
    ("Le {date}[ à {heure}].", {"date": "12/05", "heure": "0"}, "Le 12/05 à 0.", "0 is one"),
    ("[{a} et {b}] fin", {"a": "x"}, "fin", "all values or nothing"),
    ("[{a} et {b}] fin", {"a": "x", "b": "y"}, "x et y fin", "all values"),
    ("Un. [Deux {a}.] Trois.", {}, "Un. Trois.", "one of the two spaces goes along"),
    ("Un. [Deux {a}.] Trois.", {"a": "b"}, "Un. Deux b. Trois.", "both stay"),
    ("Un.\n[Deux {a}.] Trois.", {}, "Un.\nTrois.", "no space at the start of a line"),
    ("Un [{a}].", {}, "Un.", "no space before the full stop"),
    ("Un [{a}], deux", {}, "Un, deux", "nor before a comma"),
    ("Un [{a}] : deux", {}, "Un : deux", "the French space stays"),
    ("Un. [Deux {a}.]", {}, "Un.", "no space at the end"),
    ("[{a}] [{b}] fin", {}, "fin", "several in a row"),
    ("[{a}][{b}]fin", {"b": "2"}, "2fin", "side by side"),
    ("un[{a}]deux", {}, "undeux", "no space is made up"),
    ("[{a}]", {}, "", "nothing is left"),
    ("{{nom}}", {}, "{nom}", "braces that are meant"),
    ("[[1]]", {}, "[1]", "brackets that are meant"),
    ("[[{a}]]", {"a": "x"}, "[x]", "brackets that are meant around a value"),
    ("[{{{a}}}]", {"a": "x"}, "{x}", "and braces within an optional part"),
    ("{a}{b}", {"a": "{b}", "b": "[x]"}, "{b}[x]", "a value is never read"),
    ("5 < 6 $ %", {}, "5 < 6 $ %", "other signs mean themselves"),
]


@pytest.mark.parametrize(("text", "values", "said", "remark"), PARTS)
def test_optional_parts_and_signs(text: str, values: dict[str, str], said: str, remark: str) -> None:
    assert read(text).slips == (), remark
    assert render(body(text), "fr", values) == said, remark


SLIPS = [
    ("{nom}", None, "a small letter first"),
    ("{n}", None, "one letter"),
    ("{n" + "a" * 31 + "}", None, "32 characters"),
    ("{n" + "a" * 32 + "}", ("name", 1), "33 characters"),
    ("{nom_2}", None, "digits and _"),
    ("{2nom}", ("name", 1), "a digit first"),
    ("{Nom}", ("name", 1), "a capital"),
    ("{prénom}", ("name", 1), "an accent"),
    ("{nom }", ("name", 1), "a space"),
    ("{}", ("name", 1), "nothing"),
    ("a {nom", ("unclosed", 3), "a brace that stays open"),
    ("a {nom [b]", ("unclosed", 3), "the first is told"),
    ("{nom\n}", ("unclosed", 1), "no name goes on in the next line"),
    ("{a {nom}", ("unclosed", 1), "the outer one"),
    ("a } b", ("stray", 3), "a brace that closes nothing"),
    ("a ] b", ("stray", 3), "a bracket that closes nothing"),
    ("[a {nom}", ("unclosed", 1), "a bracket that stays open"),
    ("[a {nom}]]", ("unclosed", 1), "]] is a bracket to be read"),
    ("[a [b {nom}]", ("nested", 4), "one within another"),
    ("[a]", ("without_value", 1), "nothing says when it is left out"),
    ("x []", ("without_value", 3), "empty"),
    ("[{{a}}]", ("without_value", 1), "what looks like a name is none"),
    ("[{Nom}]", ("name", 2), "the name is told first"),
]


@pytest.mark.parametrize(("text", "slip", "remark"), SLIPS)
def test_slips_name_their_place(text: str, slip: tuple[str, int] | None, remark: str) -> None:
    found = read(text).slips
    assert (found[0].code, found[0].place) == slip if slip else found == (), remark
    for one in found:
        assert text[one.place - 1 :].startswith(one.shown)


def test_a_value_is_needed_where_no_brackets_are() -> None:
    assert needed(BODY) == ("nom",)
    both = Body({"fr": "{a}[{b}]", "en": "[{a}]{c}"}, ("fr", "en"), {"c": 9, "b": 9, "a": 9, "unused": 9})
    assert needed(both) == ("c", "a")


def test_a_missing_value_is_no_blank() -> None:
    with pytest.raises(LookupError):
        render(BODY, "fr", {})


WORDS = st.text(st.characters(exclude_characters="{}[]", exclude_categories=["Cs"]), max_size=12)
NAMES = st.from_regex(r"\A[a-z][a-z0-9_]{0,8}\Z")


@given(
    st.lists(
        st.one_of(
            WORDS,
            NAMES.map(lambda name: f"{{{name}}}"),
            st.tuples(WORDS, NAMES, WORDS).map(lambda one: f"[{one[0]}{{{one[1]}}}{one[2]}]"),
        ),
        max_size=8,
    ),
    st.dictionaries(NAMES, WORDS),
)
def test_no_sign_of_ours_reaches_a_citizen(pieces: list[str], values: dict[str, str]) -> None:
    text = "".join(one + " " if one.endswith("]") else one for one in pieces)
    made = body(text)
    assert read(text).slips == ()
    given_values = {name: values.get(name, "") for name in made.placeholders} | dict.fromkeys(needed(made), "x")
    assert not set("{}[]") & set(render(made, "fr", given_values))


@given(st.text(st.sampled_from("{}[] ab\né"), max_size=30))
def test_any_text_is_read_and_said(text: str) -> None:
    made = body(text)
    said = render(made, "fr", dict.fromkeys(made.placeholders, "v"))
    if not read(text).slips and not set("{}[]") & set(text):
        assert said == text
    for slip in read(text).slips:
        assert text[slip.place - 1 :].startswith(slip.shown)


@given(
    st.dictionaries(st.sampled_from(["fr", "en", "fon"]), st.text(st.characters(exclude_categories=["Cs"]))),
    st.dictionaries(NAMES, st.integers(0, 999)),
    st.dictionaries(NAMES, st.text(st.characters(exclude_categories=["Cs"]))),
)
def test_stored_and_read_again(texts: dict[str, str], sizes: dict[str, int], examples: dict[str, str]) -> None:
    made = Body(texts, tuple(texts), sizes, examples)
    assert decode(encode(made)) == made


def test_what_was_stored_before_there_were_examples() -> None:
    assert decode(b'{"texts":{"fr":"a"},"languages":["fr"],"placeholders":{}}') == Body({"fr": "a"}, ("fr",), {})
