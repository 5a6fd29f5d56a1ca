"""Figures that the database knows better than any process: what waits in the lanes, and in which states."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from gateway.store import outbox, submissions
from gateway.store.db import Database, StoreUnavailable


class StoreFigures(Collector):
    """Asked at each scrape; when the database is away the figures are missing rather than wrong."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Nothing at registration: the database may not be there yet."""
        return ()

    def collect(self) -> Iterable[GaugeMetricFamily]:
        rows = GaugeMetricFamily("outbox_rows", "Outbox rows that are not done", labels=["lane", "state"])
        demands = GaugeMetricFamily("submissions", "Submissions by state", labels=["state"])
        try:
            with self._database.read() as conn:
                lanes = outbox.counts(conn)
                states = submissions.count_by_state(conn)
        except StoreUnavailable:
            return ()
        for count in lanes:
            rows.add_metric([count.lane, count.state], count.rows)
        for state, number in states.items():
            demands.add_metric([state], number)
        return (rows, demands)
