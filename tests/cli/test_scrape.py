"""Rates and quantiles between two looks at /metrics."""

from __future__ import annotations

import pytest

from gateway.cli.scrape import NoAnswer, fetch, quantile, rate, read


def look(at_s: float, turns: int, quick: int, slow: int) -> str:
    return read(
        f'ussd_turns_total{{channel="a",outcome="end"}} {turns}\n'
        f'ussd_turns_total{{channel="b",outcome="end"}} {turns}\n'
        f't_seconds_bucket{{channel="a",le="0.01"}} {quick}\n'
        f't_seconds_bucket{{channel="a",le="1.0"}} {quick + slow}\n'
        f't_seconds_bucket{{channel="a",le="+Inf"}} {quick + slow}\n',
        at_s,
    )


def test_a_rate_is_of_what_came_in_between():
    before, after = look(10, 100, 0, 0), look(12, 110, 0, 0)
    assert rate(before, after, "ussd_turns_total") == 10
    assert rate(before, after, "ussd_turns_total", channel="a") == 5
    assert rate(before, after, "nothing_total") == 0
    assert rate(after, before, "ussd_turns_total") == 0, "counted anew"
    assert rate(before, before, "ussd_turns_total") == 0


@pytest.mark.parametrize(
    ("quick", "slow", "q", "bound"),
    [
        (99, 1, 0.99, 0.01),
        (98, 2, 0.99, 1.0),
        (1, 1, 0.5, 0.01),
        (0, 1, 0.5, 1.0),
        (0, 0, 0.5, None),
    ],
)
def test_quantiles(quick, slow, q, bound):
    assert quantile(look(1, 0, 50, 50), look(2, 0, 50 + quick, 50 + slow), "t_seconds", q) == bound


def test_no_quantile_of_a_metric_that_is_not_there():
    assert quantile(look(1, 0, 0, 0), look(2, 0, 1, 1), "other", 0.5) is None


def test_nothing_listens():
    with pytest.raises(NoAnswer):
        fetch("http://127.0.0.1:9", 0)
