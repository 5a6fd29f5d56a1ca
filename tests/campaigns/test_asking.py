"""What asks for a code, a PIN or a payment, and what only sounds like it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.usecases.asking import _file, asks, warnings

CODE = [
    ("Envoyez votre code", "an order"),
    ("ENVOYEZ VOTRE CODE", "capitals"),
    ("Envoyez-nous immédiatement par SMS votre code", "seven words between"),
    ("Répondez à ce message avec votre code", "an answer"),
    ("Quel est votre code ?", "a question"),
    ("Pour continuer il nous faut votre code", "a need"),
    ("Votre code: envoyez-le", "the code first"),
    ("Votre code. Envoyez-le vite", "in the next sentence"),
    ("Donnez le code reçu", "any code"),
    ("Votre code PIN", "a PIN is never named"),
    ("Votre PIN", "nor alone"),
    ("Le mot de passe de votre compte", "nor a password"),
    ("P.I.N", "with full stops"),
    ("P I N", "with spaces"),
    ("c o d e: envoyez", "one by one"),
    ("Envoyez le c0de", "a digit for a letter"),
    ("Envoyez le p1n", "a digit for a letter"),
    ("Envoyez le сode", "a Cyrillic letter"),
    ("Envoyez le ｃｏｄｅ", "full-width letters"),
    ("Envoyez le co\u200bde", "a zero-width space"),
    ("Envoyez le cöde", "an accent"),
    ("Send your code", "English"),
    ("Reply with the code you received", "English"),
    ("What is your code?", "English"),
    ("Your password", "English"),
    ("Ná code. Envoyez", "words of several languages"),
    ("Ne donnez jamais votre code sauf à nous", "no warning: something follows"),
    ("Ne donnez jamais votre code! Envoyez le code", "a warning, and then it asks"),
    ("Votre code. Ne donnez jamais votre code. Envoyez-le", "a warning between"),
    ("N'oubliez pas de donner votre code", "a not that is none"),
]
PAYMENT = [
    ("Payez à la livraison", "an order"),
    ("Veuillez payer 500 F", "an infinitive"),
    ("Envoyez 500 F", "an amount"),
    ("Envoyez 500F", "without a space"),
    ("Envoyez 500 FCFA par MoMo", "a currency"),
    ("Envoyez l'argent", "money"),
    ("Effectuez le paiement", "a payment"),
    ("Faites un dépôt", "a deposit"),
    ("Réglez les frais", "fees"),
    ("Montant payable au guichet", "payable"),
    ("Rechargez votre compte", "credit"),
    ("Please pay now", "English"),
    ("Send money", "English"),
    ("Make a deposit", "English"),
]
NOTHING = [
    ("Votre code de retrait: 4821. Présentez le code au guichet.", "a code is told"),
    ("Votre code de retrait est 4821. Envoyez STATUT au 22900.", "five words after it"),
    ("Composez le code *229# pour suivre", "a code that is dialled"),
    ("Tapez le code *229#", "a code that is dialled"),
    ("Votre paiement est reçu: 500 F", "a payment is told"),
    ("Montant payé: 500 F", "a payment is told"),
    ("Tarif: 500 F", "a fee is told"),
    ("Faites votre demande sans frais", "no fee"),
    ("Donnez votre avis", "something else"),
    ("Envoyez STATUT et votre référence", "something else"),
    ("Récépissé de dépôt. Faites-en une copie.", "a deposit of papers"),
    ("Rue du Pinson, encodé, codeur", "longer words"),
    ("Your certificate is ready. Please come to the town hall.", "English"),
    ("Les pays voisins", "a French word that holds an English one"),
    ("Bonjour {nom}, votre acte est prêt.", "a template"),
    ("", "nothing"),
]


@pytest.mark.parametrize(("text", "remark"), CODE)
def test_a_code_is_asked_for(text: str, remark: str) -> None:
    found = asks(text)
    assert found, remark
    assert found[0].what == "code", remark
    assert all(one.shown in text for one in found)


@pytest.mark.parametrize(("text", "remark"), PAYMENT)
def test_a_payment_is_asked_for(text: str, remark: str) -> None:
    assert [one.what for one in asks(text)][:1] == ["payment"], remark


@pytest.mark.parametrize(("text", "remark"), NOTHING)
def test_nothing_is_asked_for(text: str, remark: str) -> None:
    assert asks(text) == (), remark


def test_warnings_pass_word_for_word() -> None:
    for language in ("fr", "en"):
        for warning in warnings(language):
            for around in ("{}", "{}.", "Acte prêt. {}!", "{}\nMerci", "Prêt. {}. Merci."):
                assert asks(around.format(warning)) == (), warning
            assert asks(warning.upper().replace("'", "’")) == ()
    assert warnings("fon") == warnings("fr")


def test_a_warning_is_one_because_of_the_list() -> None:
    """Without it each that names a thing would be refused: the list is not there for nothing."""
    named = [one for one in (*warnings("fr"), *warnings("en")) if asks(one + " maintenant")]
    assert len(named) >= 14


def test_every_list_is_there_in_every_language() -> None:
    known = {"secrets", "codes", "givers", "payments", "money", "payers", "harmless", "warnings"}
    for lists in _file().values():
        assert set(lists) == known
        for words in lists.values():
            assert len(set(words)) == len(words)
            assert all(isinstance(word, str) for word in words)  # YAML takes some words for true and false


def test_the_guide_tells_what_passes() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "console.md").read_text(encoding="utf-8")
    line = re.search(r"(?s)recopiez une de ces phrases[^:]*: (.+?)\n\n", guide)
    assert line is not None
    told = re.findall(r"\*([^*]+)\.\*", " ".join(line[1].split()))
    assert len(told) >= 5
    assert set(told) <= set(warnings("fr"))
    assert asks("Code de retrait: {code_retrait}. Présentez le code au guichet.") == ()
    assert asks("Tarif: 500 F. Passez à la mairie.") == ()


@given(st.text())
def test_any_text_is_judged(text: str) -> None:
    assert all(one.shown in text for one in asks(text))
