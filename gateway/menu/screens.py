"""Screens, their choices and their verbs, read from a file's tree."""

from __future__ import annotations

from typing import cast, get_args

from gateway.menu.model import (
    Ask,
    AskType,
    Branch,
    CallHandler,
    Case,
    Choice,
    Do,
    End,
    Lookup,
    Mark,
    Personal,
    Pick,
    Precision,
    Screen,
    Submit,
    Text,
    Verb,
)
from gateway.menu.nodes import Listing, Node, Scalar, Table
from gateway.menu.typed import Reader

#: What a screen does is one of these keys; a screen with none only has choices.
VERBS = ("ask", "pick", "submit", "act", "lookup", "call", "when", "end")
SCREEN_KEYS = ("say", "choices", *VERBS, "go", "outcomes", "back")
ASK_KEYS = ("type", "save", "personal", "min", "max", "pattern", "precision", "error")
PICK_KEYS = ("from", "save", "search", "args", "personal", "max", "empty", "unavailable")
SUBMIT_KEYS = ("to", "fields", "duplicate_by", "label", "for")
FOR_KEYS = ("number", "relation")
ACT_KEYS = ("do", "args", "code")
LOOKUP_KEYS = ("from", "args", "saves", "keep", "last_known", "later")
#: What a lookup with `last_known` also saves: the day of the answer, "" when it was given just now.
ANSWER_DAY, ANSWER_DAY_SIZE = "answer_day", 10
CALL_KEYS = ("handler", "saves")
CHOICE_KEYS = ("label", "go", "when", "language")

ASK_TYPES = cast(tuple[AskType, ...], get_args(AskType))
PERSONAL = cast(tuple[Personal, ...], get_args(Personal))
PRECISIONS = cast(tuple[Precision, ...], get_args(Precision))

_PLAIN_PERSONAL: dict[str, Personal] = {"no": "none", "non": "none", "oui": "yes"}
#: Screen keys that only some verbs use.
_NEEDS_GO = frozenset({"ask", "pick"})
_NEEDS_OUTCOMES = frozenset({"submit", "act", "lookup", "call"})
_BESIDE = (("go", _NEEDS_GO), ("outcomes", _NEEDS_OUTCOMES))


def read_screens(reader: Reader, node: Node | None, mark: Mark, lists: frozenset[str]) -> dict[str, Screen]:
    """The screens under a `screens:` key. `lists` are the names that `pick` finds in menus/lists/."""
    if node is None:
        return {}
    table = reader.table(node, mark, None, "screens")
    reader.ids(table)
    return {key: _screen(reader, key, each, table.marks[key], lists) for key, each in table.nodes.items()}


def _screen(reader: Reader, id_: str, node: Node, mark: Mark, lists: frozenset[str]) -> Screen:
    table = reader.table(node, mark, SCREEN_KEYS, "screen")
    verbs = [key for key in table.nodes if key in VERBS]
    if len(verbs) > 1:
        reader.fault("several_verbs", table.marks[verbs[1]], first=verbs[0], second=verbs[1])
    name = verbs[0] if verbs else ""
    mistyped = not verbs and any(key not in SCREEN_KEYS for key in table.nodes)  # the unknown key may be the verb
    if len(verbs) < 2 and not mistyped:
        _expected_keys(reader, table, name)
    verb = _verb(reader, name, table, id_, mark, lists)
    say = reader.text(table.nodes["say"], mark) if "say" in table.nodes else None
    if isinstance(verb, End):
        say = reader.text(table.nodes["end"], mark)
    shows = name not in ("submit", "act", "lookup", "call", "when")
    if shows and say is None and not (isinstance(node, Table) and not table.nodes):
        reader.fault("nothing_to_say", mark, screen=id_)
    if not shows and (say is not None or "choices" in table.nodes):
        reader.fault("says_nothing", mark, screen=id_, verb=name)
    choices = _choices(reader, table.nodes.get("choices"), mark)
    if shows and not name and not choices and table.nodes and not mistyped:
        reader.fault("does_nothing", mark, screen=id_, verbs=", ".join(VERBS))
    back = reader.boolean(table.nodes.get("back"), mark, default=True)
    return Screen(id_, say, choices, verb, mark, back)


def _expected_keys(reader: Reader, table: Table, verb: str) -> None:
    """`go` belongs to ask and pick, `outcomes` to what can end in several ways."""
    for key, verbs in _BESIDE:
        if key in table.nodes and verb not in verbs:
            reader.fault("misplaced_key", table.marks[key], key=key, verbs=", ".join(sorted(verbs)))
    for key in ("say", "choices"):
        if key in table.nodes and verb == "end":
            reader.fault("misplaced_key", table.marks[key], key=key, verbs="ask, pick, choices")


