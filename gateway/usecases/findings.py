"""One thing that is wrong or missing in an installation: how grave, in a sentence, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from pathlib import Path

import yaml

#: Languages an operator can read findings in; another one is answered in the first.
LANGUAGES = ("fr", "en")


class Severity(StrEnum):
    ERROR = "error"  #: it fails citizens now or will: change it
    WARNING = "warning"  #: it may be meant: look at it


@dataclass(frozen=True, slots=True)
class Finding:
    """`code` is a key of finding_sentences.yaml, `params` fills its sentences: names and counts, never a secret."""

    severity: Severity
    code: str
    params: Mapping[str, str] = field(default_factory=dict)

    def say(self, language: str) -> str:
        """What is wrong."""
        return self._filled(language, "")

    def remedy(self, language: str) -> str:
        """What to do; "" where the sentence says it already."""
        return self._filled(language, "_do")

    def _filled(self, language: str, part: str) -> str:
        language = language if language in LANGUAGES else LANGUAGES[0]
        return sentences()[self.code][language + part].format_map(self.params)


def error(code: str, /, **params: object) -> Finding:
    return Finding(Severity.ERROR, code, {name: str(value) for name, value in params.items()})


def warning(code: str, /, **params: object) -> Finding:
    return Finding(Severity.WARNING, code, {name: str(value) for name, value in params.items()})


@cache
def sentences() -> Mapping[str, Mapping[str, str]]:
    """Every code with its sentence and what to do in each language: `fr`, `fr_do`, `en`, `en_do`."""
    read: dict[str, dict[str, str]] = yaml.safe_load(
        Path(__file__).with_name("finding_sentences.yaml").read_text(encoding="utf-8")
    )
    return read
