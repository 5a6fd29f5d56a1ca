"""A dialogue by SMS: the same engine and menus as USSD, its needs met under keys made of the SMS that caused them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from gateway.engine import walk
from gateway.engine.outcomes import Act, ActAnswer, Answer, Call, Lookup, Reply
from gateway.engine.session import State
from gateway.engine.step import Step
from gateway.engine.surface import Surface
from gateway.menu.model import Menus
from gateway.usecases.caller import Caller
from gateway.usecases.talk import LOOKUP_S, Talk
from gateway.usecases.turns import TurnError, settled


@dataclass(slots=True)
class Dialogue:
    """One turn of a dialogue by SMS. `external` names the SMS for ever: the same one finds its acts again."""

    talk: Talk
    external: str
    msisdn: str = field(repr=False)
    network: str
    channel: str
    mo_id: int
    submission_id: int | None = None  #: the one that this turn was about
    looking_until: float | None = None  #: when the time for lookups is spent; None before the first one

    def key(self, cause: str) -> bytes:
        """The act key of something that this SMS causes."""
        return self.talk.digest("\x1f".join(("sms", self.external, cause)))

    def settle(self, menus: Menus, surface: Surface, step: Step, now: datetime) -> tuple[Step, bool]:
        """The step with a screen to show, and whether a demand was stored on the way: its récépissé is on its way.

        Raises TurnError, StoreUnavailable.
        """
        submitted = False

        def meet(met: Step) -> Answer | None:
            nonlocal submitted
            answer = self._meet(met)
            if isinstance(answer, ActAnswer):
                self.submission_id = answer.submission_id or self.submission_id
            if isinstance(answer, ActAnswer) and isinstance(met.effect, Act) and met.effect.action == "submit":
                submitted = submitted or answer.outcome == "submitted"
            return answer

        def resume(state: State, answer: Answer) -> Step:
            return walk.resume(menus, surface, state, answer, now)

        reached = settled(step, meet, resume)
        if reached is None:
            raise TurnError("no_answer")
        return reached, submitted

    def _meet(self, step: Step) -> Answer | None:
        need = step.effect
        assert not isinstance(need, Reply)
        if isinstance(need, Call):
            return self.talk.handlers[need.handler](need)
        caller = Caller(self.msisdn, self.channel, self.network, step.state.language, self.mo_id)
        if isinstance(need, Lookup):
            now_s = self.talk.parts.monotonic()
            self.looking_until = self.looking_until or now_s + LOOKUP_S  # all lookups of a turn share one budget
            return self.talk.sources[need.source](need, caller, self.looking_until - now_s)
        return self.talk.actions[need.action](need, caller, self.key(f"act:{need.ordinal}"))
