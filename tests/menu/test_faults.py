"""One broken menu for each code (cases/broken_menus.yaml): the fault is found, on its line, in both languages."""

from __future__ import annotations

import ast
import string
from pathlib import Path

import pytest
import yaml

from gateway.menu import faults
from gateway.menu.check import World, check_loaded
from gateway.menu.load import load

CASES = yaml.safe_load((Path(__file__).parent / "cases" / "broken_menus.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=[f"{case['code']} {case.get('remark', '')}".strip() for case in CASES])
def test_fault_names_its_line(case: dict[str, str], sound: dict[str, str], world: World) -> None:
    files = _broken(sound, case)

    found = check_loaded(load(files, ("fr", "en")), world)

    assert (case["code"], *_place(files, case)) in [
        (fault.code, fault.mark.file, fault.mark.line) for fault in found
    ], case.get("remark")
    for fault in found:
        assert fault.say("fr") != fault.say("en")


def _broken(sound: dict[str, str], case: dict[str, str]) -> dict[str, str]:
    file = case["file"]
    if case.get("delete"):
        return {name: text for name, text in sound.items() if name != file}
    if "add" in case:
        return {**sound, file: case["add"]}
    assert case["replace"] in sound[file], "the row no longer changes anything"
    return {**sound, file: sound[file].replace(case["replace"], case["with"], 1)}


def _place(files: dict[str, str], case: dict[str, str]) -> tuple[str, int]:
    """The file and line of the words: in the changed file, or else in the demonstration service."""
    for name in (case["file"], "demo.yaml"):
        text = files.get(name, "")
        if case["at"] in text or (name == case["file"] and case.get("delete")):
            return name, text[: text.find(case["at"])].count("\n") + 1
    raise AssertionError("the row's words stand nowhere")


def test_sound_menus_have_no_fault(sound: dict[str, str], world: World) -> None:
    loaded = load(sound, ("fr", "en"))

    assert [fault.say("en") for fault in check_loaded(loaded, world)] == []
    assert loaded.menus is not None


def test_every_code_has_a_broken_menu() -> None:
    untested = faults.sentences().keys() - {case["code"] for case in CASES}

    of_a_folder = {"not_utf8", "wrong_name", "unreadable_file", "file_too_large"}  # see test_folder.py
    assert untested == {"asks_reply_one_way", *of_a_folder}, "the first one needs another world: see test_check_sms.py"


def test_every_code_of_the_program_has_its_sentences() -> None:
    """Whatever code the modules give, fault_sentences.yaml says it, in both languages, with the same values."""
    used: set[str] = set()
    for module in (Path(__file__).parents[2] / "gateway" / "menu").glob("*.py"):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if name in ("fault", "Fault", "unknown", "_fault"):
                    used.add(str(node.args[0].value))

    assert faults.sentences().keys() == used


@pytest.mark.parametrize("code", sorted(faults.sentences()))
def test_both_languages_say_the_same_values(code: str) -> None:
    sentence = faults.sentences()[code]

    def places(key: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(sentence[key]) if name}

    assert sentence.keys() == {"fr", "fr_hint", "en", "en_hint"}
    assert places("fr") == places("en")
    assert places("fr_hint") == places("en_hint")
