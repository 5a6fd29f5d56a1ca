"""Regular expressions of authors: those that may run for ever are refused."""

from __future__ import annotations

import re

import pytest

from gateway.menu.patterns import is_slow


@pytest.mark.parametrize(
    ("pattern", "slow", "remark"),
    [
        (r"[A-Z]{2}\d{4}", False, "a number plate"),
        (r"\d+", False, "one open repetition"),
        (r"RB/[A-Z]{3}/\d{2} [AB] \d{1,6}", False, "a trade register number"),
        (r"(oui|non)", False, "a choice"),
        (r"(\d{2} ){5}", False, "an exact repetition in a repetition"),
        (r"(ab)+", False, "a fixed group repeated"),
        (r"(a+)+", True, "the classic"),
        (r"(a*)*", True, ""),
        (r"(a?a)*", True, "hidden in an option"),
        (r"(ab|a|b)+", True, "a choice in a repetition"),
        (r"((a{1,9})b?)+", True, "bounded in unbounded"),
        (r"(a)\1", True, "a back-reference"),
        (r"(?=a+)a", True, "a look-ahead"),
        (r"\w*\d*\s*", False, "three in a row"),
        (r"\w*\d*\w*\d*", True, "four in a row"),
    ],
)
def test_slow_patterns(pattern: str, slow: bool, remark: str) -> None:
    assert is_slow(pattern) is slow, remark


@pytest.mark.parametrize("pattern", ["[A-Z", "(", "*a", r"\q"])
def test_what_is_no_expression(pattern: str) -> None:
    with pytest.raises(re.error):
        is_slow(pattern)
