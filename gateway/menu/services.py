"""A service file: its head, and its screens with the shared ones that it reaches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import cast, get_args

from gateway.menu.model import (
    HOME,
    ROOT,
    SERVICE_PREFIX,
    Ask,
    Assurance,
    Branch,
    CallHandler,
    CatalogueEntry,
    Do,
    Lookup,
    Mark,
    OnBehalf,
    Pick,
    Screen,
    Service,
    Submit,
)
from gateway.menu.nodes import Node, Table
from gateway.menu.screens import read_screens
from gateway.menu.typed import Reader

SERVICE_KEYS = (
    "service",
    "title",
    "short_title",
    "assurance",
    "on_behalf",
    "resume",
    "keep",
    "hand_over_within",
    "sensitive",
    "start",
    "screens",
    "shortcuts",
)
ON_BEHALF = cast(tuple[OnBehalf, ...], get_args(OnBehalf))
ASSURANCES = cast(tuple[Assurance, ...], get_args(Assurance))


#: Fewer than a citizen could ever walk; `check` looks at every path between them.
MAX_SCREENS = 200


def read_service(reader: Reader, node: Node, lists: frozenset[str]) -> Service:
    """The service of one file, without shared screens and promise."""
    mark = node.mark
    table = reader.table(node, mark, SERVICE_KEYS, "service")
    id_ = reader.id(reader.need(table, "service", "service"), mark)
    mark = table.marks.get("service", mark)
    if "shortcuts" in table.nodes and id_ != ROOT:
        reader.fault("shortcuts_in_main", table.marks["shortcuts"], root=ROOT)
    short = table.nodes.get("short_title")
    screens = read_screens(reader, reader.need(table, "screens", "service"), mark, lists)
    if len(screens) > MAX_SCREENS:
        reader.fault("too_many_screens", mark, service=id_, count=str(len(screens)), most=str(MAX_SCREENS))
    return Service(
        id=id_,
        title=reader.text(reader.need(table, "title", "service"), mark),
        start=reader.words(reader.need(table, "start", "service"), mark),
        screens=screens,
        mark=mark,
        assurance=cast(Assurance, reader.one_of(table.nodes.get("assurance"), mark, ASSURANCES, "number")),
        on_behalf=cast(OnBehalf, reader.one_of(table.nodes.get("on_behalf"), mark, ON_BEHALF, "no")),
        resume_s=reader.duration(table.nodes.get("resume"), mark),
        keep_s=reader.duration(table.nodes.get("keep"), mark),
        hand_over_s=reader.duration(table.nodes.get("hand_over_within"), mark),
        sensitive=reader.boolean(table.nodes.get("sensitive"), mark, default=False),
        short_title=reader.text(short, mark) if short is not None else None,
    )


def read_shared(reader: Reader, node: Node, lists: frozenset[str]) -> dict[str, Screen]:
    """The screens of menus/shared.yaml."""
    table = reader.table(node, node.mark, ("screens",), "shared")
    return read_screens(reader, reader.need(table, "screens", "shared"), node.mark, lists)


def read_shortcuts(reader: Reader, node: Node | None) -> tuple[dict[str, str], dict[str, Mark]]:
    """Dialled digits -> service id, from main.yaml, and where each stands."""
    if not isinstance(node, Table) or "shortcuts" not in node.nodes:
        return {}, {}
    table = reader.table(node.nodes["shortcuts"], node.mark, None, "shortcuts")
    shortcuts = {}
    for digits, each in table.nodes.items():
        if not (digits.isascii() and digits.isdigit() and 2 <= len(digits) <= 6):
            reader.fault("bad_shortcut", table.marks[digits], word=digits)
        shortcuts[digits] = reader.words(each, node.mark)
    return shortcuts, dict(table.marks)


def joined(
    reader: Reader, service: Service, shared: Mapping[str, Screen], catalogue: Mapping[str, CatalogueEntry]
) -> Service:
    """The service with the shared screens that it reaches, and the promise that the catalogue makes for it."""
    screens = dict(service.screens)
    for id_ in screens.keys() & shared.keys():
        other = shared[id_].mark
        reader.fault("shared_name", screens[id_].mark, screen=id_, where=f"{other.file}:{other.line}")
    waiting = list(screens.values())
    while waiting:
        for target in targets(waiting.pop()):
            if target in shared and target not in screens:
                screens[target] = shared[target]
                waiting.append(shared[target])
    entry = catalogue.get(service.id)
    return replace(service, screens=screens, promise_days=entry.delay_days if entry else None)


def targets(screen: Screen) -> Iterator[str]:
    """Every target of a screen, as written."""
    for target, _ in targets_with_marks(screen):
        yield target


def targets_with_marks(screen: Screen) -> Iterator[tuple[str, Mark]]:
    """Every target of a screen and where it was written."""
    for choice in screen.choices:
        yield choice.go, choice.mark
    match screen.verb:
        case Ask(go=go, mark=mark):
            yield go, mark
        case Pick(go=go, empty=empty, unavailable=unavailable, mark=mark):
            for target in (go, empty, unavailable):
                if target is not None:
                    yield target, mark
        case Submit(outcomes=outcomes, mark=mark) | Lookup(outcomes=outcomes, mark=mark):
            yield from ((target, mark) for target in outcomes.values())
        case CallHandler(outcomes=outcomes, mark=mark) | Do(outcomes=outcomes, mark=mark):
            yield from ((target, mark) for target in outcomes.values())
        case Branch(cases=cases):
            yield from ((case.go, case.mark) for case in cases)


def leaves(target: str, service: Service) -> bool:
    """Whether a target goes out of the service: home, or another service."""
    return target.startswith(SERVICE_PREFIX) or (target == HOME and HOME not in service.screens)
