"""What the State says of its procedures (menus/catalogue.yaml), lists (menus/lists/) and sentences (messages.yaml)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

from gateway.menu.message_keys import MESSAGES
from gateway.menu.model import CatalogueEntry, ListItem, Mark, Text
from gateway.menu.nodes import Node, Scalar, Table
from gateway.menu.typed import Reader, near

ENTRY_KEYS = ("title", "fee", "delay", "delay_days", "pieces", "where", "source", "checked_on", "verified")
#: The parts of an entry that are facts, and so are verified or not.
FACTS = ("fee", "delay", "pieces", "where")
#: The list of all catalogue entries, for `pick`; no file makes it.
CATALOGUE_LIST = "catalogue"
#: The sentence that stands in place of an unverified fact.
UNVERIFIED = "unverified"

_AMOUNT = re.compile(r"^\d{1,9}$")


def read_catalogue(reader: Reader, node: Node, unverified: Text) -> dict[str, CatalogueEntry]:
    """The entries by id. A fact that is not verified is never shown: `unverified` stands in its place."""
    table = reader.table(node, node.mark, None, "catalogue")
    reader.ids(table)
    return {key: _entry(reader, key, each, table.marks[key], unverified) for key, each in table.nodes.items()}


def catalogue_list(catalogue: Mapping[str, CatalogueEntry]) -> tuple[ListItem, ...]:
    """All procedures as a list to pick from."""
    return tuple(ListItem(entry.id, entry.title) for entry in catalogue.values())


def read_list(reader: Reader, node: Node) -> tuple[str, tuple[ListItem, ...] | None]:
    """The name and the lines of one list file, None for lines that cannot be read.

    A label may be one word for all languages (a proper name).
    """
    table = reader.table(node, node.mark, ("list", "items"), "list")
    name = reader.id(reader.need(table, "list", "list"), node.mark)
    if name == CATALOGUE_LIST:
        reader.fault("reserved_name", table.marks["list"], word=name)
    written = reader.need(table, "items", "list")
    if written is None:
        return name, None
    items = reader.table(written, node.mark, None, "items")
    if not isinstance(written, Table):
        return name, None
    reader.ids(items)
    return name, tuple(ListItem(key, _label(reader, each)) for key, each in items.nodes.items())


def read_messages(reader: Reader, node: Node) -> dict[str, Text]:
    """The gateway's own sentences: exactly the keys of `message_keys.MESSAGES`."""
    table = reader.table(node, node.mark, None, "messages")
    messages = {}
    for key, each in table.nodes.items():
        if key not in MESSAGES:
            reader.fault("unknown_message", table.marks[key], key=key, near=near(key, MESSAGES))
        else:
            messages[key] = reader.text(each, table.marks[key])
    for key in MESSAGES:
        if key not in table.nodes:
            reader.fault("missing_message", node.mark, key=key)
    return messages


def _label(reader: Reader, node: Node) -> Text:
    if isinstance(node, Scalar) and node.text.strip():
        return Text(dict.fromkeys(reader.languages, node.text.strip()), None, node.mark)
    return reader.text(node, node.mark)


def _entry(reader: Reader, id_: str, node: Node, mark: Mark, unverified: Text) -> CatalogueEntry:
    table = reader.table(node, mark, ENTRY_KEYS, "catalogue")
    verified = _verified(reader, table, mark)
    facts: dict[str, Text] = {}
    for fact in FACTS:
        # What is noted but not verified is read too, so that its faults are said.
        noted = _fact(reader, table.nodes.get(fact), mark, money=fact == "fee")
        if fact in verified and noted is None:
            reader.fault("verified_but_absent", mark, part=fact)
        facts[fact] = noted if fact in verified and noted is not None else unverified
    days = reader.number(table.nodes.get("delay_days"), mark)
    source = reader.words(reader.need(table, "source", "catalogue"), mark)
    return CatalogueEntry(
        id=id_,
        title=reader.text(reader.need(table, "title", "catalogue"), mark),
        fee=facts["fee"],
        delay=facts["delay"],
        pieces=facts["pieces"],
        where=facts["where"],
        delay_days=days if "delay" in verified else None,
        source=source,
        checked_on=_day(reader, reader.need(table, "checked_on", "catalogue"), mark),
        verified=verified,
        mark=mark,
    )


def _fact(reader: Reader, node: Node | None, mark: Mark, *, money: bool) -> Text | None:
    """The text of a fact, None when none is noted; a fee may be an amount alone, in francs."""
    if node is None:
        return None
    if money and isinstance(node, Scalar) and _AMOUNT.match(node.text):
        amount = f"{int(node.text)} FCFA"
        return Text(dict.fromkeys(reader.languages, amount), None, node.mark)
    return reader.text(node, mark)


def _verified(reader: Reader, table: Table, mark: Mark) -> frozenset[str]:
    """Names of the verified facts; `no` or an empty list: none."""
    node = table.nodes.get("verified")
    if node is None:
        reader.fault("missing_key", mark, key="verified", what="catalogue")
        return frozenset()
    if isinstance(node, Scalar) and node.text in ("no", "non", "[]"):
        return frozenset()
    names = reader.name_list(node, mark)
    for name in names:
        if name not in FACTS:
            reader.fault("not_one_of", node.mark, word=name, known=", ".join(FACTS), near=near(name, FACTS))
    return frozenset(names) & frozenset(FACTS)


def _day(reader: Reader, node: Node | None, mark: Mark) -> str:
    word = reader.words(node, mark)
    try:
        return date.fromisoformat(word).isoformat() if word else ""
    except ValueError:
        reader.fault("not_a_date", node.mark if node else mark, word=word)
        return ""
