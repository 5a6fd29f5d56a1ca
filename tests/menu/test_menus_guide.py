"""Every example of docs/menus.md is read and checked with the shipped menus, so that the guide cannot lie."""

from __future__ import annotations

import re
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.menu import screens
from gateway.menu.check import GATEWAY_SOURCES, World, check_loaded
from gateway.menu.load import load, read_folder

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "menus.md").read_text(encoding="utf-8")
HEAD = """service: exemple
title:
  fr: Exemple
  en: Example
keep: 90d
start: {start}
screens:
"""
SUITE = """
  suite:
    end:
      fr: Fin
      en: End
"""


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```yaml {kind}\n(.*?)^```", GUIDE, flags=re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("block", [*blocks("service"), *blocks("ecrans")])
def test_example_has_no_fault(block: str, world: World) -> None:
    name = "exemple"
    if block.startswith("service:"):
        name, text = "chantier", block
    else:
        text = HEAD.format(start=block.partition(":")[0]) + textwrap.indent(block, "  ")
        text += SUITE if "suite" in block else ""
    files = read_folder(ROOT / "menus")
    files["main.yaml"] = files["main.yaml"].replace("shortcuts:\n", f"shortcuts:\n  91: {name}\n")

    world = replace(
        world,
        handlers={"entreprise.verifier": ("bon", "mauvais")},
        handler_values={"entreprise.verifier": frozenset({"essais"})},
    )
    found = check_loaded(load({**files, "exemple.yaml": text}, ("fr", "en")), world)

    assert [f"{fault.mark.file}:{fault.mark.line} {fault.say('fr')}" for fault in found] == []


def test_the_list_of_the_guide_can_be_read(world: World) -> None:
    (block,) = blocks("liste")
    files = {**read_folder(ROOT / "menus"), "lists/periodes.yaml": block}

    assert check_loaded(load(files, ("fr", "en")), world) == ()


@pytest.mark.parametrize("verb", screens.VERBS)
def test_every_verb_has_an_example(verb: str) -> None:
    assert any(f"\n  {verb}:" in block for block in blocks("ecrans"))


@pytest.mark.parametrize("word", [*screens.ASK_TYPES, "search", "empty", "personal", "error", "resume", "sensitive"])
def test_the_guide_knows_the_word(word: str) -> None:
    assert f"`{word}" in GUIDE


def test_the_fault_that_the_guide_shows(world: World) -> None:
    text = blocks("service")[0].replace("from: communes", "from: comunes")
    files = read_folder(ROOT / "menus")
    files["main.yaml"] = files["main.yaml"].replace("shortcuts:\n", "shortcuts:\n  91: chantier\n")
    shipped = replace(world, sources=GATEWAY_SOURCES)

    (fault,) = check_loaded(load({**files, "chantier.yaml": text}, ("fr", "en")), shipped)

    assert f"menus/{fault.mark.file}:{fault.mark.line}: [{fault.code}] {fault.say('fr')}" in GUIDE
