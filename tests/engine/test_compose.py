"""Sentences of menus/messages.yaml as SMS and errors."""

from __future__ import annotations

import pytest

from gateway.engine import compose

ALL = {
    "reference": "4821 0937 5628",
    "service": "Acte de naissance",
    "date": "23/11/2026",
    "time": "14:05",
    "promised_date": "26/11",
    "verification": "472913",
    "code": "*229#",
}


def test_the_receipt_reads_as_promised(small):
    assert compose.text(small, "receipt", "fr", ALL) == (
        "Récépissé 4821 0937 5628. Acte de naissance, demande déposée le 23/11/2026 à 14:05. "
        "Réponse avant le 26/11. Code de vérification 472913. Suivi: *229#"
    )


@pytest.mark.parametrize(
    ("language", "values", "said", "remark"),
    [
        ("en", {"code": "*229#"}, "This dialogue was interrupted. Dial *229# again", "the language asked"),
        ("fon", {"code": "*229#"}, "Ce dialogue est interrompu. Composez de nouveau *229#", "else the default one"),
        ("fr", {}, "Ce dialogue est interrompu. Composez de nouveau ", "a missing value leaves a hole, never a fault"),
        ("fr", {"code": "1", "more": "2"}, "Ce dialogue est interrompu. Composez de nouveau 1", "one value too many"),
    ],
)
def test_a_sentence(small, language, values, said, remark):
    assert compose.text(small, "interrupted", language, values) == said, remark


def test_an_unknown_key_is_the_program_s_fault(small):
    with pytest.raises(compose.ComposeError, match="no_such_key"):
        compose.text(small, "no_such_key", "fr", {})
