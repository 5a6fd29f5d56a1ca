"""The menu language as a JSON Schema (draft 7), for editors that complete and underline while a clerk writes.

`python -m gateway.menu.schema > menus/schema.json` writes it. It knows keys and shapes; only `gateway check` knows
the rest.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from gateway.menu import commands, screens
from gateway.menu.catalogue import ENTRY_KEYS, FACTS
from gateway.menu.message_keys import MESSAGES
from gateway.menu.services import ASSURANCES, ON_BEHALF, SERVICE_KEYS
from gateway.menu.world import GATEWAY_ACTIONS, PROPOSED, SUBMIT_OUTCOMES

Schema = dict[str, Any]

_WORD: Schema = {"type": ["string", "number", "boolean"]}
_YES_NO: Schema = {"enum": ["yes", "no", True, False]}
_NUMBER: Schema = {"type": "integer", "minimum": 0}
_DURATION: Schema = {"type": "string", "pattern": "^[0-9]{1,4}[mhdj]$"}
_NAME: Schema = {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,29}$"}
_ID = "^[a-z][a-z0-9_-]{0,39}$"


def schema(languages: tuple[str, ...] = ("fr", "en")) -> Schema:
    """The schema of any file of the menu folder; texts in these languages."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Passerelle: menus",
        "anyOf": [
            {"$ref": "#/definitions/service"},
            _table(("screens",), {"screens": _ref("screens")}, needed=("screens",)),
            _table(("list", "items"), {"list": _ref("id"), "items": _map(_ref("label"))}, needed=("list", "items")),
            _table(tuple(MESSAGES), {key: _ref("text") for key in MESSAGES}, needed=tuple(MESSAGES)),
            _table(
                commands.KEYS,
                {"yes": _ref("words"), "categories": _map(_ref("words")), "commands": _map(_ref("command"))},
                needed=("yes", "commands"),
            ),
            {"type": "object", "minProperties": 1, "additionalProperties": _ref("entry")},
        ],
        "definitions": {
            "id": {"type": "string", "pattern": _ID},
            "name": _NAME,
            "text": _table(languages, {language: {"type": "string"} for language in languages}, needed=languages),
            "label": {"anyOf": [{"type": "string"}, _ref("text")]},
            "say": {"anyOf": [_ref("text"), _table(("ussd", "sms"), {key: _ref("text") for key in ("ussd", "sms")})]},
            "service": _service(),
            "screens": _map(_ref("screen")),
            "screen": _screen(),
            "choice": _choice(languages),
            **_verbs(),
            "entry": _entry(),
            "words": _table(languages, {language: _words() for language in languages}, needed=languages),
            "command": _command(),
        },
    }


def as_json(languages: tuple[str, ...] = ("fr", "en")) -> str:
    """The schema as the file holds it."""
    return json.dumps(schema(languages), ensure_ascii=False, indent=2) + "\n"


def _service() -> Schema:
    return _table(
        SERVICE_KEYS,
        {
            "service": _ref("id"),
            "title": _ref("text"),
            "short_title": _ref("text"),
            "assurance": {"enum": list(ASSURANCES)},
            "on_behalf": {"enum": list(ON_BEHALF)},
            "resume": _DURATION,
            "keep": _DURATION,
            "hand_over_within": _DURATION,
            "sensitive": _YES_NO,
            "start": _ref("id"),
            "screens": _ref("screens"),
            "shortcuts": {"type": "object", "additionalProperties": _ref("id")},
        },
        needed=("service", "title", "start", "screens"),
    )


def _screen() -> Schema:
    return _table(
        screens.SCREEN_KEYS,
        {
            "say": _ref("say"),
            "choices": _map(_ref("choice")),
            **{verb: _ref(verb) for verb in screens.VERBS},
            "go": {"type": "string"},
            "outcomes": _map({"type": "string"}),
            "back": _YES_NO,
        },
    )


def _choice(languages: tuple[str, ...]) -> Schema:
    return _table(
        screens.CHOICE_KEYS,
        {
            "label": _ref("text"),
            "go": {"type": "string"},
            "when": {"type": "string"},
            "language": {"enum": list(languages)},
        },
        needed=("label", "go"),
    )


