"""The JSON Schema for editors: up to date, and true of every file that ships."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from gateway.menu.load import read_folder
from gateway.menu.nodes import Listing, Node, Scalar, Table, read
from gateway.menu.schema import as_json, schema

ROOT = Path(__file__).parents[2]
SCHEMA = schema()
WHOLE = re.compile(r"^\d{1,12}$")


def test_the_committed_file_is_up_to_date() -> None:
    assert (ROOT / "menus" / "schema.json").read_text(encoding="utf-8") == as_json(), "run gateway.menu.schema again"


def holds(node: Node, rule: dict[str, Any]) -> bool:
    """Whether a tree obeys the part of JSON Schema that schema.py uses. A scalar is typed as an editor would."""
    if "$ref" in rule:
        return holds(node, SCHEMA["definitions"][rule["$ref"].rsplit("/", 1)[1]])
    if "anyOf" in rule:
        return any(holds(node, each) for each in rule["anyOf"])
    if isinstance(node, Table):
        properties, others = rule.get("properties", {}), rule.get("additionalProperties", {})
        return (
            rule.get("type") == "object"
            and set(rule.get("required", ())) <= node.nodes.keys()
            and all(
                holds(each, properties[key]) if key in properties else others is not False and holds(each, others)
                for key, each in node.nodes.items()
            )
        )
    if isinstance(node, Listing):
        return rule.get("type") == "array" and all(holds(each, rule["items"]) for each in node.nodes)
    return _scalar_holds(node, rule)


def _scalar_holds(node: Scalar, rule: dict[str, Any]) -> bool:
    if "enum" in rule:
        return node.text in rule["enum"]
    if rule.get("type") == "integer":
        return WHOLE.match(node.text) is not None
    return "string" in rule.get("type", "") and re.search(rule.get("pattern", ""), node.text) is not None


FILES = read_folder(ROOT / "menus") | {
    f"example {name}": text for name, text in read_folder(Path(__file__).parent / "examples").items()
}


@pytest.mark.parametrize("name", FILES)
def test_every_file_obeys_it(name: str) -> None:
    node = read(name, FILES[name], [])
    assert node is not None
    assert holds(node, SCHEMA)


@pytest.mark.parametrize(
    ("old", "new"),
    [("    say:", "    sya:"), ("type: text", "type: texte"), ("max: 30", "max: trente"), ("start: debut\n", "")],
)
def test_it_underlines_mistakes(old: str, new: str) -> None:
    node = read("demo.yaml", FILES["example demo.yaml"].replace(old, new, 1), [])
    assert node is not None
    assert not holds(node, SCHEMA)
