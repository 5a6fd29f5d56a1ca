from __future__ import annotations

import pytest

from gateway.usecases.backoff import wait_s

LOW, HIGH = b"\x00" * 4, b"\xff" * 4


@pytest.mark.parametrize(
    ("tries", "low", "high", "remark"),
    [
        (1, 2.5, 5, "the first"),
        (2, 5, 10, "doubled"),
        (3, 10, 20, "doubled"),
        (8, 300, 600, "640 s would be more than the cap"),
        (100, 300, 600, "the cap, and no overflow"),
    ],
)
def test_doubling_capped_and_spread(tries, low, high, remark):
    assert wait_s(tries, 5, 600, None, lambda size: LOW) == pytest.approx(low)
    assert wait_s(tries, 5, 600, None, lambda size: HIGH) == pytest.approx(high)


@pytest.mark.parametrize(
    ("asked", "low", "high", "remark"),
    [
        (60, 60, 66, "asked for more: never sooner, spread over a tenth"),
        (0, 2.5, 5, "asked for nothing"),
        (3, 3, 5, "in between"),
        (7200, 7200, 7920, "more than our own cap is honoured"),
    ],
)
def test_never_sooner_than_asked(asked, low, high, remark):
    assert wait_s(1, 5, 600, asked, lambda size: LOW) == pytest.approx(low)
    assert wait_s(1, 5, 600, asked, lambda size: HIGH) == pytest.approx(high)
