"""Menus from files: read, typed, joined. An author's mistake is a fault in the answer, never an exception."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway.menu import commands, folder, nodes
from gateway.menu.catalogue import (
    CATALOGUE_LIST,
    UNVERIFIED,
    catalogue_list,
    read_catalogue,
    read_list,
    read_messages,
)
from gateway.menu.faults import Fault, in_order
from gateway.menu.model import ROOT, CatalogueEntry, ListItem, Mark, Menus, Screen, Service, Text
from gateway.menu.nodes import Node, Table
from gateway.menu.services import joined, read_service, read_shared, read_shortcuts
from gateway.menu.typed import Reader

#: Files that are not a service.
MAIN = "main.yaml"
SHARED = "shared.yaml"
CATALOGUE = "catalogue.yaml"
MESSAGES = "messages.yaml"
LISTS = "lists/"
OTHERS = (SHARED, CATALOGUE, MESSAGES, commands.FILE)


@dataclass(frozen=True, slots=True)
class Loaded:
    """`menus` is None when there are faults; `draft` is then what could be read, for `check` to say more about.

    `shared` are the screens of shared.yaml, `broken` the files with faults, `unread` those of which nothing could be
    read, `shortcut_marks` where each shortcut stands.
    """

    menus: Menus | None
    faults: tuple[Fault, ...]
    draft: Menus = field(repr=False)
    shared: Mapping[str, Screen] = field(repr=False)
    broken: frozenset[str] = frozenset()
    unread: frozenset[str] = frozenset()
    shortcut_marks: Mapping[str, Mark] = field(default_factory=dict)


def read_folder(path: Path) -> dict[str, str]:
    """Every *.yaml under the folder: name relative to it, with `/` -> text.

    OSError when the folder cannot be read. Files that cannot be read are left out: `folder.read` says which.
    """
    return folder.read(path)[0]


def load(files: Mapping[str, str], languages: tuple[str, ...], unreadable: tuple[Fault, ...] = ()) -> Loaded:
    """The menus that the files mean. `languages`: every text must be in each; the first is the default.

    `unreadable` is what `folder.read` said of files that are there but have no text.
    """
    reader = Reader(languages, list(unreadable))
    trees: dict[str, Node | None] = dict.fromkeys(fault.mark.file for fault in unreadable)
    trees.update((name, _tree(reader, name, text)) for name, text in files.items())
    lists = _lists(reader, trees)
    messages = _messages(reader, trees)
    catalogue = _catalogue(reader, trees, messages)
    lists[CATALOGUE_LIST] = catalogue_list(catalogue)
    shared_node = trees.get(SHARED)
    shared = read_shared(reader, shared_node, frozenset(lists)) if shared_node is not None else {}
    services = _services(reader, trees, frozenset(lists))
    shortcuts, shortcut_marks = read_shortcuts(reader, trees.get(MAIN))
    command_node = trees.get(commands.FILE)
    said, yes, categories = commands.read_commands(reader, command_node) if command_node else ({}, {}, {})
    whole = {id_: joined(reader, service, shared, catalogue) for id_, service in services.items()}
    draft = Menus(
        version=version(files),
        languages=languages,
        services=commands.entered(whole, said),
        lists=lists,
        catalogue=catalogue,
        messages=messages,
        shortcuts=shortcuts,
        files=dict(files),
        commands=said,
        yes_words=yes,
        category_words=categories,
    )
    faults = in_order(reader.faults)
    broken = frozenset(fault.mark.file for fault in faults)
    unread = frozenset(name for name, tree in trees.items() if tree is None) | _nameless(trees)
    return Loaded(None if faults else draft, faults, draft, shared, broken, unread, shortcut_marks)


def _tree(reader: Reader, name: str, text: str) -> Node | None:
    """The tree of one file; None, and a fault, when it has none or is something else than keys and values."""
    before = len(reader.faults)
    tree = nodes.read(name, text, reader.faults)
    if tree is None and len(reader.faults) == before:
        reader.fault("empty_file", Mark(name, 1))
    if tree is not None and not isinstance(tree, Table):
        reader.fault("not_a_table", tree.mark, what=name)
        return None
    return tree


def version(files: Mapping[str, str]) -> str:
    """First 16 hex digits of the SHA-256 of names and texts; the same for the same files on any machine."""
    digest = hashlib.sha256()
    for name in sorted(files):
        for part in (name.encode(), files[name].encode()):
            digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()[:16]


def _lists(reader: Reader, trees: Mapping[str, Node | None]) -> dict[str, tuple[ListItem, ...]]:
    lists: dict[str, tuple[ListItem, ...]] = {}
    named: dict[str, str] = {}
    for file, tree in trees.items():
        if file.startswith(LISTS) and tree is not None:
            name, items = read_list(reader, tree)
            if not name:
                continue
            if name in lists:
                reader.fault("repeated_id", tree.mark, word=name, other=named[name])
            if items is not None and not items:
                reader.fault("empty_list", tree.mark, word=name)
            lists[name] = items or ()
            named[name] = file
    return lists


def _nameless(trees: Mapping[str, Node | None]) -> frozenset[str]:
    """Files that do not say which service or list they are: any that is missed elsewhere may be the one."""
    return frozenset(
        file
        for file, tree in trees.items()
        if isinstance(tree, Table)
        and file not in OTHERS
        and ("list" if file.startswith(LISTS) else "service") not in tree.nodes
    )


def _messages(reader: Reader, trees: Mapping[str, Node | None]) -> dict[str, Text]:
    if MESSAGES not in trees:
        reader.fault("missing_file", Mark(MESSAGES, 1), file=MESSAGES)
    tree = trees.get(MESSAGES)
    return {} if tree is None else read_messages(reader, tree)


def _catalogue(
    reader: Reader, trees: Mapping[str, Node | None], messages: Mapping[str, Text]
) -> dict[str, CatalogueEntry]:
    tree = trees.get(CATALOGUE)
    if tree is None:
        return {}
    nothing = Text(dict.fromkeys(reader.languages, ""), None, tree.mark)
    return read_catalogue(reader, tree, messages.get(UNVERIFIED, nothing))


def _services(reader: Reader, trees: Mapping[str, Node | None], lists: frozenset[str]) -> dict[str, Service]:
    services: dict[str, Service] = {}
    if MAIN not in trees:
        reader.fault("missing_file", Mark(MAIN, 1), file=MAIN)
    for file, tree in trees.items():
        if file in OTHERS or file.startswith(LISTS) or tree is None:
            continue
        service = read_service(reader, tree, lists)
        if service.id and (service.id == ROOT) != (file == MAIN):
            reader.fault("main_is_main", service.mark, root=ROOT, file=MAIN)
        if not service.id:
            continue
        if service.id in services:
            reader.fault("repeated_id", service.mark, word=service.id, other=services[service.id].mark.file)
        services[service.id] = service
    return services
