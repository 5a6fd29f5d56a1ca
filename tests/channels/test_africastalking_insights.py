"""What an operator says of a SIM, as the aggregator passes it on."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from gateway.channels.africastalking_insights import parse_sim
from gateway.channels.base import ChannelError
from gateway.messages import SimAnswer

DAY = datetime(2026, 11, 20, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("told", "swapped_at", "readable", "undated", "remark"),
    [
        ({"status": "Swapped", "lastSimSwapDate": "20-11-2026"}, DAY, True, False, "its last moment, at worst"),
        ({"status": "Swapped"}, None, False, True, "a change of which nobody knows when"),
        ({"status": "Swapped", "lastSimSwapDate": "soon"}, None, False, True, "the same"),
        ({"status": "Swapped", "lastSimSwapDate": "31-02-2026"}, None, False, True, "no such day"),
        ({"status": "NotSwapped", "lastSimSwapDate": "01-01-1900"}, None, True, False, "never"),
        ({"status": "NotSwapped"}, None, True, False, "never, in fewer words"),
        ({"status": "NotSwapped", "lastSimSwapDate": "20-11-2026"}, DAY, True, False, "not lately, but then"),
        ({"status": "Queued"}, None, False, False, "no answer"),
    ],
)
def test_what_is_told(
    told: dict[str, str], swapped_at: datetime | None, readable: bool, undated: bool, remark: str
) -> None:
    body = json.dumps({"requestId": "R1", **told}).encode()
    wanted = SimAnswer("africastalking", "R1", swapped_at, readable=readable, undated=undated)
    assert parse_sim("africastalking", body, "application/json") == wanted, remark


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"status":"Swapped"}', b'{"requestId":"R1"}', b"[" * 5000])
def test_what_cannot_be_read(body: bytes) -> None:
    with pytest.raises(ChannelError):
        parse_sim("africastalking", body, "application/json")
