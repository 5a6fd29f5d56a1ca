"""What institutions ask and citizens answer, in tests: short ways to do both and to look at what was kept."""

from __future__ import annotations

import re
from datetime import timedelta
from itertools import count

from gateway.engine.outcomes import Act
from gateway.messages import BackofficeEvent, Decision, EventType
from gateway.store import codes, questions, submission_events
from gateway.usecases.backoffice_events import take_event
from gateway.usecases.statements import Answer, answer_by_sms

_ids = count(1)
ASKED = {"fr": "Quel est le nom de votre mère ?", "en": "What is your mother's name?"}
CODE = re.compile(r"(?<=REPONSE )\d{6}")


def take(bench, number: str, type_: EventType = EventType.MORE_NEEDED, **more: object) -> str:
    more.setdefault("question", ASKED if type_ is EventType.MORE_NEEDED else {})
    event = BackofficeEvent(
        system="etat-civil",
        event_id=str(more.pop("event_id", f"evt_{next(_ids)}")),
        type=type_,
        reference=number,
        occurred_at=more.pop("occurred_at", bench.time),
        **more,
    )
    return take_event(bench.parts, event, bench.time)


def decide(bench, number: str) -> str:
    return take(bench, number, EventType.DECIDED, decision=Decision.GRANTED)


def code_of(bench, number: str) -> str:
    """The code in the last SMS about the demand."""
    return CODE.findall(bench.texts(number)[-1])[0]


def outcomes(bench, number: str) -> list[str | None]:
    """Of its questions, oldest first."""
    holding = bench.submission(number).holding_id
    with bench.parts.database.read() as conn:
        every = questions.of_holding(conn, bench.parts.seals, holding, bench.time - timedelta(days=365))
    return [one.outcome for one in reversed(every)]


def history(bench, number: str) -> list[tuple[str, str]]:
    with bench.parts.database.read() as conn:
        return [(one.kind, one.code) for one in submission_events.of(conn, bench.submission(number).id)]


def says(bench, number: str, code: str, text: str = "Afi Dossou", holding: int | None = None, at=None) -> str:
    """What an answer by SMS is answered, by the key of the sentence."""
    given = Answer(holding or bench.submission(number).holding_id, code, text, "at", at or bench.time)
    with bench.parts.database.begin() as conn:
        return answer_by_sms(conn, bench.parts, given, bench.time)[0]


def proved(bench, number: str, purpose: str) -> None:
    """As if a one-time code had been typed back."""
    with bench.parts.database.begin() as conn:
        holding = bench.submission(number).holding_id
        one = codes.add(conn, holding, purpose, b"d" * 32, bench.time, bench.time + timedelta(minutes=10))
        codes.prove(conn, one, b"p" * 32, bench.time)


def does(bench, action, who, number: str, key: bytes, prove: bool = True, **args: str) -> str:
    """The outcome of an action of a dialogue, after a code was typed back unless `prove` is False."""
    if prove:
        proved(bench, number, "suivi.code")
    act = Act(action.__name__, "suivi", 0, {"reference": number, **args}, proof="suivi.code")
    return action(bench.parts, act, who, key.ljust(32)).outcome
