"""Every fault of scenarios.yaml is claimed by a test that carries its mark: `@pytest.mark.fault("F14")`."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

FOLDER = Path(__file__).parent
SCENARIOS = yaml.safe_load((FOLDER / "scenarios.yaml").read_text())


def claims(path: Path) -> Iterator[str]:
    """The ids that the marks of the tests in this file name."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.fault":
                    yield from (argument.value for argument in mark.args if isinstance(argument, ast.Constant))


@pytest.fixture(scope="module")
def claimed() -> dict[str, list[Path]]:
    """Scenario -> the files with tests of it."""
    found: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(FOLDER.parent.rglob("test_*.py")):
        for scenario in claims(path):
            found[scenario].append(path)
    return found


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_each_is_claimed(claimed, scenario):
    declared = SCENARIOS[scenario]
    if "not_yet" in declared:
        assert scenario not in claimed, "it has a test now: take `not_yet` away"
        return
    assert claimed[scenario], f"no test is marked with {scenario}: {declared['fault']}"
    if declared.get("performed"):
        here = [path for path in claimed[scenario] if path.parent == FOLDER and path.name != "test_storm.py"]
        assert here, f"{scenario} is claimed to be really performed in this folder"


def test_no_mark_names_what_does_not_exist(claimed):
    assert set(claimed) <= set(SCENARIOS)
    assert list(SCENARIOS) == [f"F{number}" for number in range(1, 24)]
