"""Every metric there is: the names that documents, alerts and dashboards may use."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping

import pytest
from prometheus_client.metrics import MetricWrapperBase

from gateway import metrics
from gateway.web.figures import StoreFigures
from tests.web.conftest import Site, site

__all__ = ["site"]

Promtool = Callable[..., str]


@pytest.fixture
def promtool() -> Promtool:
    """Runs Prometheus' own tool; what it said. It must find no fault."""
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("no promtool: install the package prometheus")

    def run(*arguments: str) -> str:
        done = subprocess.run([found, *arguments], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture
def known(site: Site) -> Mapping[str, tuple[str, ...]]:
    """Each metric as Prometheus names it (a counter with `_total`, a histogram without suffix) -> its labels."""
    counted = [one for one in vars(metrics).values() if isinstance(one, MetricWrapperBase)]
    found = {one._name + "_total" * (one._type == "counter"): tuple(one._labelnames) for one in counted}
    for family in StoreFigures(site.gateway.parts).collect():
        found[family.name] = tuple(family._labelnames)
    return found
