"""Notifications: one, many from one template, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.messages import RowState
from gateway.usecases import api_notifications as use
from gateway.usecases.api_keys import Scope
from gateway.usecases.api_notifications import Asked, RowFault, RowsRefused
from gateway.usecases.campaign_figures import Campaign
from gateway.usecases.campaigns import Recipient
from gateway.web.api import values
from gateway.web.api.operations import BULK_BYTES, Answer, Call, Operation, Write
from gateway.web.api.refusals import Error, Refused

_SUBJECT = "Notifications"


def send_notification(call: Call, write: Write) -> Answer:
    body: values.NewNotification = call.body
    recipient = Recipient(body.to, dict(body.values), body.language or "", body.own_reference)
    asked = Asked(body.template_id, (recipient,), None, body.language or "", body.start_at)
    try:
        _, (sent,) = use.send(write.conn, call.parts, call.key, asked, write.now)
    except RowsRefused as refused:
        raise Refused("invalid", errors=[_error("", one) for one in refused.faults]) from None
    return Answer(_notification(sent), f"/notifications/{sent.id}", use.LANES)


def send_notifications(call: Call, write: Write) -> Answer:
    body: values.NewNotifications = call.body
    recipients = [Recipient(one.to, dict(one.values), one.language or "", one.own_reference) for one in body.recipients]
    asked = Asked(body.template_id, recipients, body.own_reference, body.language or "", body.start_at, body.part)
    try:
        campaign, sent = use.send(write.conn, call.parts, call.key, asked, write.now)
    except RowsRefused as refused:
        errors = [_error(f"/recipients/{one.number}", one) for one in refused.faults]
        raise Refused("bad_recipients", errors=errors) from None
    whole = values.Sent(campaign=_campaign(campaign), notifications=[_notification(one) for one in sent])
    return Answer(whole, f"/campaigns/{campaign.public_id}", use.LANES)


def get_notification(call: Call, notification: str) -> Answer:
    return Answer(_notification(use.one(call.parts, call.key, notification)))


def list_notifications(call: Call) -> Answer:
    query: values.NotificationsQuery = call.query
    if (query.own_reference is None) == (query.campaign is None):
        raise Refused("bad_query", "give either `own_reference` or `campaign`")
    if query.own_reference is not None:
        found = use.by_reference(call.parts, call.key, query.own_reference, query.after, query.limit + 1)
    else:
        found = use.of_campaign(call.parts, call.key, query.campaign or "", query.after, query.limit + 1)
    page = found[: query.limit]
    more = page[-1][1] if len(found) > query.limit else None
    return Answer(values.Notifications(notifications=[_notification(one) for one, _ in page], next=more))


def get_campaign(call: Call, campaign: str) -> Answer:
    return Answer(_campaign(use.campaign(call.parts, call.key, campaign)))


def _error(where: str, fault: RowFault) -> Error:
    """A fault of the number is told at `to`; one of a value at the value."""
    place = "to" if fault.about_number else f"values/{fault.code.partition(':')[2]}"
    return Error(f"{where}/{place}", fault.detail, fault.code)


def _notification(one: use.Notification) -> values.Notification:
    return values.Notification(
        id=one.id,
        campaign=one.campaign,
        own_reference=one.own_reference,
        to=one.to,
        state=one.state,
        code=one.code,
        detail=one.detail,
        language=one.language,
        segments=one.segments,
        cost_f=one.cost_f,
        updated_at=one.updated_at,
    )


def _campaign(one: Campaign) -> values.Campaign:
    return values.Campaign(
        id=one.public_id,
        own_reference=one.own_reference,
        state=one.state,
        detail=one.why or one.state_words,
        live=one.live,
        template=one.template,
        template_version=one.template_version,
        rows={str(state): one.rows.get(state, 0) for state in RowState},
        sms=dict(one.sms),
        segments=one.segments,
        cost_f=one.cost_f,
        budget_left_f=one.budget_left_f,
        opens_at=one.opens_at,
        created_at=one.created_at,
    )


_ID = {"notification": "The notification's `id`."}
_SENDING = ("refused", "too_many_notifications")
OPERATIONS: Sequence[Operation] = (
    Operation(
        method="POST",
        path="/notifications",
        view=send_notification,
        scope=Scope.SEND,
        subject=_SUBJECT,
        summary="Send one notification",
        description="Checked at once: what cannot be sent is refused, and nothing is kept of it. It leaves within the "
        "hours of the template's category.",
        body=values.NewNotification,
        answer=values.Notification,
        status=201,
        writes=True,
        refusals=_SENDING,
    ),
    Operation(
        method="POST",
        path="/notifications/bulk",
        view=send_notifications,
        scope=Scope.SEND,
        subject=_SUBJECT,
        summary="Send many notifications from one template",
        description=f"At most {use.MOST} recipients a call, each checked at once. More recipients than your "
        "institution's `approval_above` wait until another person approves them in the console.",
        body=values.NewNotifications,
        answer=values.Sent,
        status=201,
        writes=True,
        body_bytes=BULK_BYTES,
        refusals=("bad_recipients", *_SENDING),
    ),
    Operation(
        method="GET",
        path="/notifications",
        view=list_notifications,
        scope=Scope.SEE_NOTIFICATIONS,
        subject=_SUBJECT,
        summary="Notifications of your own reference, or of a campaign",
        query=values.NotificationsQuery,
        answer=values.Notifications,
    ),
    Operation(
        method="GET",
        path="/notifications/{notification}",
        view=get_notification,
        scope=Scope.SEE_NOTIFICATIONS,
        subject=_SUBJECT,
        summary="What became of one notification",
        names=_ID,
        answer=values.Notification,
    ),
    Operation(
        method="GET",
        path="/campaigns/{campaign}",
        view=get_campaign,
        scope=Scope.SEE_NOTIFICATIONS,
        subject=_SUBJECT,
        summary="How many notifications stand where",
        names={"campaign": "The `campaign` of its notifications."},
        answer=values.Campaign,
    ),
)
