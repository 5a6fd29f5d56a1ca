"""config/grafana-dashboard.json shows what exists, by labels that exist, and nothing of a citizen."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.watching.conftest import Promtool
from tests.watching.names import metrics_of

DASHBOARD = Path(__file__).parents[2] / "config" / "grafana-dashboard.json"
#: What Prometheus adds by itself.
ADDED = {"le", "instance"}


def panels() -> list[dict[str, Any]]:
    return [panel for panel in json.loads(DASHBOARD.read_text())["panels"] if panel["type"] != "row"]


def targets() -> Iterator[tuple[str, str]]:
    for panel in panels():
        for target in panel["targets"]:
            yield target["expr"], target["legendFormat"]


def test_every_metric_exists(known: Mapping[str, tuple[str, ...]]) -> None:
    for expression, _ in targets():
        named = metrics_of(expression)
        assert named, expression
        assert named <= known.keys(), expression


def test_every_expression_can_be_read(promtool: Promtool, tmp_path: Path) -> None:
    read = [expression.replace("$__rate_interval", "1m") for expression, _ in targets()]
    rules = [{"record": f"panel:{number}", "expr": expression} for number, expression in enumerate(read)]
    file = tmp_path / "rules.yaml"
    file.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
    assert f"{len(read)} rules found" in promtool("check", "rules", str(file))


def test_only_labels_that_its_metrics_have(known: Mapping[str, tuple[str, ...]]) -> None:
    for expression, legend in targets():
        named = set(re.findall(r"\{\{(\w+)\}\}", legend))
        for by in re.findall(r"\bby \(([^)]*)\)", expression):
            named |= {word.strip() for word in by.split(",")}
        named |= set(re.findall(r"(\w+)\s*[!=]~?\"", expression))
        had = ADDED.union(*(known.get(metric, ()) for metric in metrics_of(expression)))
        assert named <= had, expression


def test_it_can_be_imported() -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    assert (dashboard["uid"], dashboard["title"]) == ("passerelle", "Passerelle")
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)
    places = [tuple(panel["gridPos"][side] for side in ("x", "y")) for panel in dashboard["panels"]]
    assert len(set(places)) == len(places), "two panels at one place"
    for panel in panels():
        assert panel["datasource"]["uid"] == "${source}", "any installation's Prometheus"
        assert panel["title"]
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
