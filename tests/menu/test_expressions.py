"""Conditions: what may be written, and what it means."""

from __future__ import annotations

import pytest

from gateway.menu.expressions import ExpressionError, evaluate, parse
from gateway.menu.model import Mark

MARK = Mark("x.yaml", 1)
VALUES: dict[str, str | int] = {"age": "18", "montant": 500, "pour": "moi", "date": "1990-05-12", "vide": ""}


@pytest.mark.parametrize(
    ("source", "holds", "remark"),
    [
        ("age >= 18", True, "digits compare as a number"),
        ("age > 18", False, "the boundary"),
        ("age == 18", True, ""),
        ('age == "18"', True, "and as a text"),
        ('"9" < "18"', False, "two texts compare as texts"),
        ("montant < 501", True, "an amount is a number"),
        ("montant == 0500", None, "a number with a zero first is no Python"),
        ("-1 < montant", True, "a negative number"),
        ('pour == "moi"', True, ""),
        ('pour != "moi"', False, ""),
        ('pour in ("moi", "toi")', True, ""),
        ('pour not in ["moi"]', False, ""),
        ("age in (17, 18)", True, "digits among numbers"),
        ("age not in (17, 18)", False, ""),
        ('date >= "1990-05-12"', True, "dates compare as text"),
        ('date < "1990-06"', True, ""),
        ("16 < age < 20", True, "a chain"),
        ("16 < age < 18", False, "a chain, its second half false"),
        ("vide", False, "an empty answer is false"),
        ("absent", False, "so is one that was never given"),
        ('absent == ""', True, ""),
        ("not absent", True, ""),
        ("pour > 3", True, "a word and a number compare as texts, and nothing fails"),
        ('pour == "moi" and age >= 18', True, ""),
        ('pour == "toi" or not age >= 21', True, ""),
        ('(pour == "toi" or age == 18) and montant', True, "parentheses"),
    ],
)
def test_conditions(source: str, holds: bool | None, remark: str) -> None:
    if holds is None:
        with pytest.raises(ExpressionError):
            parse(source, MARK)
    else:
        assert evaluate(parse(source, MARK), VALUES) is holds, remark


@pytest.mark.parametrize(
    "source",
    [
        "", "age =", "age = 18", "age + 1 > 2", "len(age)", "age.real", "age[0]", "lambda: 1", "[a for a in b]",
        'f"{age}"', "1.5 < age", "None", "age is 18", "age if pour else 1", "pour in age", 'pour in "moi"', "a in (b,)",
        "{1: 2}", "age := 3", "__import__", "b'x'", "...", "age >= 18; pour", "(" * 300, "x" * 201,
    ],
)  # fmt: skip
def test_nothing_else_is_a_condition(source: str) -> None:
    if source == "__import__":
        assert parse(source, MARK).names == {"__import__"}, "a name only, looked up among the answers"
        return
    with pytest.raises(ExpressionError):
        parse(source, MARK)


def test_names_are_known() -> None:
    assert parse('age >= 18 and pour in ("a", "b") or not vide', MARK).names == {"age", "pour", "vide"}
