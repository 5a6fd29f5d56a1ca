"""What a person may ask about her data: what is kept, all of it, to be forgotten; or that a number is new to her."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from gateway import logs
from gateway.engine import session
from gateway.engine.outcomes import Act, ActAnswer, Lookup, LookupAnswer, Saved
from gateway.messages import SubmissionState
from gateway.store import daily, erasure_list, person_export, persons, submission_events, submissions
from gateway.store import holdings as stored
from gateway.store.db import Connection, StoreUnavailable
from gateway.store.persons import Counts
from gateway.usecases import acts, holdings, proof
from gateway.usecases.acts import Done
from gateway.usecases.caller import Caller
from gateway.usecases.parts import Parts

DONE = ActAnswer("done")


def my_data(parts: Parts, lookup: Lookup, caller: Caller, left_s: float) -> LookupAnswer:
    """The source of the menus: how many demands and texts are kept of the calling number, since when, how long."""
    del lookup
    if left_s <= 0:
        return LookupAnswer("unavailable")
    try:
        with parts.database.read() as conn:
            holding = holdings.find(conn, parts, caller.msisdn, caller.imsi)
            held = None if holding is None else stored.by_id(conn, holding)
            if held is None:
                return LookupAnswer("none")
            demands, texts = persons.counts_of(conn, held.id)
    except StoreUnavailable as error:
        logs.event("lookup.unavailable", level="warning", source="my_data", why=error.why)
        return LookupAnswer("unavailable")
    since = f"{held.opened_at.astimezone(parts.zone):%d/%m/%Y}"
    days = parts.settings.privacy.texts_s // 86_400
    values: Mapping[str, str | int] = {"demands": demands, "texts": texts, "since": since, "days": days}
    return LookupAnswer("found", {name: Saved(value) for name, value in values.items()})


def disown(parts: Parts, act: Act, caller: Caller, act_key: bytes) -> ActAnswer:
    """The action of "this number is new to me": what was of it before is of nobody who dials from it."""

    def do(conn: Connection, now: datetime) -> Done:
        holding = holdings.find(conn, parts, caller.msisdn, caller.imsi)
        if holding is not None and not proof.allowed(conn, parts, act, holding, now):
            return Done(acts.UNAVAILABLE)
        if holding is not None:
            holdings.close(conn, parts, holding, holdings.Why.DISOWNED, now)
        return Done(DONE)

    return acts.once(parts, act.action, act_key, do)


def erase_me(parts: Parts, act: Act, caller: Caller, act_key: bytes) -> ActAnswer:
    """The action of "forget me", after a one-time code. What an institution still handles goes when it is closed."""

    def do(conn: Connection, now: datetime) -> Done:
        holding = holdings.find(conn, parts, caller.msisdn, caller.imsi)
        held = None if holding is None else stored.by_id(conn, holding)
        if held is not None and proof.proved(conn, parts, held.id, act.proof, now):
            _erase(conn, parts, stored.digest_of(parts.seals, caller.msisdn), now, "citizen", held.opened_at)
            return Done(DONE)
        return Done(acts.UNAVAILABLE)

    return acts.once(parts, act.action, act_key, do)


def erase(parts: Parts, msisdn: str, who: str, *, everybody: bool = False) -> Counts | None:
    """Forgets whoever holds a number (E.164), or everybody who ever did. None: nobody holds it.

    Raises StoreUnavailable, ErasureListError.
    """
    now = parts.now()
    with parts.database.begin() as conn:
        held = stored.held(conn, parts.seals, msisdn)
        if held is None and not everybody:
            return None
        since = None if everybody or held is None else held.opened_at
        return _erase(conn, parts, stored.digest_of(parts.seals, msisdn), now, who, since)


def erase_digest(parts: Parts, digest: bytes, now: datetime, who: str, since: datetime | None = None) -> Counts:
    """Forgets again whoever was erased after a backup was made; `now` is when that was. Raises StoreUnavailable.

    `since` as in the list of erasures.
    """
    with parts.database.begin() as conn:
        _withdraw_proposed(conn, parts, digest, parts.now(), since)
        counts = persons.erase(conn, parts.seals, digest, now, parts.now(), since)
        persons.note_erasure(conn, digest, who, now, since)
    logs.event("person.erased", level="warning", again=True, demands=counts.demands, left=counts.left)
    return counts


def finish(parts: Parts, conn: Connection, limit: int, now: datetime) -> int:
    """How many numbers that were erased while a demand was open could now be forgotten."""
    done = 0
    for digest, at, since in persons.unfinished(conn, limit):
        done += persons.erase(conn, parts.seals, digest, at, now, since).holdings
    return done


def export(parts: Parts, msisdn: str, *, everybody: bool = False) -> dict[str, Any]:
    """All that is kept of whoever holds a number, or of everybody who did, as JSON values.

    Raises StoreUnavailable, SealBroken.
    """
    with parts.database.read() as conn:
        return person_export.export(conn, parts.seals, msisdn, _answers, everybody=everybody)


def _answers(state: bytes) -> dict[str, Any]:
    return {name: value[0] for name, value in session.decode(state).values.items()}


def _erase(conn: Connection, parts: Parts, digest: bytes, now: datetime, who: str, since: datetime | None) -> Counts:
    """On the list before the commit: a restore must know of it, and once too often does no harm."""
    _withdraw_proposed(conn, parts, digest, now, since)
    counts = persons.erase(conn, parts.seals, digest, now, now, since)
    persons.note_erasure(conn, digest, who, now, since)
    day = now.astimezone(parts.zone).date()
    daily.add(conn, day, "erased:persons", {"": 1})
    erasure_list.append(parts.settings.data / erasure_list.NAME, digest, now, who, since)
    logs.event("person.erased", level="warning", demands=counts.demands, left=counts.left, texts=counts.texts)
    return counts


def _withdraw_proposed(conn: Connection, parts: Parts, digest: bytes, now: datetime, since: datetime | None) -> None:
    """A demand that nobody agreed to yet goes nowhere."""
    for holding in stored.of_number(conn, digest, since):
        for one in submissions.of_holding(conn, parts.seals, holding, 1000):
            if one.state is SubmissionState.PROPOSED and submissions.set_state(
                conn, parts.seals, one.id, SubmissionState.WITHDRAWN, now
            ):
                submission_events.add(conn, one.id, "not_agreed", now)
