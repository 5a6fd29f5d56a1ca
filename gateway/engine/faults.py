"""Why the engine gives a dialogue up."""

from __future__ import annotations

from enum import StrEnum


class EngineCode(StrEnum):
    """Always the fault of a menu, a handler or a caller, never of the citizen."""

    LOOP = "loop"  #: too many screens in one turn and none to show
    UNKNOWN_SCREEN = "unknown_screen"  #: a target that the menus do not hold
    UNKNOWN_OUTCOME = "unknown_outcome"  #: an answer to a need that its screen does not declare
    UNEXPECTED_ANSWER = "unexpected_answer"  #: `resume` with another kind of answer than the screen needs
    MISSING_VALUE = "missing_value"  #: a field to submit was never answered
    OTHER_MENUS = "other_menus"  #: the dialogue began with another version of the menus


_SENTENCES = {
    EngineCode.LOOP: "too many screens in one turn without anything to show",
    EngineCode.UNKNOWN_SCREEN: "there is no such screen",
    EngineCode.UNKNOWN_OUTCOME: "the screen does not declare this outcome",
    EngineCode.UNEXPECTED_ANSWER: "the screen needs no answer of this kind",
    EngineCode.MISSING_VALUE: "a value to submit is missing",
    EngineCode.OTHER_MENUS: "the dialogue began with other menus",
}


class EngineError(Exception):
    """The dialogue cannot go on; `code` and `place` ("service.screen") say why. Never holds an answer."""

    def __init__(self, code: EngineCode, place: str) -> None:
        super().__init__(f"{place}: {_SENTENCES[code]}")
        self.code = code
        self.place = place
