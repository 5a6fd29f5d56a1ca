"""What wiring decides by itself: addresses, budgets of screens, the handlers found."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway import settings, wiring
from gateway.settings import Settings


def declared(**changes: object) -> Settings:
    shipped = settings.load({"GATEWAY_LOCAL": "1"})
    return shipped.model_copy(update=changes)


@pytest.mark.parametrize(
    ("redis", "own", "url"),
    [
        ("auto", "", f"unix://{Path('data').resolve()}/redis.sock"),
        ("redis://10.0.0.1/0", "", "redis://10.0.0.1/0"),
        ("redis://10.0.0.1/0", "redis://10.0.0.2/1", "redis://10.0.0.2/1"),
    ],
)
def test_redis_urls(redis: str, own: str, url: str) -> None:
    assert wiring.redis_url(declared(redis=redis), own) == url


def test_the_database_is_sqlite_unless_declared() -> None:
    assert wiring.database_url(declared()).startswith("sqlite:////")
    assert wiring.database_url(declared(database_url="postgresql://h/d")) == "postgresql://h/d"


@pytest.mark.parametrize(
    ("alphabet", "septets", "cap", "units", "remark"),
    [
        ("gsm7", 160, None, 160, "the operator's own budget"),
        ("gsm7", 182, 160, 160, "the channel allows less"),
        ("gsm7", 140, 182, 140, "the channel's cap never gives more"),
        ("ucs2", 160, None, 70, "140 octets on the air"),
        ("ucs2", 182, None, 79, "159 whole octets"),
    ],
)
def test_budgets(alphabet: str, septets: int, cap: int | None, units: int, remark: str) -> None:
    base = declared()
    operator = base.operators["mtn"].model_copy(update={"max_septets": septets, "alphabet": alphabet})
    channel = base.channels["africastalking"].model_copy(update={"max_septets": cap})
    changed = declared(operators={"mtn": operator}, channels={"africastalking": channel})
    assert wiring.surfaces(changed)("africastalking", "61603").max_units == units, remark


def test_an_unknown_network_gets_the_assumed_budget() -> None:
    assert wiring.surfaces(declared())("africastalking", "99999").max_units == 160


def test_ids_and_the_clock() -> None:
    assert len(wiring.new_id()) == 32
    assert wiring.new_id() != wiring.new_id()
    assert wiring.now().tzinfo is not None