def _verbs() -> dict[str, Schema]:
    personal: Schema = {"enum": [*screens.PERSONAL, "no", True, False]}
    precision: Schema = {"enum": list(screens.PRECISIONS)}
    return {
        "ask": _table(
            screens.ASK_KEYS,
            {
                "type": {"enum": list(screens.ASK_TYPES)},
                "save": _ref("name"),
                "personal": personal,
                "min": _NUMBER,
                "max": _NUMBER,
                "pattern": {"type": "string"},
                "precision": {"anyOf": [precision, {"type": "array", "items": precision}]},
                "error": _ref("text"),
            },
            needed=("type", "save"),
        ),
        "pick": _table(
            screens.PICK_KEYS,
            {
                "from": {"type": "string"},
                "save": _ref("name"),
                "search": _YES_NO,
                "args": _map(_WORD),
                "personal": personal,
                "max": _NUMBER,
                "empty": {"type": "string"},
                "unavailable": {"type": "string"},
            },
            needed=("from", "save"),
        ),
        "submit": _table(
            screens.SUBMIT_KEYS,
            {
                "to": {"type": "string"},
                "fields": _names(),
                "duplicate_by": _names(),
                "label": {"type": "string"},
                "for": _table(screens.FOR_KEYS, {key: _ref("name") for key in screens.FOR_KEYS}),
            },
            needed=("to", "fields"),
        )
        | {"description": f"outcomes: {', '.join((*SUBMIT_OUTCOMES, PROPOSED))}"},
        "act": _table(
            screens.ACT_KEYS,
            {"do": {"enum": sorted(GATEWAY_ACTIONS)}, "args": _map(_WORD), "code": _YES_NO},
            needed=("do",),
        ),
        "lookup": _table(
            screens.LOOKUP_KEYS,
            {
                "from": {"type": "string"},
                "args": _map(_WORD),
                "saves": _map(_NUMBER),
                "keep": _DURATION,
                "last_known": _DURATION,
                "later": _map(_ref("text")),
            },
            needed=("from",),
        ),
        "call": {
            "anyOf": [
                {"type": "string"},
                _table(screens.CALL_KEYS, {"handler": {"type": "string"}, "saves": _map(_NUMBER)}, needed=("handler",)),
            ]
        },
        "when": {
            "type": "array",
            "items": _table(("if", "go", "else"), {key: {"type": "string"} for key in ("if", "go", "else")}),
        },
        "end": _ref("say"),
    }


def _entry() -> Schema:
    facts = {fact: {"anyOf": [_ref("text"), {"type": "integer"}]} if fact == "fee" else _ref("text") for fact in FACTS}
    verified: Schema = {"anyOf": [{"enum": ["no", False]}, {"type": "array", "items": {"enum": list(FACTS)}}]}
    return _table(
        ENTRY_KEYS,
        {
            "title": _ref("text"),
            **facts,
            "delay_days": _NUMBER,
            "source": {"type": "string"},
            "checked_on": {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
            "verified": verified,
        },
        needed=("title", "source", "checked_on", "verified"),
    )


def _words() -> Schema:
    return {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}


def _command() -> Schema:
    return _table(
        commands.COMMAND_KEYS,
        {
            "words": _ref("words"),
            "help": _ref("text"),
            "takes": _map({"type": "string"}),
            "optional": _names(),
            "starts": _ref("id"),
            "at": _ref("id"),
            "does": {"enum": list(commands.BUILTINS)},
        },
        needed=("words", "help"),
    )


def _table(keys: tuple[str, ...], properties: dict[str, Schema], *, needed: tuple[str, ...] = ()) -> Schema:
    """An object with these keys and no other. `keys` come from the reader: the schema cannot forget one."""
    table: Schema = {
        "type": "object",
        "properties": {key: properties[key] for key in keys},
        "additionalProperties": False,
    }
    return {**table, "required": list(needed)} if needed else table


def _map(value: Schema) -> Schema:
    return {"type": "object", "additionalProperties": value}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/definitions/{name}"}


def _names() -> Schema:
    return {"anyOf": [_ref("name"), {"type": "array", "items": _ref("name")}]}


if __name__ == "__main__":
    sys.stdout.write(as_json())