def _verb(reader: Reader, name: str, table: Table, id_: str, mark: Mark, lists: frozenset[str]) -> Verb:
    if not name:
        return None
    node = _without(table.nodes[name], tuple(key for key, verbs in _BESIDE if name in verbs))  # said by _beside
    go = ""
    if name in _NEEDS_GO:
        go = reader.words(_beside(reader, table, name, "go", id_, mark), mark)
    outcomes: dict[str, str] = {}
    if name in _NEEDS_OUTCOMES:
        outcomes = _outcomes(reader, _beside(reader, table, name, "outcomes", id_, mark), mark)
    mark = table.marks[name]
    match name:
        case "ask":
            return _ask(reader, node, mark, go)
        case "pick":
            return _pick(reader, node, mark, go, lists)
        case "submit":
            return _submit(reader, node, mark, outcomes)
        case "act":
            return _act(reader, node, mark, outcomes)
        case "lookup":
            return _lookup(reader, node, mark, outcomes)
        case "call":
            return _call(reader, node, mark, outcomes)
        case "when":
            return _branch(reader, node, mark)
    return End(mark)


def _beside(reader: Reader, table: Table, verb: str, key: str, id_: str, mark: Mark) -> Node | None:
    """What must stand in the screen beside its verb, where clerks write it under the verb."""
    under = table.nodes[verb]
    inside = under.nodes.get(key) if isinstance(under, Table) else None
    if isinstance(under, Table) and inside is not None:
        reader.fault("key_inside", under.marks[key], key=key, verb=verb)
    elif key not in table.nodes:
        reader.fault("key_beside", mark, key=key, verb=verb, screen=id_)
    return table.nodes.get(key, inside)


def _without(node: Node, keys: tuple[str, ...]) -> Node:
    if not isinstance(node, Table):
        return node
    return Table({key: each for key, each in node.nodes.items() if key not in keys}, node.marks, node.mark)


def _ask(reader: Reader, node: Node, mark: Mark, go: str) -> Ask:
    table = reader.table(node, mark, ASK_KEYS, "ask")
    type_node = reader.need(table, "type", "ask")
    error = reader.text(table.nodes["error"], mark) if "error" in table.nodes else None
    return Ask(
        type=cast(AskType, reader.one_of(type_node, mark, ASK_TYPES, "text")),
        save=reader.name(reader.need(table, "save", "ask"), mark),
        go=go,
        mark=mark,
        personal=_personal(reader, table, mark),
        minimum=reader.number(table.nodes.get("min"), mark),
        maximum=reader.number(table.nodes.get("max"), mark),
        pattern=reader.words(table.nodes.get("pattern"), mark) or None,
        precisions=_precisions(reader, table.nodes.get("precision"), mark),
        error=error,
    )


def _personal(reader: Reader, table: Table, mark: Mark) -> Personal:
    node = table.nodes.get("personal")
    # `personal: no` is how a clerk writes none.
    if isinstance(node, Scalar) and node.text in _PLAIN_PERSONAL:
        return _PLAIN_PERSONAL[node.text]
    return cast(Personal, reader.one_of(node, mark, PERSONAL, "none"))


def _precisions(reader: Reader, node: Node | None, mark: Mark) -> tuple[Precision, ...]:
    if node is None:
        return ("day",)
    nodes = node.nodes if isinstance(node, Listing) else (node,)
    return cast(tuple[Precision, ...], tuple(reader.one_of(each, mark, PRECISIONS, "day") for each in nodes))


def _pick(reader: Reader, node: Node, mark: Mark, go: str, lists: frozenset[str]) -> Pick:
    table = reader.table(node, mark, PICK_KEYS, "pick")
    source = reader.words(reader.need(table, "from", "pick"), mark)
    return Pick(
        source=source,
        save=reader.name(reader.need(table, "save", "pick"), mark),
        go=go,
        mark=table.marks.get("from", mark),
        moving=source not in lists,
        search=reader.boolean(table.nodes.get("search"), mark, default=False),
        args=reader.templates(table.nodes.get("args"), mark, "args"),
        personal=_personal(reader, table, mark),
        maximum=reader.number(table.nodes.get("max"), mark) or 24,
        empty=reader.words(table.nodes.get("empty"), mark) or None,
        unavailable=reader.words(table.nodes.get("unavailable"), mark) or None,
    )


def _submit(reader: Reader, node: Node, mark: Mark, outcomes: dict[str, str]) -> Submit:
    table = reader.table(node, mark, SUBMIT_KEYS, "submit")
    label = table.nodes.get("label")
    person = reader.table(table.nodes["for"], mark, FOR_KEYS, "for") if "for" in table.nodes else None
    named = {
        key: reader.name(person.nodes.get(key), mark) if person and key in person.nodes else "" for key in FOR_KEYS
    }
    return Submit(
        system=reader.words(reader.need(table, "to", "submit"), mark),
        fields=reader.name_list(reader.need(table, "fields", "submit"), mark),
        duplicate_by=reader.name_list(table.nodes.get("duplicate_by"), mark),
        outcomes=outcomes,
        mark=mark,
        label=reader.template(reader.words(label, mark), label.mark) if label is not None else "",
        number=named["number"],
        relation=named["relation"],
    )


