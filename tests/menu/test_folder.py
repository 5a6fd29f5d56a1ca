"""A folder as people leave it: wrong names, wrong encodings, links, copies, very large files. Never a stack trace."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.menu.check import World
from gateway.menu.report import check_folder


def put(name: str, body: bytes) -> Callable[[Path], None]:
    def do(folder: Path) -> None:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(body)

    return do


def change(old: bytes, new: bytes) -> Callable[[Path], None]:
    def do(folder: Path) -> None:
        file = folder / "demo.yaml"
        file.write_bytes(file.read_bytes().replace(old, new))

    return do


def encode(encoding: str) -> Callable[[Path], None]:
    def do(folder: Path) -> None:
        file = folder / "demo.yaml"
        file.write_bytes(file.read_text(encoding="utf-8").encode(encoding))

    return do


@pytest.mark.parametrize(
    ("do", "expected", "remark"),
    [
        (change(b"\n", b"\r\n"), [], "lines as Windows ends them"),
        (encode("utf-8-sig"), [], "a byte order mark"),
        (encode("latin-1"), [("not_utf8", "demo.yaml", 18)], "where the first accent is"),
        (encode("utf-16"), [("not_utf8", "demo.yaml", 1)], "what some editors call Unicode"),
        (lambda f: (f / "demo.yaml").rename(f / "demo.yml"), [("wrong_name", "demo.yml", 1)], "another ending"),
        (lambda f: (f / "demo.yaml").rename(f / "demo.YAML"), [("wrong_name", "demo.YAML", 1)], "in capitals"),
        (put("demo.yaml~", b"x"), [], "an editor's copy"),
        (put("._demo.yaml", b"\0\5"), [], "a file of another system's"),
        (put("notes.txt", b"x"), [], "not a menu"),
        (lambda f: (f / "dossier.yaml").mkdir(), [], "a folder with such a name"),
        (lambda f: (f / "a.yaml").symlink_to("/nowhere/x"), [("unreadable_file", "a.yaml", 1)], "a broken link"),
        (lambda f: (f / "a.yaml").symlink_to("a.yaml"), [("unreadable_file", "a.yaml", 1)], "a link to itself"),
        (lambda f: (f / "a.yaml").symlink_to("/dev/zero"), [("unreadable_file", "a.yaml", 1)], "a device"),
        (lambda f: os.mkfifo(f / "a.yaml"), [("unreadable_file", "a.yaml", 1)], "a pipe"),
        (lambda f: (f / ".#demo.yaml").symlink_to("user@host.1"), [], "an editor's lock"),
        (lambda f: (f / "sous").symlink_to("."), [], "a folder inside itself"),
        (put("gros.yaml", b"a: " + b"x" * 2_100_000), [("file_too_large", "gros.yaml", 1)], "not a menu by its size"),
        (put("lists/lettres.yaml", b"list: lettres\nitems:\n  a: A\n"), [], "one list more"),
    ],
)
def test_folder(
    do: Callable[[Path], None],
    expected: list[tuple[str, str, int]],
    remark: str,
    tmp_path: Path,
    sound: dict[str, str],
    world: World,
) -> None:
    for name, text in sound.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    do(tmp_path)

    menus, faults = check_folder(tmp_path, ("fr", "en"), world)

    assert [(fault.code, fault.mark.file, fault.mark.line) for fault in faults] == expected, remark
    assert (menus is None) is bool(expected)
    for fault in faults:
        assert fault.say("fr") != fault.say("en")


def test_an_empty_folder_lacks_two_files(tmp_path: Path, world: World) -> None:
    menus, faults = check_folder(tmp_path, ("fr", "en"), world)
    assert menus is None
    assert [(fault.code, fault.mark.file) for fault in faults] == [
        ("missing_file", "main.yaml"),
        ("missing_file", "messages.yaml"),
    ]
