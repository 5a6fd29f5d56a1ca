"""What institutions' systems answer to lookups: kept for as long as the menu says, the last known one in need.

Typing an identifier proves nothing: unless the institution confirms that it goes with the calling number, its answer
is `unknown`, as it is for an identifier that does not exist. An answer is kept for the holding that asked, no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from gateway import logs
from gateway.backoffice.base import LookupResult
from gateway.engine.outcomes import Item, Lookup, LookupAnswer, Saved
from gateway.menu.screens import ANSWER_DAY
from gateway.store import cached_answers
from gateway.store.cached_answers import Asked
from gateway.store.db import StoreUnavailable
from gateway.usecases import breakers, holdings, identifiers
from gateway.usecases.caller import Caller
from gateway.usecases.parts import Parts

UNAVAILABLE = LookupAnswer("unavailable")
UNKNOWN = LookupAnswer("unknown")


def from_system(parts: Parts, system: str, lookup: Lookup, caller: Caller, left_s: float) -> LookupAnswer:
    """The answer to a source of an institution's system; `unavailable` when it does not come in time."""
    began_s = parts.monotonic()
    if lookup.identifiers and not _may_type(parts, lookup, caller):
        return LookupAnswer("unavailable", closing=identifiers.CLOSING)
    kept = _kept(parts, system, lookup, caller)
    now = parts.now()
    if kept is not None and now - kept[1] <= timedelta(seconds=lookup.keep_s):
        return kept[0]
    result = _ask(parts, system, lookup, caller, left_s - (parts.monotonic() - began_s))
    answer = meant(result, identified=bool(lookup.identifiers))
    if answer.outcome != UNAVAILABLE.outcome:
        _keep(parts, system, lookup, caller, answer)
        return answer
    if kept is not None and now - kept[1] <= timedelta(seconds=lookup.last_known_s):
        logs.event(
            "lookup.last_known", system=system, source=lookup.source, age_s=round((now - kept[1]).total_seconds())
        )
        return _dated(parts, *kept)
    return answer


def meant(result: LookupResult, *, identified: bool) -> LookupAnswer:
    """What a citizen may see of what a system answered; `identified`: she typed an identifier to ask."""
    if identified and not result.confirmed and result.outcome != UNAVAILABLE.outcome:
        return UNKNOWN
    return LookupAnswer(
        result.outcome,
        {name: Saved(value) for name, value in result.values.items()},
        tuple(Item(item.id, item.label) for item in result.items),
    )


def _ask(parts: Parts, system: str, lookup: Lookup, caller: Caller, left_s: float) -> LookupResult:
    """What the system answers now; nobody waits for one that is away."""
    if not breakers.may_ask(parts, system):
        return LookupResult(UNAVAILABLE.outcome)
    ends_at = parts.monotonic() + left_s
    result = parts.systems[system].lookup(lookup.source, lookup.args, caller.msisdn, caller.language, left_s)
    # A turn has less patience than the system was promised: that its time ran out says nothing.
    if result.fault is None or (result.fault.code != "too_slow" and parts.monotonic() < ends_at):
        breakers.note_turn(parts, system, result.fault)
    return result


def _may_type(parts: Parts, lookup: Lookup, caller: Caller) -> bool:
    try:
        with parts.database.begin() as conn:
            return identifiers.allowed(conn, parts, caller, lookup.identifiers, parts.now())
    except StoreUnavailable as error:
        logs.event("lookup.unavailable", level="warning", source=lookup.source, why=error.why)
        return False


def _kept(parts: Parts, system: str, lookup: Lookup, caller: Caller) -> tuple[LookupAnswer, datetime] | None:
    """The answer given last to this very question, and when."""
    if not (lookup.keep_s or lookup.last_known_s):
        return None
    try:
        with parts.database.read() as conn:
            holding = holdings.find(conn, parts, caller.msisdn, caller.imsi)
            if holding is None:
                return None
            found = cached_answers.find(conn, parts.seals, _asked(system, lookup, caller, holding))
    except StoreUnavailable as error:
        logs.event("lookup.not_remembered", level="warning", source=lookup.source, why=error.why)
        return None
    return None if found is None else (_answer(found[0]), found[1])


def _keep(parts: Parts, system: str, lookup: Lookup, caller: Caller, answer: LookupAnswer) -> None:
    """Keeps an answer for the holding that asked; that it could not be kept is no reason not to show it."""
    longest_s = max(lookup.keep_s, lookup.last_known_s)
    if not longest_s:
        return
    now = parts.now()
    body = [answer.outcome, {name: saved.raw for name, saved in answer.values.items()}]
    try:
        with parts.database.begin() as conn:
            holding = holdings.met(conn, parts, caller.msisdn, now, caller.network, caller.imsi)
            asked = _asked(system, lookup, caller, holding)
            cached_answers.keep(conn, parts.seals, asked, body, now, now + timedelta(seconds=longest_s))
    except StoreUnavailable as error:
        logs.event("lookup.not_kept", level="warning", source=lookup.source, why=error.why)


def _asked(system: str, lookup: Lookup, caller: Caller, holding: int) -> Asked:
    return Asked(system, lookup.source, holding, caller.language, lookup.args)


def _answer(kept: Any) -> LookupAnswer:
    outcome, values = kept
    return LookupAnswer(outcome, {name: Saved(value) for name, value in values.items()})


def _dated(parts: Parts, answer: LookupAnswer, at: datetime) -> LookupAnswer:
    """An answer that is shown because no newer one came, with its day."""
    day = at.astimezone(parts.zone)
    values: Mapping[str, Saved] = {**answer.values, ANSWER_DAY: Saved(day.date().isoformat(), f"{day:%d/%m/%Y}")}
    return LookupAnswer(answer.outcome, values)