def _act(reader: Reader, node: Node, mark: Mark, outcomes: dict[str, str]) -> Do:
    table = reader.table(node, mark, ACT_KEYS, "act")
    action = reader.words(reader.need(table, "do", "act"), mark)
    code = reader.boolean(table.nodes.get("code"), mark, default=False)
    return Do(action, reader.templates(table.nodes.get("args"), mark, "args"), outcomes, mark, code)


def _lookup(reader: Reader, node: Node, mark: Mark, outcomes: dict[str, str]) -> Lookup:
    table = reader.table(node, mark, LOOKUP_KEYS, "lookup")
    last_known_s = reader.duration(table.nodes.get("last_known"), mark) or 0
    return Lookup(
        source=reader.words(reader.need(table, "from", "lookup"), mark),
        args=reader.templates(table.nodes.get("args"), mark, "args"),
        saves=_saves(reader, table.nodes.get("saves"), mark) | ({ANSWER_DAY: ANSWER_DAY_SIZE} if last_known_s else {}),
        outcomes=outcomes,
        mark=mark,
        keep_s=reader.duration(table.nodes.get("keep"), mark) or 0,
        last_known_s=last_known_s,
        later=_later(reader, table.nodes.get("later"), mark),
    )


def _later(reader: Reader, node: Node | None, mark: Mark) -> dict[str, Text]:
    if node is None:
        return {}
    table = reader.table(node, mark, None, "later")
    return {outcome: reader.text(each, mark) for outcome, each in table.nodes.items()}


def _call(reader: Reader, node: Node, mark: Mark, outcomes: dict[str, str]) -> CallHandler:
    if isinstance(node, Scalar):
        return CallHandler(reader.words(node, mark), outcomes, mark)
    table = reader.table(node, mark, CALL_KEYS, "call")
    handler = reader.words(reader.need(table, "handler", "call"), mark)
    return CallHandler(handler, outcomes, mark, _saves(reader, table.nodes.get("saves"), mark))


def _saves(reader: Reader, node: Node | None, mark: Mark) -> dict[str, int]:
    if node is None:
        return {}
    table = reader.table(node, mark, None, "saves")
    saves: dict[str, int] = {}
    for key, each in table.nodes.items():
        name = reader.name(Scalar(key, table.marks[key]), mark)
        size = reader.number(each, mark)
        if name and size:
            saves[name] = size
    return saves


def _outcomes(reader: Reader, node: Node | None, mark: Mark) -> dict[str, str]:
    if node is None:
        return {}
    table = reader.table(node, mark, None, "outcomes")
    return {key: reader.words(each, mark) for key, each in table.nodes.items()}


def _branch(reader: Reader, node: Node, mark: Mark) -> Branch:
    """`when:` is a list of `if` + `go`, and a last `else`."""
    if not isinstance(node, Listing):
        reader.fault("when_is_a_list", node.mark)
        return Branch((), mark)
    cases = []
    for place, each in enumerate(node.nodes, 1):
        table = reader.table(each, mark, ("if", "go", "else"), "when")
        if "else" in table.nodes:
            cases.append(Case(None, reader.words(table.nodes["else"], mark), table.mark))
            if place < len(node.nodes) or len(table.nodes) > 1:
                reader.fault("else_is_last", table.mark)
            continue
        condition = reader.expression(reader.need(table, "if", "when"), mark)
        go = reader.words(reader.need(table, "go", "when"), mark)
        if condition is not None:
            cases.append(Case(condition, go, table.mark))
    if cases and cases[-1].when is not None:
        reader.fault("no_else", mark)
    return Branch(tuple(cases), mark)


def _choices(reader: Reader, node: Node | None, mark: Mark) -> tuple[Choice, ...]:
    if node is None:
        return ()
    table = reader.table(node, mark, None, "choices")
    reader.ids(table)
    return tuple(_choice(reader, key, each, table.marks[key]) for key, each in table.nodes.items())


def _choice(reader: Reader, id_: str, node: Node, mark: Mark) -> Choice:
    table = reader.table(node, mark, CHOICE_KEYS, "choice")
    label_node = reader.need(table, "label", "choice")
    label = reader.text(label_node, mark) if label_node is not None else _no_text(reader, mark)
    language = table.nodes.get("language")
    return Choice(
        id=id_,
        label=label,
        go=reader.words(reader.need(table, "go", "choice"), mark),
        mark=mark,
        when=reader.expression(table.nodes.get("when"), mark),
        language=reader.one_of(language, mark, reader.languages, "") or None,
    )


def _no_text(reader: Reader, mark: Mark) -> Text:
    return Text(dict.fromkeys(reader.languages, ""), None, mark)
