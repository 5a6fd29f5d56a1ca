"""A folder of menus as people leave it: its files as text, and what cannot be read at all."""

from __future__ import annotations

from pathlib import Path

from gateway.menu.faults import Fault
from gateway.menu.model import Mark

#: A list of 5,000 villages takes a tenth of this; more is another file than a menu.
MAX_BYTES = 2_000_000
ENDING = ".yaml"
#: Endings that a person means to be a menu, and that nothing reads.
_OTHER_ENDINGS = (".yaml", ".yml")


def read(path: Path) -> tuple[dict[str, str], tuple[Fault, ...]]:
    """Every *.yaml under the folder: name relative to it, with `/` -> text; and a fault for each that has none.

    Hidden files are an editor's or a system's own, and are left alone. OSError when the folder cannot be read.
    """
    if not path.is_dir():
        raise NotADirectoryError(f"{path} is not a folder")
    files: dict[str, str] = {}
    faults: list[Fault] = []
    for file in sorted(path.rglob("*")):
        name = file.relative_to(path).as_posix()
        if (
            file.suffix.lower() not in _OTHER_ENDINGS
            or file.is_dir()
            or any(p.startswith(".") for p in name.split("/"))
        ):
            continue
        if file.suffix != ENDING:
            faults.append(Fault("wrong_name", Mark(name, 1), {"corrected": f"{file.stem}{ENDING}"}))
            continue
        text = _text(file, name)
        if isinstance(text, Fault):
            faults.append(text)
        else:
            files[name] = text
    return files, tuple(faults)


def _text(file: Path, name: str) -> str | Fault:
    """The text of one file, or why it has none. A pipe or a device could be read for ever."""
    try:
        if not file.is_file():
            return Fault("unreadable_file", Mark(name, 1))
        if (size := file.stat().st_size) > MAX_BYTES:
            return Fault("file_too_large", Mark(name, 1), {"size": str(size), "most": str(MAX_BYTES)})
        body = file.read_bytes()
    except OSError:
        return Fault("unreadable_file", Mark(name, 1))
    try:
        return body.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        return Fault("not_utf8", Mark(name, body.count(b"\n", 0, error.start) + 1))
