"""Telling institutions of events at an endpoint of theirs, by signed webhook: stored with the effect, sent until taken.

A webhook names a demand and says how it stands; it holds nothing personal. Whoever wants more asks us, or looks at the
demand that it was handed. The order in which webhooks arrive is not promised: each says when it happened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from gateway import logs, metrics
from gateway.backoffice.endpoints import Delivery, Endpoint, Told
from gateway.messages import SubmissionState
from gateway.store import breakers, events, hooks, outbox, stops, submissions
from gateway.store.campaign_rows import Origin
from gateway.store.db import Connection
from gateway.store.events import NewEvent
from gateway.store.hooks import Hook
from gateway.store.outbox import Claimed
from gateway.store.sealed import SealBroken
from gateway.usecases.parts import Parts

KIND: outbox.Kind = "hook"
LANE = "backoffice"
RECEIVED = "submission.received"
CORRECTED = "submission.corrected"
WITHDRAWN = "submission.withdrawn"
STATEMENT = "submission.statement"  #: the citizen gave more information
#: Behind hand-overs: they are the demands themselves.
_PRIORITY = 20
#: Seconds from one attempt to the next (Standard Webhooks, "retries"): 75 hours in all.
WAITS_S = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
_JITTER = 0.1
#: A person must look, and not after 75 hours: the address or the secret is wrong.
_MISCONFIGURED = ("private_address", "no_secret")
#: Standard Webhooks: a payload has less than 20 kB.
MOST_BYTES = 20_000


def tell(conn: Connection, parts: Parts, kind: str, submission_id: int, now: datetime) -> bool:
    """Stores an event about a demand, and a webhook for each endpoint of its institution that wants this kind.

    The event can be asked for afterwards (store/events.py); webhooks have its id. Whether there is a webhook.

    Call it in the transaction of the effect, after it; then announce LANE.
    """
    demand = submissions.by_id(conn, parts.seals, submission_id)
    if demand is None:
        return False
    data = {
        "reference": demand.reference,
        "service": demand.service,
        "state": _state_told(demand.state),
        "submitted_at": _iso(demand.submitted_at),
        "promised_on": None if demand.promised_on is None else demand.promised_on.isoformat(),
    }
    event_id = _new_event_id(parts)
    new = NewEvent(demand.institution, event_id, kind, data, submission_id=submission_id)
    events.add_many(conn, parts.seals, (new,), now)
    names = _endpoints(parts, demand.institution, kind)
    for number, name in enumerate(names):
        _store(conn, parts, name, _webhook_id(event_id, number), kind, data, submission_id, now)
    return bool(names)


def tell_notifications(
    conn: Connection, parts: Parts, origins: Sequence[Origin], state: str, code: str, now: datetime
) -> None:
    """Stores events of the kind `notification.STATE`, and webhooks for the endpoints that want it.

    `state` is one of those in `settings.HookEvent`, `code` a word that says why. Of notifications that people sent
    there are events only where an endpoint is told of them: nobody else would ask.
    """
    kind = f"notification.{state}"
    wanting = {one: _endpoints(parts, one, kind) for one in {origin.institution for origin in origins}}
    new: list[NewEvent] = []
    for origin in origins:
        names = wanting[origin.institution]
        if not (origin.by_api or names):
            continue
        data = {"notification": origin.notification, "state": state, "own_reference": origin.own_reference}
        data["code"] = code or None
        event_id = _new_event_id(parts)
        new.append(NewEvent(origin.institution, event_id, kind, data, origin.live, campaign_row_id=origin.row_id))
        for number, name in enumerate(names):
            _store(conn, parts, name, _webhook_id(event_id, number), kind, data, None, now)
    events.add_many(conn, parts.seals, new, now)


def deliver(parts: Parts, row: Claimed) -> None:
    """Makes one attempt of a claimed row, and settles it. Raises StoreUnavailable."""
    begun = _begin(parts, row)
    if begun is None:
        return
    hook, endpoint = begun
    started = parts.monotonic()
    told = _attempt(parts, hook, endpoint)
    outcome = _settle(parts, row, hook, told)
    metrics.hook_deliveries.labels(hook.endpoint, outcome).inc()
    logs.event(
        "hook.told",
        level="error" if outcome in ("given_up", "disabled") or told.code in _MISCONFIGURED else "info",
        hook_id=hook.id,
        submission_id=hook.submission_id,
        endpoint=hook.endpoint,
        type=hook.type,
        outcome=outcome,
        code=told.code,
        attempt=row.attempts + 1,
        duration_ms=round((parts.monotonic() - started) * 1000),
    )


def enable(parts: Parts, name: str, who: str) -> bool:
    """Whether the endpoint was disabled and may be called again from now on."""
    with parts.database.begin() as conn:
        done = hooks.enable(conn, name)
        if done:
            breakers.leave_no_more(conn, system_of(name), parts.now())
            stops.note_act(conn, who, "enable", f"hook:{name}", "", parts.now())
    return done


def replay(parts: Parts, name: str, limit: int, who: str) -> int:
    """How many webhooks that never arrived are sent again, oldest first, under the ids that they had."""
    now = parts.now()
    with parts.database.begin() as conn:
        again = hooks.reopen(conn, name, limit)
        for hook_id in again:
            outbox.add(conn, LANE, KIND, hook_id, None, _PRIORITY, now, now, system_of(name))
        if again:
            stops.note_act(conn, who, "replay", f"hook:{name}", str(len(again)), now)
    parts.announce((LANE,))
    return len(again)


def system_of(name: str) -> str:
    """What the outbox calls an endpoint, beside the systems of institutions."""
    return f"hook:{name}"


def _store(
    conn: Connection,
    parts: Parts,
    name: str,
    webhook_id: str,
    kind: str,
    data: Mapping[str, str | None],
    submission_id: int | None,
    now: datetime,
) -> None:
    body = msgspec.json.encode({"type": kind, "timestamp": _iso(now), "data": data})
    assert len(body) < MOST_BYTES
    hook_id = hooks.add(conn, parts.seals, name, webhook_id, kind, submission_id, body, now)
    if hooks.state_of(conn, name).disabled_at is not None:
        hooks.settle(conn, hook_id, "disabled", now)
        return
    outbox.add(conn, LANE, KIND, hook_id, None, _PRIORITY, now, now, system_of(name))


def _endpoints(parts: Parts, institution: str, kind: str) -> list[str]:
    """The endpoints of an institution that are told of this kind."""
    hooked = parts.settings.hooks.items()
    return [name for name, one in hooked if one.institution == institution and kind in one.events]


def _new_event_id(parts: Parts) -> str:
    return f"msg_{parts.new_id()}"


def _webhook_id(event_id: str, number: int) -> str:
    """That of the event, for the first endpoint: an id is sent to one endpoint."""
    return event_id if number == 0 else f"{event_id}.{number}"


def _begin(parts: Parts, row: Claimed) -> tuple[Hook, Endpoint] | None:
    """What to send, its attempt committed; None: nothing to do."""
    now = parts.now()
    with parts.database.begin() as conn:
        try:
            hook = hooks.by_id(conn, parts.seals, row.target_id)
        except SealBroken:  # trying again will not mend it
            _end(conn, row, "given_up", "unreadable", now)
            logs.event("hook.unreadable", level="error", hook_id=row.target_id)
            return None
        if hook is None or hook.body is None or hook.settled_at is not None:
            outbox.done(conn, row.id, row.token, "not_needed", now)
            return None
        state = hooks.state_of(conn, hook.endpoint)
        endpoint = parts.endpoints.get(hook.endpoint)
        if state.disabled_at is not None or endpoint is None:
            _end(conn, row, "disabled", "disabled" if endpoint else "no_endpoint", now)
            return None
        if outbox.start_call(conn, row.id, row.token, now) is None:
            return None
    return hook, endpoint


def _attempt(parts: Parts, hook: Hook, endpoint: Endpoint) -> Told:
    assert hook.body is not None
    try:
        return endpoint.tell(hook.webhook_id, hook.body, parts.now())
    except Exception as error:  # a fault of ours must not stop the lane; the id makes a repetition safe
        logs.failure("hook.call_failed", error, hook_id=hook.id, endpoint=hook.endpoint)
        return Told(Delivery.FAILED, "failed")


def _settle(parts: Parts, row: Claimed, hook: Hook, told: Told) -> str:
    """What became of the webhook: taken, disabled, given_up, or failed, which is tried again."""
    now, tries = parts.now(), row.attempts + 1
    with parts.database.begin() as conn:
        if told.delivery is Delivery.TAKEN:
            _end(conn, row, "taken", told.code, now)
            hooks.note_answered(conn, hook.endpoint)
            return "taken"
        if told.delivery is Delivery.GONE:
            _end(conn, row, "disabled", told.code, now)
            if hooks.disable(conn, hook.endpoint, told.code, now):
                logs.event("hook.disabled", level="error", endpoint=hook.endpoint, code=told.code)
            return "disabled"
        hooks.note_failed(conn, hook.endpoint, told.code, now)
        if told.wait_s is not None:
            breakers.rest(conn, system_of(hook.endpoint), now + timedelta(seconds=told.wait_s), told.code, now)
        if tries > len(WAITS_S):
            _end(conn, row, "given_up", told.code, now)
            return "given_up"
        delay_s = WAITS_S[tries - 1] * (1 + _JITTER * (2 * _spread(parts) - 1))
        due_at = now + timedelta(seconds=max(delay_s, told.wait_s or 0))
        outbox.retry(conn, row.id, row.token, due_at, told.code, now)
    return "failed"


def _end(conn: Connection, row: Claimed, outcome: hooks.Outcome, code: str, now: datetime) -> None:
    if outbox.done(conn, row.id, row.token, code, now):
        hooks.settle(conn, row.target_id, outcome, now)


def _spread(parts: Parts) -> float:
    return int.from_bytes(parts.random_bytes(4)) / 2**32


def _state_told(state: SubmissionState) -> str:
    """A demand that we could not hand over yet is received, as far as its institution is concerned."""
    return SubmissionState.RECEIVED.value if state is SubmissionState.DEAD else state.value


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
