"""The words that citizens text (menus/commands.yaml): read, and checked against the services that they start."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import cast, get_args

from gateway.menu.inspection import Inspection
from gateway.menu.model import Argument, ArgumentType, Builtin, Command, Mark, Service, Text
from gateway.menu.nodes import Listing, Node, Scalar
from gateway.menu.sizes import kept
from gateway.menu.typed import Reader
from gateway.text import segments, transliterate

FILE = "commands.yaml"
KEYS = ("yes", "categories", "commands")
COMMAND_KEYS = ("words", "help", "takes", "optional", "starts", "at", "does")
BUILTINS = cast(tuple[Builtin, ...], get_args(Builtin))
ARGUMENT_TYPES = cast(tuple[ArgumentType, ...], get_args(ArgumentType))
#: What STOP may name; "all" is what ABONNE alone comes back to.
CATEGORIES = ("procedure", "information")
#: Arguments of a known number of digits: a free text can follow them.
DIGITS = ("reference", "code", "digits4")
#: `list:sujets` in `takes`: one line of that list.
LIST_PREFIX = "list:"

Words = Mapping[str, tuple[str, ...]]


def read_commands(reader: Reader, node: Node) -> tuple[dict[str, Command], Words, dict[str, Words]]:
    """The commands by id, the words that accept a near miss, and the words of each category, by language."""
    table = reader.table(node, node.mark, KEYS, FILE)
    yes = _words(reader, reader.need(table, "yes", FILE), node.mark)
    categories: dict[str, Words] = {}
    if "categories" in table.nodes:
        named = reader.table(table.nodes["categories"], node.mark, CATEGORIES, "categories")
        categories = {key: _words(reader, each, named.marks[key]) for key, each in named.nodes.items()}
    written = reader.need(table, "commands", FILE)
    if written is None:
        return {}, yes, categories
    commands = reader.table(written, node.mark, None, "commands")
    reader.ids(commands)
    read = {key: _command(reader, key, each, commands.marks[key]) for key, each in commands.nodes.items()}
    return read, yes, categories


def entered(services: Mapping[str, Service], commands: Mapping[str, Command]) -> dict[str, Service]:
    """The services, each with the screens at which commands enter it and the values that these are given."""
    found = dict(services)
    for command in commands.values():
        service = found.get(command.starts or "")
        if service is None or command.at is None:
            continue
        given = frozenset(argument.name for argument in command.takes)
        given &= service.entries.get(command.at, given)
        found[service.id] = replace(service, entries={**service.entries, command.at: given})
    return found


def check_commands(inspection: Inspection) -> None:
    """Every command: what it starts, what it takes, its words, its help."""
    commands = inspection.menus.commands
    if not commands or FILE in inspection.broken:
        return
    for command in commands.values():
        _starts(inspection, command)
        _takes(inspection, command)
        _help(inspection, command)
    _distinct(inspection)
    for builtin in BUILTINS:
        having = [command for command in commands.values() if command.does == builtin]
        if len(having) != 1:
            mark = having[1].mark if having else next(iter(commands.values())).mark
            inspection.fault("builtin_once", replace(mark, line=mark.line if having else 1), does=builtin)


def _command(reader: Reader, id_: str, node: Node, mark: Mark) -> Command:
    table = reader.table(node, mark, COMMAND_KEYS, "command")
    does, starts = table.nodes.get("does"), table.nodes.get("starts")
    if (does is None) == (starts is None):
        reader.fault("does_or_starts", mark, command=id_)
    takes = _arguments(reader, table.nodes.get("takes"), mark)
    optional = frozenset(reader.name_list(table.nodes.get("optional"), mark))
    help_node = reader.need(table, "help", "command")
    return Command(
        id=id_,
        words=_words(reader, reader.need(table, "words", "command"), mark),
        help=reader.text(help_node, mark) if help_node else Text(dict.fromkeys(reader.languages, ""), None, mark),
        takes=takes,
        optional=optional,
        starts=reader.words(starts, mark) or None,
        at=reader.words(table.nodes.get("at"), mark) or None,
        does=cast(Builtin | None, reader.one_of(does, mark, BUILTINS, "") or None),
        mark=mark,
    )


def _arguments(reader: Reader, node: Node | None, mark: Mark) -> tuple[Argument, ...]:
    if node is None:
        return ()
    table = reader.table(node, mark, None, "takes")
    found: list[Argument] = []
    for key, each in table.nodes.items():
        name = reader.name(Scalar(key, table.marks[key]), mark)
        word = reader.words(each, mark)
        if word.startswith(LIST_PREFIX):
            found.append(Argument(name, "list", word.removeprefix(LIST_PREFIX).strip()))
        else:
            known = tuple(kind for kind in ARGUMENT_TYPES if kind != "list")
            found.append(Argument(name, cast(ArgumentType, reader.one_of(each, mark, known, "word"))))
    return tuple(found)


def _words(reader: Reader, node: Node | None, mark: Mark) -> Words:
    """language -> words; every language of the menus has at least one."""
    if node is None:
        return {}
    table = reader.table(node, mark, reader.languages, "words")
    found: dict[str, tuple[str, ...]] = {}
    for language in reader.languages:
        each = table.nodes.get(language)
        if each is None:
            reader.fault("missing_language", table.mark, language=language)
            continue
        nodes = each.nodes if isinstance(each, Listing) else (each,)
        words = tuple(word for word in (reader.words(one, mark) for one in nodes) if word)
        for word in words:
            if not transliterate.fold(word).isalpha():
                reader.fault("bad_command_word", each.mark, word=word)
        found[language] = words
    return found


def _starts(inspection: Inspection, command: Command) -> None:
    menus = inspection.menus
    if command.starts is None:
        if command.at is not None:
            inspection.fault("at_without_starts", command.mark, command=command.id)
        return
    service = menus.services.get(command.starts)
    if service is None:
        if not inspection.unread:  # a file that could not be read may be the service
            inspection.unknown("unknown_started", command.mark, command.starts, menus.services)
        return
    if command.at is not None and command.at not in service.screens and service.mark.file not in inspection.broken:
        inspection.unknown("unknown_entry", command.mark, command.at, service.screens, service=service.id)
    if command.takes and command.at is None:
        inspection.fault("takes_without_at", command.mark, command=command.id)


def _takes(inspection: Inspection, command: Command) -> None:
    menus = inspection.menus
    names = [argument.name for argument in command.takes]
    for name in command.optional - frozenset(names):
        inspection.unknown("unknown_optional", command.mark, name, frozenset(names))
    needed_after = [name in command.optional for name in names]
    if needed_after != sorted(needed_after):
        inspection.fault("optional_last", command.mark, command=command.id)
    if command.does == "answer" and [argument.type for argument in command.takes] != ["code", "text"]:
        inspection.fault("answer_takes", command.mark, command=command.id)
    service = menus.services.get(command.starts or "")
    known = frozenset(kept(service)) if service is not None else None
    for place, argument in enumerate(command.takes):
        if argument.type == "text" and not (place == len(names) - 1 and _only_digits(command.takes[:place])):
            inspection.fault("text_after_digits", command.mark, name=argument.name)
        if known is not None and argument.name not in known and service and service.mark.file not in inspection.broken:
            inspection.unknown("unknown_taken", command.mark, argument.name, known, service=service.id)
        if argument.type == "list" and argument.source not in menus.lists:
            inspection.unknown("unknown_list", command.mark, argument.source, frozenset(menus.lists))


def _only_digits(before: tuple[Argument, ...]) -> bool:
    """Whether the digits before a free text say where it begins."""
    return bool(before) and all(argument.type in DIGITS for argument in before)


def _help(inspection: Inspection, command: Command) -> None:
    for language, said in command.help.by_language.items():
        size = segments.measure(transliterate.plain(said).text)
        if size.segments > 1:
            mark = command.help.at(language)
            inspection.fault("message_too_long", mark, language=language, size=str(size.units), most="160")


def _distinct(inspection: Inspection) -> None:
    """No word means two things; the words of categories only follow STOP, and are apart."""
    menus = inspection.menus
    seen: dict[str, str] = {}
    groups: list[tuple[str, Words, Mark]] = [(one.id, one.words, one.mark) for one in menus.commands.values()]
    groups.append(("yes", menus.yes_words, Mark(FILE, 1)))
    for id_, words, mark in groups:
        for word in _every(words):
            other = seen.setdefault(word, id_)
            if other != id_:
                inspection.fault("command_word_twice", mark, word=word, other=other)


def _every(words: Words) -> Iterable[str]:
    return dict.fromkeys(transliterate.fold(word) for each in words.values() for word in each)
