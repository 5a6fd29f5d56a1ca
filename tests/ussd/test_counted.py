"""A dialogue is counted once, whatever the aggregator does, by its channel and network, on its local day."""

from __future__ import annotations

from datetime import UTC, date, datetime

from gateway.store import daily
from gateway.usecases import counting
from gateway.wiring import Gateway
from tests.ussd.conftest import ACTE, Clock, Phone


def counted(gateway: Gateway, month: date = date(2026, 11, 1)) -> dict[str, int]:
    counting.move_sessions(gateway.parts, gateway.ussd.sessions)
    with gateway.database.read() as conn:
        return daily.of_month(conn, month, daily.SESSIONS)


def test_a_dialogue_counts_once(gateway: Gateway, phone: Phone) -> None:
    phone.deliver("", network="61603")
    for transcript in (*ACTE, *ACTE[-2:]):  # each turn, and the last two delivered again
        phone.deliver(transcript, network="61603")
    Phone(gateway, "s2").deliver("", network="61602")
    assert counted(gateway) == {"africastalking|61603": 1, "africastalking|61602": 1}


def test_a_day_begins_at_midnight_in_porto_novo(gateway: Gateway, clock: Clock) -> None:
    clock.now = datetime(2026, 11, 30, 22, 59, tzinfo=UTC)
    Phone(gateway, "before").deliver("")
    clock.now = datetime(2026, 11, 30, 23, 1, tzinfo=UTC)
    Phone(gateway, "after").deliver("")
    assert counted(gateway) == counted(gateway, date(2026, 12, 1)) == {"africastalking|": 1}
