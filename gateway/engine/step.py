"""What one call of the engine gives."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.engine.outcomes import Need, Reply
from gateway.engine.session import State


@dataclass(frozen=True, slots=True)
class Step:
    """A `Reply` is the end of the turn; a need is done by the caller and answered by `walk.resume`.

    `refused`: the answer was a mistake, and the screen asks again (a replay stops there).
    `consumed`: how many parts of the dial tail were used.
    """

    state: State
    effect: Reply | Need
    refused: bool = False
    consumed: int = 0
