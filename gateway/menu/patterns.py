"""Regular expressions of authors: those that could run for ever on some answer are refused."""

from __future__ import annotations

import re
from re import _constants as codes  # type: ignore[attr-defined]  # the standard library's own parser, without stubs
from re import _parser as parser  # type: ignore[attr-defined]  # the same
from typing import Any

#: A repetition of so few times costs nothing.
_SMALL = 8
#: Repetitions in a row are polynomial: on 40 characters three are still cheap.
_MOST_IN_A_ROW = 3
_REPEATS = (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT)
_REFUSED = (codes.GROUPREF, codes.GROUPREF_EXISTS, codes.ASSERT, codes.ASSERT_NOT)


def is_slow(pattern: str) -> bool:
    """Whether matching may take exponential time: choices or repetitions inside a repetition, or a back-reference.

    Stricter than needed: a question's form never needs those. Raises re.error for what is no expression.
    """
    re.compile(pattern)
    return _slow(parser.parse(pattern), inside=False)


def _slow(parsed: Any, *, inside: bool) -> bool:
    """`inside`: the parsed part stands in a repetition."""
    repeated = 0
    for code, argument in parsed:
        if code in _REFUSED or (code == codes.BRANCH and inside):
            return True
        if code in _REPEATS:
            least, most, body = argument
            if (inside and least != most) or _slow(body, inside=inside or most > 1):
                return True
            repeated += most is codes.MAXREPEAT or most - least > _SMALL
        elif code == codes.SUBPATTERN:
            if _slow(argument[-1], inside=inside):
                return True
        elif code == codes.BRANCH and any(_slow(branch, inside=inside) for branch in argument[1]):
            return True
    return repeated > _MOST_IN_A_ROW
