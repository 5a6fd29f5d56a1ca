"""Golden dialogues of the shipped menus: tests/transcripts/*.yaml.

A transcript says how the citizen dialled, what the outside answered, and the dialogue: `>` what was typed, `<` the
lines of the screen, `!` what the engine asked from outside, `#` the end. Write the inputs alone, then
fill in the rest and read it: REWRITE_TRANSCRIPTS=1 pytest tests/engine/test_transcripts.py
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from gateway.engine import session, walk
from gateway.engine.outcomes import (
    Act,
    ActAnswer,
    Answer,
    Item,
    Lookup,
    LookupAnswer,
    Need,
    Reply,
    Saved,
    Submission,
)
from gateway.engine.surface import Surface
from gateway.menu import load
from gateway.menu.model import Menus
from gateway.text.segments import units

ROOT_FOLDER = Path(__file__).parents[2]
FOLDER = ROOT_FOLDER / "tests" / "transcripts"
FILES = sorted(FOLDER.glob("*.yaml"))
MARKER = "dialogue: |\n"
NOW = datetime(2026, 11, 23, 14, 5, tzinfo=ZoneInfo("Africa/Porto-Novo"))


@pytest.fixture(scope="module")
def shipped() -> Menus:
    loaded = load.load(load.read_folder(ROOT_FOLDER / "menus"), ("fr", "en"))
    assert loaded.menus is not None, [fault.code for fault in loaded.faults]
    return loaded.menus


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_dialogue_reads_as_written(path: Path, shipped: Menus) -> None:
    source = path.read_text(encoding="utf-8")
    transcript = yaml.safe_load(source)
    played = "".join(f"{line}\n" for line in _play(shipped, transcript))
    if os.environ.get("REWRITE_TRANSCRIPTS"):
        head = source[: source.index(MARKER) + len(MARKER)]
        path.write_text(head + "".join(f"  {line}\n" for line in played.splitlines()), encoding="utf-8")
    else:
        assert played == transcript["dialogue"]


def test_there_are_dialogues() -> None:
    assert len(FILES) >= 10


def _play(menus: Menus, transcript: dict[str, Any]) -> list[str]:
    surface = Surface(transcript.get("max_units", 160), transcript.get("alphabet", "gsm7"))
    outside = list(transcript.get("outside", []))
    dialled = [str(part) for part in transcript.get("dial", [])]
    typed = [line[2:] for line in transcript["dialogue"].splitlines() if line.startswith(">")][1:]
    step = walk.open_dialogue(menus, surface, transcript.get("language", "fr"), NOW, dialled)
    said = ["> " + "*".join(["*229", *dialled]) + "#"]
    for part in dialled[step.consumed :]:  # what was dialled in one go is never seen screen by screen
        step = walk.advance(menus, surface, _stored(step), part, NOW)
    for line in [*typed, None]:
        while not isinstance(step.effect, Reply):
            said += _asked(step.effect)
            step = walk.resume(menus, surface, _stored(step), _answer(step.effect, outside.pop(0)), NOW)
        assert units(step.effect.text, surface.alphabet) <= surface.max_units
        said += [f"< {shown}".rstrip() for shown in step.effect.text.split("\n")]
        if step.effect.final:
            said.append("#")
            break
        if line is not None:
            said.append(f"> {line}".rstrip())
            step = walk.advance(menus, surface, _stored(step), line, NOW)
    assert not outside, "the transcript answers what nobody asked"
    return said


def _stored(step: walk.Step) -> session.State:
    return session.decode(session.encode(step.state))


def _asked(need: Need) -> list[str]:
    if isinstance(need, Lookup):
        return [f"! lookup {need.source} {dict(need.args)}"]
    assert isinstance(need, Act)
    args = need.args
    if not isinstance(args, Submission):
        return [f"! act {need.ordinal} {need.action} {dict(args)}"]
    return [
        f"! act {need.ordinal} {need.action} to {args.system}: {dict(args.fields)}",
        f"! told apart by {dict(args.subject)}, listed as {args.label}, personal: {', '.join(sorted(args.personal))}",
    ]


def _answer(need: Need, declared: dict[str, Any]) -> Answer:
    values = {
        name: Saved(*value) if isinstance(value, list) else Saved(value)
        for name, value in declared.get("values", {}).items()
    }
    if isinstance(need, Act):
        assert declared["act"] == need.action
        return ActAnswer(declared.get("outcome", "closed"), values, closing=declared.get("closing", ""))
    assert isinstance(need, Lookup)
    assert declared["lookup"] == need.source
    items = tuple(Item(str(id_), label) for id_, label in declared.get("items", {}).items())
    return LookupAnswer(declared["outcome"], values, items)
