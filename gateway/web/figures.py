"""Figures that the database knows better than any process: what waits in the lanes, what was spent, who is alive."""

from __future__ import annotations

import shutil
from collections.abc import Iterable

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from gateway.store.db import StoreUnavailable
from gateway.usecases import figures
from gateway.usecases.parts import Parts


class StoreFigures(Collector):
    """Asked at each scrape; when the database is away its figures are missing rather than wrong."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Nothing at registration: the database may not be there yet."""
        return ()

    def collect(self) -> Iterable[GaugeMetricFamily]:
        try:
            now = figures.read(self._parts, self._parts.now())
        except StoreUnavailable:
            now = None
        up = GaugeMetricFamily("database_up", "1 when the database answered this scrape, else 0")
        up.add_metric([], now is not None)
        yield up
        disk = shutil.disk_usage(self._parts.settings.data)
        free = GaugeMetricFamily("disk_free_bytes", "Room left where the data folder is")
        free.add_metric([], disk.free)
        size = GaugeMetricFamily("disk_size_bytes", "Size of the disk where the data folder is")
        size.add_metric([], disk.total)
        yield from (free, size)
        if now is not None:
            yield from _work(now)
            yield from _state(now)
            yield from _institutions(now, self._parts.settings.systems)


def _work(now: figures.Figures) -> Iterable[GaugeMetricFamily]:
    rows = GaugeMetricFamily("outbox_rows", "Outbox rows that are not done", labels=["lane", "state"])
    for count in now.lanes:
        rows.add_metric([count.lane, count.state], count.rows)
    oldest = GaugeMetricFamily("outbox_oldest_seconds", "Age of a lane's oldest row that waits", labels=["lane"])
    for lane, age_s in now.oldest_s.items():
        oldest.add_metric([lane], age_s)
    demands = GaugeMetricFamily("submissions", "Submissions by state", labels=["state"])
    for state, number in now.submissions.items():
        demands.add_metric([state], number)
    unknown = GaugeMetricFamily("sms_unknown", "SMS of which nobody knows whether they left")
    unknown.add_metric([], now.sms_unknown)
    return (rows, oldest, demands, unknown)


def _institutions(now: figures.Figures, systems: Iterable[str]) -> Iterable[GaugeMetricFamily]:
    told = "1 while a system is not called, as it left calls without an answer"
    is_open = GaugeMetricFamily("breaker_open", told, labels=["system"])
    away = {one.system for one in now.breakers if one.opened_at is not None}
    for system in sorted({*systems, *away}):
        is_open.add_metric([system], system in away)
    late = GaugeMetricFamily("submissions_late", "Demands past their promised date", labels=["system"])
    for system, number in now.late.items():
        late.add_metric([system], number)
    return (is_open, late)


def _state(now: figures.Figures) -> Iterable[GaugeMetricFamily]:
    ceiling = ["scope", "subject"]
    used = GaugeMetricFamily("spend_used", "Counted this hour against a ceiling: SMS, or F CFA", labels=ceiling)
    limit = GaugeMetricFamily("spend_limit", "The ceiling of an hour: SMS, or F CFA", labels=ceiling)
    for one in now.spent:
        used.add_metric([one.scope, one.subject], one.used)
        limit.add_metric([one.scope, one.subject], one.limit)
    stopped = GaugeMetricFamily("stopped", "1 for what operators stopped", labels=["subject"])
    for subject in now.stopped:
        stopped.add_metric([subject], 1)
    beats = GaugeMetricFamily("beat_age_seconds", "Since a process was last seen at work", labels=["name"])
    for name, age_s in now.beat_ages_s.items():
        beats.add_metric([name], age_s)
    return (used, limit, stopped, beats)
