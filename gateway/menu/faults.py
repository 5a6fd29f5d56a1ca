"""What can be wrong in a menu: a code, where, and a sentence with a hint for its author."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import yaml

from gateway.menu.model import Mark

#: Languages an author can read faults in; another one is answered in the first.
LANGUAGES = ("fr", "en")

_NEAR = {"fr": "Vouliez-vous dire « {} » ?", "en": 'Did you mean "{}"?'}
#: The settings of `unknown_operator` have no name of their own.
UNKNOWN_NETWORK = "?"
_UNKNOWN_NETWORK = {"fr": "réseau inconnu", "en": "unknown network"}
_CORRECTED = {"fr": "Écrivez: {}", "en": "Write: {}"}


@dataclass(frozen=True, slots=True)
class Fault:
    """One mistake of an author. `code` is a key of fault_sentences.yaml, `params` fills its sentence."""

    code: str
    mark: Mark
    params: Mapping[str, str] = field(default_factory=dict)

    def say(self, language: str = "fr") -> str:
        """The sentence, its hint, the nearest known word and the corrected line, in French or English."""
        language = language if language in LANGUAGES else LANGUAGES[0]
        sentence = sentences()[self.code]
        params = dict(self.params)
        if params.get("network") == UNKNOWN_NETWORK:
            params["network"] = _UNKNOWN_NETWORK[language]
        said = [sentence[key].format_map(params) for key in (language, f"{language}_hint")]
        if near := self.params.get("near"):
            said.append(_NEAR[language].format(near))
        if corrected := self.params.get("corrected"):
            said.append(_CORRECTED[language].format(corrected))
        return " ".join(part for part in said if part)


@cache
def sentences() -> Mapping[str, Mapping[str, str]]:
    """Every code with its sentence and hint in each language: `fr`, `fr_hint`, `en`, `en_hint`."""
    read: dict[str, dict[str, str]] = yaml.safe_load(
        Path(__file__).with_name("fault_sentences.yaml").read_text(encoding="utf-8")
    )
    return read


def in_order(faults: list[Fault]) -> tuple[Fault, ...]:
    """Each fault once, by file and line."""
    unique = {(fault.code, fault.mark, tuple(sorted(fault.params.items()))): fault for fault in faults}
    return tuple(
        sorted(unique.values(), key=lambda fault: (fault.mark.file, fault.mark.line, fault.mark.column, fault.code))
    )


__all__ = ["LANGUAGES", "Fault", "Mark", "in_order"]
