"""Text made plain, and folded for comparing."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.text import gsm7
from gateway.text.transliterate import fold, plain


@pytest.mark.parametrize(
    ("text", "expected", "remark"),
    [
        ("", "", "nothing"),
        ("Pièce déposée à Cotonou, où ?", "Pièce déposée à Cotonou, où ?", "inside the alphabet: stays"),
        ("Vous êtes reçu, bientôt, noël", "Vous etes reçu, bientot, noel".replace("ç", "c"), "French"),
        ("ÇA VA", "ÇA VA", "the capital is inside"),
        ("Vœux à Œdipe", "Voeux à OEdipe", "ligatures"),
        ("À l’État", "A l'État", "a capital outside, a curly apostrophe"),
        ("« oui »", '" oui "', "guillemets"),
        ("1\u202f900\u00a0FCFA", "1 900 FCFA", "French number spaces"),
        ("a\tb…", "a b...", "tab and ellipsis"),
        ("n° 5", "no 5", "degree sign"),
        ("10 €", "10 €", "the euro is inside, at two septets"),
        ("Ẹ káàárọ̀", "E kaàaro", "Yoruba: what is inside stays, the rest loses its marks"),
        ("jɛ̌ gbé, ɖò xwé", "je gbé, dò xwé", "Fon"),
        ("Bɔ̀ ɛ̃ ŋ", "Bo e n", "no composed form exists for these"),
        ("e\u0301tat", "état", "decomposed input is composed first"),
        ("soft\u00adhy\u200bphen\ufeff", "softhyphen", "invisible characters vanish"),
        ("m²", "m2", "a compatibility form"),
        ("ﬁn", "fin", "a typographic ligature"),
    ],
)
def test_plain(text: str, expected: str, remark: str) -> None:
    assert plain(text).text == expected, remark
    assert plain(text).lost == (), remark


@pytest.mark.parametrize(
    ("text", "shown", "lost", "remark"),
    [
        ("Bravo 😀!", "Bravo ?!", ("😀",), "no equivalent: shown and reported"),
        ("😀😀中", "???", ("😀", "中"), "each reported once, in order"),
        ("👍🏽\ufe0f", "??", ("👍", "🏽"), "a variation selector shows nothing by itself"),
        ("a\x00b", "a?b", ("\x00",), "a control character"),
        ("a\x1bb", "a?b", ("\x1b",), "the escape code is not a character"),
        ("\ud800", "?", ("\ud800",), "half a surrogate pair"),
        ("really?", "really?", (), "a question mark of the author's own is not a loss"),
    ],
)
def test_lost(text: str, shown: str, lost: tuple[str, ...], remark: str) -> None:
    assert (plain(text).text, plain(text).lost) == (shown, lost), remark


@given(st.text())
def test_plain_is_always_encodable_and_settled(text: str) -> None:
    once = plain(text)
    assert gsm7.encodable(once.text)
    assert plain(once.text).text == once.text
    assert once.text.count("?") >= len(once.lost)


@given(st.text())
def test_plain_does_not_depend_on_composition(text: str) -> None:
    # A text already in the alphabet is left alone, so only others are composed.
    composed, decomposed = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
    assert plain(decomposed).text == plain(composed).text


@pytest.mark.parametrize(
    ("text", "folded", "remark"),
    [
        ("", "", "nothing"),
        ("  Porto-Novo ", "porto novo", "a dash separates words"),
        ("Sèmè-Podji", "seme podji", "accents"),
        ("N'Dali", "ndali", "an apostrophe vanishes"),
        ("N’Dali", "ndali", "the curly one too"),
        ("Bœufs Œ", "boeufs oe", "ligatures"),
        ("Ɖɔ̀gbó", "dogbo", "local letters"),
        ("STATUT: 4821.0937", "statut 4821 0937", "punctuation"),
        ("a_b", "a b", "the low line is punctuation"),
        ("Straße", "strasse", "casefold"),
        ("?!", "", "only punctuation"),
        ("😀", "", "no letter"),
    ],
)
def test_fold(text: str, folded: str, remark: str) -> None:
    assert fold(text) == folded, remark


def test_a_letter_that_only_looks_raised_is_folded_at_once() -> None:
    assert fold("ᵑ") == fold("ŋ") == "n"


@given(st.text(alphabet=st.characters(max_codepoint=0x2FFF, exclude_categories=["Cs"])))
def test_fold_is_settled_and_single_spaced(text: str) -> None:
    folded = fold(text)
    assert fold(folded) == folded
    assert folded == " ".join(folded.split())
