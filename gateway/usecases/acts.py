"""Acts: durable effects that a citizen causes, each one transaction, each once for its act key.

Whoever asks again under the same key, after a repetition, a rebuild or a lost connection, gets the stored answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from gateway import logs
from gateway.engine.outcomes import ActAnswer, Saved
from gateway.store import acts
from gateway.store.acts import ActExists, StoredAct
from gateway.store.db import Connection, StoreUnavailable, Why
from gateway.usecases.parts import Parts

UNAVAILABLE = ActAnswer("unavailable")


@dataclass(frozen=True, slots=True)
class Done:
    """The answer of an act, and the lanes that have work because of it."""

    answer: ActAnswer
    lanes: tuple[str, ...] = ()


class Undone(Exception):
    """The act must leave no trace: its transaction is undone, and this is its answer, which is not kept."""

    def __init__(self, answer: ActAnswer) -> None:
        super().__init__(answer.outcome)
        self.answer = answer


Doing = Callable[[Connection, datetime], Done]


def once(parts: Parts, action: str, key: bytes, do: Doing) -> ActAnswer:
    """The answer of the act `key`: what `do` gives in its transaction, or what was stored when it was done before.

    `unavailable` when it could not be stored. `do` may raise Undone.
    """
    answer: ActAnswer | None
    try:
        return _once(parts, action, key, do)
    except Undone as undone:
        return undone.answer
    except ActExists:  # another delivery of this turn was first
        answer = find(parts, key)
    except StoreUnavailable as error:
        logs.event("act.not_stored", level="error", action=action, why=error.why, code=error.code)
        # The connection broke, perhaps while committing: only the database knows, if it answers again.
        answer = _look_again(parts, key) if error.why is Why.AWAY else None
    return answer or UNAVAILABLE


def find(parts: Parts, key: bytes) -> ActAnswer | None:
    """The stored answer of an act, None when it was never done. Raises StoreUnavailable."""
    with parts.database.read() as conn:
        stored = acts.find(conn, parts.seals, key)
    return None if stored is None else _answer(stored)


#: Names under which a closing sentence and a submission's id are kept among the values: no value of a menu begins so.
_CLOSING, _ABOUT = "-closing", "-submission"


def _once(parts: Parts, action: str, key: bytes, do: Doing) -> ActAnswer:
    with parts.database.begin() as conn:
        stored = acts.find(conn, parts.seals, key)
        if stored is not None:
            return _answer(stored)
        done = do(conn, parts.now())
        values = {name: [saved.raw, saved.shown] for name, saved in done.answer.values.items()}
        if done.answer.closing:
            values[_CLOSING] = [done.answer.closing, ""]
        if done.answer.submission_id is not None:
            values[_ABOUT] = [done.answer.submission_id, ""]
        acts.insert(conn, parts.seals, key, action, done.answer.outcome, values, parts.now())
    if done.lanes:
        parts.announce(done.lanes)
    return done.answer


def _look_again(parts: Parts, key: bytes) -> ActAnswer | None:
    try:
        return find(parts, key)
    except StoreUnavailable:
        return None


def _answer(stored: StoredAct) -> ActAnswer:
    kept = dict(stored.values)
    closing, about = kept.pop(_CLOSING, None), kept.pop(_ABOUT, None)
    values = {name: Saved(raw, shown) for name, (raw, shown) in kept.items()}
    return ActAnswer(stored.outcome, values, int(about[0]) if about else None, str(closing[0]) if closing else "")
