"""Both readers of YAML see the same in every file there is: kinds, values, styles and places."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FILES = [path for folder in ("menus", "tests") for path in sorted((ROOT / folder).rglob("*.yaml"))]


def seen(text: str, loader: type) -> list[tuple[object, ...]] | str:
    try:
        return [
            (
                type(event).__name__,
                getattr(event, "value", None),
                getattr(event, "style", None) or None,
                getattr(event, "tag", None),
                getattr(event, "anchor", None),
                *((mark.line, mark.column) for mark in (event.start_mark, event.end_mark)),
            )
            for event in yaml.parse(text, Loader=loader)
        ]
    except yaml.YAMLError as error:
        return type(error).__name__


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_both_see_the_same(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert seen(text, yaml.CSafeLoader) == seen(text, yaml.SafeLoader)


def test_the_quick_one_is_there() -> None:
    assert yaml.__with_libyaml__
