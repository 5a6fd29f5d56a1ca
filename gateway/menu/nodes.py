"""YAML as a tree of texts with marks: every scalar stays the text that was written, nothing is guessed.

Read from YAML events, so that what a menu must not use (anchors, aliases, tags, repeated keys) is still seen and
said with its line. `on`, `no`, `12:30` and `0123` are texts here; the reader of each key gives them a type.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import yaml

from gateway.menu.faults import Fault, Mark
from gateway.menu.syntax import fault_of, quoted, value_quoted

#: Deeper than any menu needs; keeps a hostile file from exhausting the stack.
MAX_DEPTH = 20


@dataclass(frozen=True, slots=True)
class Scalar:
    """One text as written. `comment` is the line between quotes when a `#` ends the text on it, else ""."""

    text: str
    mark: Mark
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of nodes."""

    nodes: tuple[Node, ...]
    mark: Mark


@dataclass(frozen=True, slots=True)
class Table:
    """Keys and nodes, in the order written; `marks` says where each key stands."""

    nodes: Mapping[str, Node]
    marks: Mapping[str, Mark]
    mark: Mark


Node = Scalar | Listing | Table


class _Position(Protocol):
    """A mark of PyYAML; line and column count from 0."""

    line: int
    column: int


#: libyaml, where PyYAML was built with it.
_QUICK = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class TooDeep(yaml.YAMLError):
    """The file nests deeper than MAX_DEPTH; `position` is where."""

    def __init__(self, position: _Position) -> None:
        super().__init__()
        self.position = position


def read(file: str, text: str, faults: list[Fault]) -> Node | None:
    """The tree of one file; None when it is empty or not YAML. What is wrong is added to `faults`."""
    lines = text.splitlines()
    text = "\n".join(_without_tabs(file, lines, faults)) + "\n"
    sound = _read_sound(file, text)
    if sound is not None:
        return sound
    reader = _Reader(file, text.splitlines(), faults)
    try:
        return reader.document(yaml.parse(text, Loader=yaml.SafeLoader))
    except TooDeep as error:
        faults.append(Fault("too_deep", reader.mark(error.position)))
    except yaml.MarkedYAMLError as error:
        fault = fault_of(error, file, reader.lines)
        # Tabs that indent, and braces in a text, are the cause, and have been said.
        if not any(line[: len(line) - len(line.lstrip())].count("\t") for line in lines) and not any(
            said.mark.file == file and said.mark.line == fault.mark.line for said in faults
        ):
            faults.append(fault)
    except yaml.reader.ReaderError as error:
        faults.append(Fault("yaml_character", Mark(file, text.count("\n", 0, error.position) + 1)))
    return None


def _read_sound(file: str, text: str) -> Node | None:
    """The tree of a file without faults, read eight times as fast; None when its faults must be told, or it is empty.

    What libyaml says of a fault differs from release to release; what the other reader says is tested.
    """
    faults: list[Fault] = []
    try:
        root = _Reader(file, text.splitlines(), faults).document(yaml.parse(text, Loader=_QUICK))
    except yaml.YAMLError:
        return None
    return None if faults else root


def _without_tabs(file: str, lines: list[str], faults: list[Fault]) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        if "\t" in line and not line.lstrip().startswith("#"):
            corrected = line.replace("\t", "  ")
            faults.append(Fault("tab", Mark(file, number, line.index("\t") + 1), {"corrected": corrected.strip()}))
            yield corrected
        else:
            yield line


