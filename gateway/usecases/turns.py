"""What turns have in common on every channel: the engine's needs are met until it has a screen to show."""

from __future__ import annotations

from collections.abc import Callable

from gateway.engine.outcomes import Answer, Reply
from gateway.engine.session import State
from gateway.engine.step import Step

#: Reads and durable effects one turn may need: more is a menu that goes round in circles.
NEEDS_PER_TURN = 4


class TurnError(Exception):
    """A turn that cannot be answered as it should; `code` says why, for the log."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def settled(step: Step, meet: Callable[[Step], Answer | None], resume: Callable[[State, Answer], Step]) -> Step | None:
    """The first step with a screen; None when `meet` has no answer to a need.

    Raises TurnError when there are too many needs, and whatever `meet` raises.
    """
    for met in range(NEEDS_PER_TURN + 1):
        if isinstance(step.effect, Reply):
            return step
        if met == NEEDS_PER_TURN:
            break
        answer = meet(step)
        if answer is None:
            return None
        step = resume(step.state, answer)
    raise TurnError("too_many_needs")
