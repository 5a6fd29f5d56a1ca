"""The list of events: what a webhook missed."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.usecases import api_events as use
from gateway.usecases.actors import Absent
from gateway.usecases.api_events import CursorAhead
from gateway.web.api import values
from gateway.web.api.operations import Answer, Call, Operation
from gateway.web.api.refusals import Refused


def list_events(call: Call) -> Answer:
    query: values.EventsQuery = call.query
    try:
        page = use.after(call.parts, call.key, query.after, query.limit)
    except Absent:
        raise Refused("no_scope", "notifications:read` or `submissions:read") from None
    except CursorAhead:
        raise Refused("cursor_ahead") from None
    events = [
        values.Event(id=one.event_id, type=one.type, timestamp=one.at, data=dict(one.data)) for one in page.events
    ]
    return Answer(values.Events(events=events, next=page.next, more=page.more))


OPERATIONS: Sequence[Operation] = (
    Operation(
        method="GET",
        path="/events",
        view=list_events,
        scope=None,
        subject="Events",
        summary="What happened after a place",
        description="What became of notifications, and what citizens did with their submissions: each event once, in "
        "an order that never changes. A key sees the events of what its scopes let it read. They are kept 30 days.",
        query=values.EventsQuery,
        answer=values.Events,
        refusals=("cursor_ahead",),
    ),
)
