"""What people decide about a notification: to send, approve, refuse or stop it. Each is one press of one button."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from flask import Response, request

from gateway.messages import CampaignState
from gateway.usecases import campaigns
from gateway.usecases.actors import Right
from gateway.usecases.campaigns import Campaign, CampaignRefused
from gateway.web.console import pages
from gateway.web.console.notifications import shown
from gateway.web.console.screens import Screen, Visit


def send_notification(visit: Visit, public_id: str) -> Response:
    part = request.form.get("part_allowed") == "yes"
    return _decided(visit, public_id, "send", partial(campaigns.send, part_allowed=part))


def approve_notification(visit: Visit, public_id: str) -> Response:
    return _decided(visit, public_id, "approve", campaigns.approve)


def refuse_notification(visit: Visit, public_id: str) -> Response:
    return _decided(visit, public_id, "refuse", campaigns.refuse)


def stop_notification(visit: Visit, public_id: str) -> Response:
    return _decided(visit, public_id, "stop", campaigns.stop)


def _decided(visit: Visit, public_id: str, act: str, decide: Callable[..., Campaign]) -> Response:
    """To the page of the notification, or the same page with the reason why not, beside what was pressed."""
    try:
        found = decide(visit.parts, visit.actor, public_id)
    except CampaignRefused as refused:
        if refused.code == "state":  # pressed twice, or somebody was quicker: the page says where it is
            return pages.see("notification", "notification_moved", public_id=public_id)
        field = "part_allowed" if refused.code == "part" else act
        return shown(visit, public_id, status=400, errors={field: refused.sentence(visit.language)})
    said = "waits" if act == "send" and found.state is CampaignState.WAITING else act
    return pages.see("notification", f"notification_{said}", public_id=public_id)


_ONE = "/notifications/<public_id>"
SCREENS = (
    Screen(f"{_ONE}/send", send_notification, ("POST",), right=Right.SEND),
    Screen(f"{_ONE}/approve", approve_notification, ("POST",), right=Right.APPROVE),
    Screen(f"{_ONE}/refuse", refuse_notification, ("POST",), right=Right.APPROVE),
    Screen(f"{_ONE}/stop", stop_notification, ("POST",), right=Right.SEE_NOTIFICATIONS),
)
