"""A folder of menus, read and checked, and its faults as lines that editors and people can follow."""

from __future__ import annotations

from pathlib import Path

from gateway.menu import folder
from gateway.menu.check import check_loaded
from gateway.menu.faults import Fault
from gateway.menu.load import load
from gateway.menu.model import Menus
from gateway.menu.world import World


def check_folder(path: Path, languages: tuple[str, ...], world: World) -> tuple[Menus | None, tuple[Fault, ...]]:
    """The menus of a folder, or None and every fault. OSError when the folder cannot be read."""
    files, unreadable = folder.read(path)
    loaded = load(files, languages, unreadable)
    faults = check_loaded(loaded, world)
    return (None if faults else loaded.menus), faults


def report(faults: tuple[Fault, ...], language: str = "fr", within: str = "menus") -> str:
    """One line for each fault, "" when there is none: `menus/infos.yaml:12: [code] sentence. hint`.

    Files are named from `within`.
    """
    return "\n".join(
        f"{within}/{fault.mark.file}:{fault.mark.line}: [{fault.code}] {fault.say(language)}" for fault in faults
    )