class _Reader:
    """Builds the tree of one file from its events."""

    def __init__(self, file: str, lines: list[str], faults: list[Fault]) -> None:
        self.file = file
        self.lines = lines
        self.faults = faults

    def document(self, events: Iterator[yaml.Event]) -> Node | None:
        root: Node | None = None
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent) and root is not None:
                self.fault("several_documents", event)
                break
            if isinstance(event, yaml.NodeEvent):
                root = self.node(event, events, 0)
        return root

    def node(self, event: yaml.Event, events: Iterator[yaml.Event], depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise TooDeep(_start(event))
        self.forbidden(event)
        mark = self.mark(_start(event))
        if isinstance(event, yaml.MappingStartEvent):
            return self.table(event, events, depth)
        if isinstance(event, yaml.SequenceStartEvent):
            nodes = []
            while not isinstance(inner := next(events), yaml.SequenceEndEvent):
                nodes.append(self.node(inner, events, depth + 1))
            return Listing(tuple(nodes), mark)
        if not isinstance(event, yaml.ScalarEvent):
            return Scalar("", mark)
        return Scalar(event.value, mark, self.cut_by_comment(event))

    def cut_by_comment(self, event: yaml.ScalarEvent) -> str:
        """`fr: Bureau #3`: for YAML the text is `Bureau`."""
        line, end = self.line(_end(event)), _end(event).column
        if event.style or not line[end:].lstrip().startswith("#"):
            return ""
        return value_quoted(line, always=True)

    def table(self, start: yaml.MappingStartEvent, events: Iterator[yaml.Event], depth: int) -> Table:
        nodes: dict[str, Node] = {}
        marks: dict[str, Mark] = {}
        last: yaml.ScalarEvent | None = None
        while not isinstance(key := next(events), yaml.MappingEndEvent):
            name = self.node(key, events, depth + 1)
            value = next(events)
            node = self.node(value, events, depth + 1)
            if not isinstance(name, Scalar):
                self.fault("key_is_not_a_word", key)
                continue
            if start.flow_style and isinstance(value, yaml.ScalarEvent) and value.value == "" and not value.style:
                self.braces(start, key, last)
                continue
            if name.text in nodes:
                self.fault("repeated_key", key, key=name.text, first=str(marks[name.text].line))
                continue
            nodes[name.text] = node
            marks[name.text] = name.mark
            last = value if isinstance(value, yaml.ScalarEvent) else None
        return Table(nodes, marks, self.mark(_start(start)))

    def forbidden(self, event: yaml.Event) -> None:
        """Anchors, aliases and tags: a menu reads the same from top to bottom, for everyone."""
        line = self.line(_start(event))
        # `! Attention` was meant as a text.
        text = value_quoted(line, always=True) if isinstance(event, yaml.ScalarEvent) and event.value else ""
        if isinstance(event, yaml.AliasEvent):
            self.fault("alias", event, corrected=value_quoted(line, always=True))
        elif anchor := getattr(event, "anchor", None):
            self.fault("anchor", event, corrected=" ".join(line.replace(f"&{anchor}", "", 1).split()))
        elif (
            isinstance(event, yaml.ScalarEvent) and event.style in ("'", '"') and _start(event).line < _end(event).line
        ):
            self.fault("open_quote", event)
        elif tag := getattr(event, "tag", None):
            bare = " ".join(re.sub(r"!\S*\s?", "", line, count=1).split())
            self.fault("tag", event, corrected=bare if tag.startswith("tag:") else text or bare)

    def braces(self, start: yaml.Event, key: yaml.Event, last: yaml.ScalarEvent | None) -> None:
        """`{fr: Non, merci}`: YAML sees a key `merci`; `{npi}` as a text: YAML sees a key `npi`."""
        line = self.line(_start(key))
        end = _end(key).column
        if last is not None and _start(last).line == _end(key).line:
            begin = _start(last).column
            body = line[begin:end] if not last.style else line[begin + 1 : end].replace('"', "")
            self.fault("comma_in_braces", key, corrected=f"{line[:begin]}{quoted(body)}{line[end:]}".strip())
        else:
            begin = _start(start).column
            corrected = f"{line[:begin]}{quoted(line[begin:].rstrip())}".strip()
            self.fault("braces_in_text", key, corrected=corrected)

    def line(self, mark: _Position) -> str:
        return self.lines[mark.line] if mark.line < len(self.lines) else ""

    def mark(self, mark: _Position) -> Mark:
        return Mark(self.file, min(mark.line + 1, max(len(self.lines), 1)), mark.column + 1)

    def fault(self, code: str, event: yaml.Event, **params: str) -> None:
        self.faults.append(Fault(code, self.mark(_start(event)), params))


def _start(event: yaml.Event) -> _Position:
    assert event.start_mark is not None, "PyYAML marks every event that it reads"
    return event.start_mark


def _end(event: yaml.Event) -> _Position:
    assert event.end_mark is not None, "PyYAML marks every event that it reads"
    return event.end_mark
