"""Sound menus that use every verb, and the world they live in."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.menu.check import GATEWAY_SOURCES, Source, World
from gateway.menu.load import read_folder
from gateway.settings import Network

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "menus"
LANGUAGES = ("fr", "en")


@pytest.fixture
def world() -> World:
    return World(
        handlers={"demo.verifie": ("juste", "faux")},
        sources={**GATEWAY_SOURCES, "cadastre": Source()},
        systems=frozenset({"etat-civil"}),
        networks={"MTN": Network(session_s=120), "Moov": Network(max_septets=182)},
    )


@pytest.fixture
def sound() -> dict[str, str]:
    """The files of tests/menu/examples with the shipped sentences: no fault is in them."""
    messages = (SHIPPED / "messages.yaml").read_text(encoding="utf-8")
    return {**read_folder(Path(__file__).parent / "examples"), "messages.yaml": messages}
