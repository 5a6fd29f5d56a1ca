"""Every metric is in docs/operations.md with its labels, and nothing that is not one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_tables_name_every_metric_and_its_labels(known: Mapping[str, tuple[str, ...]]) -> None:
    section = (ROOT / "docs" / "operations.md").read_text().partition("\n## Metrics\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([a-z_]+)(?:\{([a-z_,]+)\})?` \| .+ \|$", section, re.MULTILINE)
    documented = {name: tuple(labels.split(",")) if labels else () for name, labels in rows}
    assert len(rows) == len(documented), "a metric has two rows"
    assert documented == dict(known)
