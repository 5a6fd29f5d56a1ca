"""The text of a notification: what an institution's template says to one citizen, in her language."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]{0,31})\}")


@dataclass(frozen=True, slots=True)
class Body:
    """What a version of a template says. `placeholders`: name -> the greatest size of its values, in septets."""

    texts: Mapping[str, str]  #: by language
    languages: tuple[str, ...]  #: in the order in which one stands in for another
    placeholders: Mapping[str, int]


def render(body: Body, language: str, values: Mapping[str, str]) -> str:
    """The text in `language`, or in the first of the body's that it has. LookupError when a value is missing."""
    return _PLACEHOLDER.sub(lambda found: values[found[1]], body.texts[spoken(body, language)])


def spoken(body: Body, language: str) -> str:
    """The language in which whoever speaks `language` is written to. LookupError when the body has no text at all."""
    return next(one for one in (language, *body.languages, *body.texts) if one in body.texts)


def needed(body: Body) -> tuple[str, ...]:
    """The placeholders without whose value the text says nothing, in their order."""
    return tuple(body.placeholders)


def encode(body: Body) -> bytes:
    """The body as it is stored."""
    return msgspec.json.encode(body)


def decode(stored: bytes) -> Body:
    """What `encode` was given. Raises ValueError."""
    return msgspec.json.decode(stored, type=Body)
