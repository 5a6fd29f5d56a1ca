"""What is said of a template that is refused: template_sentences.yaml, French and English."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import yaml


def say(code: str, place: int | None, shown: str, language: str) -> str:
    """The sentence of a code in `language`, in French when there is no other."""
    known = sentences()[code]
    return known.get(language, known["fr"]).format(place="?" if place is None else place, shown=shown)


@cache
def sentences() -> Mapping[str, Mapping[str, str]]:
    """Code -> language -> sentence."""
    read: dict[str, dict[str, str]] = yaml.safe_load(
        Path(__file__).with_name("template_sentences.yaml").read_text(encoding="utf-8")
    )
    return read
