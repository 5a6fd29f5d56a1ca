"""Africa's Talking Insights: asks the operator when a SIM was last changed; the answer comes later, by callback.

Sources: the SDK (PyPI africastalking 2.0.3) for the question; for the answer, examples that third parties published.
Nothing says for which operators of Bénin it works: `holdings.sim_check` is off until that was tried.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from africastalking import InsightService

from gateway.channels import fields
from gateway.channels.base import ChannelError, ChannelFault
from gateway.messages import SimAnswer
from gateway.outgoing import Answer, Client, NoAnswer, NotSent
from gateway.settings import ChannelSettings

_ANSWER_MAX = 64 * 1024
#: What the aggregator writes for a SIM that was never changed: 01-01-1900.
_NEVER = 1900


class _Asked(msgspec.Struct):
    requestId: str = ""  # noqa: N815 - the aggregator's name
    responses: list[dict[str, Any]] = []


class _Told(msgspec.Struct):
    status: str
    requestId: str  # noqa: N815 - the aggregator's name
    lastSimSwapDate: str = ""  # noqa: N815 - the aggregator's name


_asked = msgspec.json.Decoder(_Asked).decode
_told = msgspec.json.Decoder(_Told).decode


class Insights(InsightService):  # type: ignore[misc]  # the SDK has no types
    """The SDK's service over our own client, as for SMS. Safe to share between threads."""

    def __init__(self, settings: ChannelSettings, key: str) -> None:
        super().__init__(settings.username, key)
        if settings.insights_url is not None:
            self._baseUrl = settings.insights_url.rstrip("/")
        self._client = Client(
            (self._baseUrl,),
            connect_timeout_s=settings.connect_timeout_s,
            read_timeout_s=settings.read_timeout_s,
            total_s=settings.connect_timeout_s + settings.read_timeout_s,
            max_bytes=_ANSWER_MAX,
        )

    def ask(self, number: str) -> str | None:
        """The id that the answer will name; None when the question was not taken, whatever the reason."""
        try:
            answer: Answer = self.check_sim_swap_state([number])
        except (NotSent, NoAnswer, ValueError):
            return None
        if not 200 <= answer.status < 300:
            return None
        try:
            read = _asked(answer.body)
            first = str(read.responses[0].get("requestId", "")) if read.responses else read.requestId
            return fields.message_id(first, "requestId")
        except (msgspec.MsgspecError, RecursionError, ChannelError):
            return None

    def _make_request(
        self,
        url: str,
        method: str,
        headers: dict[str, str],
        data: str,
        params: None,
        callback: None = None,
        timeout: object = None,
    ) -> Answer:
        del method, params, callback, timeout
        return self._client.post(url, headers, data.encode())


def parse_sim(channel: str, body: bytes, content_type: str) -> SimAnswer:
    """`status` Swapped or NotSwapped, `lastSimSwapDate` DD-MM-YYYY. Raises ChannelError for what is none of it."""
    del content_type
    try:
        told = _told(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise ChannelError(ChannelFault.UNREADABLE_BODY) from None
    request_id = fields.message_id(told.requestId, "requestId")
    status = told.status.casefold()
    if status not in ("swapped", "notswapped"):
        return SimAnswer(channel, request_id, None, readable=False)
    swapped_at = _end_of_day(told.lastSimSwapDate)
    undated = status == "swapped" and swapped_at is None
    return SimAnswer(channel, request_id, swapped_at, readable=not undated, undated=undated)


def _end_of_day(written: str) -> datetime | None:
    """The latest moment of the day DD-MM-YYYY, None for no day: a change on the day we met somebody counts as after."""
    try:
        day = datetime.strptime(written.strip()[:10], "%d-%m-%Y").replace(tzinfo=UTC)
    except ValueError:
        return None
    return None if day.year <= _NEVER else day + timedelta(days=1) - timedelta(seconds=1)
