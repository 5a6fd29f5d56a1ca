"""What a citizen does to her demand later is in its trace and in the log, under its id, as its first day is."""

from __future__ import annotations

import json

import pytest

from gateway import logs, wiring
from gateway.usecases.tracing import trace
from tests.trust.conftest import NPI, Handset, demand
from tests.trust.test_agreements import digits, proposed

WITHDRAW = ("2", "3", "1", "1")
Line = dict[str, object]


@pytest.fixture
def lines(handset: Handset) -> list[bytes]:
    written: list[bytes] = []
    logs.start("info", wiring.now, written.append)
    return written


def about(lines: list[bytes], name: str) -> list[object]:
    """The submissions that the lines of that event name."""
    return [line.get("submission_id") for line in map(json.loads, lines) if line["event"] == name]


def test_a_withdrawal(handset: Handset, lines: list[bytes]) -> None:
    reference = handset.files()
    handset.dial(*WITHDRAW)
    handset.type(handset.code())
    found = trace(handset.gateway.parts, reference)
    assert found is not None
    assert "submission: withdrawn" in [f"{one.about}: {one.said}" for one in found.moments]
    assert ("withdrawal", "due, 0 attempts") in [(one.about, one.said) for one in found.due]
    assert about(lines, "submission.withdrawal") == [demand(handset.gateway, reference).id]


def test_a_takeover(handset: Handset, stranger: Handset, lines: list[bytes]) -> None:
    reference = handset.files()
    stranger.dial("2", "4", reference, NPI[-4:])
    assert about(lines, "submission.takeover") == [demand(handset.gateway, reference).id]


def test_a_demand_for_somebody_else(handset: Handset, stranger: Handset, lines: list[bytes]) -> None:
    reference = proposed(handset)
    stranger.says(f"OUI {digits(stranger)}")
    found = trace(handset.gateway.parts, reference)
    assert found is not None
    assert [one.said for one in found.moments if one.about == "submission"] == ["proposed", "agreed"]
    assert about(lines, "submission.agreed") == [demand(handset.gateway, reference).id]
