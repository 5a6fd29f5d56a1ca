"""The declaration of an `http_json` channel: one YAML file that says how an aggregator speaks. docs/channels.md."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeGuard

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from gateway.channels.base import ChannelDeclarationError

Json = str | int | bool | None | Mapping[str, "Json"] | list["Json"]

#: What a reply may hold, by the name between braces.
PLACEHOLDERS = frozenset({"text", "session", "number", "msisdn", "service_code", "turn", "account"})

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_NAME = re.compile(r"[a-z0-9_]+")
_SERVICE_CODE = r"^\*[0-9]+(\*[0-9]+)*#$"
#: The keys of a value that depends on whether the dialogue goes on.
_CONTINUE, _END = "continue", "end"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Fields(_Part):
    """The aggregator's own name of each field; None for what it does not send."""

    session: str
    number: str
    input: str
    service_code: str | None = None
    network: str | None = None
    imsi: str | None = None  #: the SIM's identity: another one under the same number closes what was open
    turn: str | None = None  #: a sequence number, or an id of the request
    account: str | None = None  #: must equal `username` of the channel in gateway.yaml


class Signals(_Part):
    """Which field tells what happened, and the values that tell it. Compared as text without case; absent is ''."""

    field: str
    new: tuple[str, ...]
    input: tuple[str, ...]
    abort: tuple[str, ...] = ()
    timeout: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _each_value_once(self) -> Signals:
        values = [v.casefold() for group in self._groups().values() for v in group]
        twice = sorted({v for v in values if values.count(v) > 1})
        if twice:
            raise ValueError(f"a value may tell one thing only: {', '.join(twice)}")
        return self

    def by_value(self) -> dict[str, str]:
        """Value, in lower case -> "new" | "input" | "abort" | "timeout" | "ignore"."""
        return {v.casefold(): kind for kind, group in self._groups().items() for v in group}

    def _groups(self) -> dict[str, tuple[str, ...]]:
        return {
            "new": self.new,
            "input": self.input,
            "abort": self.abort,
            "timeout": self.timeout,
            "ignore": self.ignore,
        }


class EndAnswer(_Part):
    """What is answered to the end of a dialogue and to an ignored message."""

    status: Annotated[int, Field(ge=200, le=299)] = 200
    body: dict[str, Any] = {}


class Declaration(_Part):
    """How one aggregator speaks."""

    aggregator: str
    source: str  #: where this was read, and how sure it is
    transport: Literal["post_json"]
    fields: Fields
    signals: Signals
    #: the code that is dialled, where no field tells it
    service_code: Annotated[str, Field(pattern=_SERVICE_CODE)] | None = None
    session_from_number: bool = False  #: the number stands for a missing session id
    max_input: Annotated[int, Field(ge=1, le=2000)] = 500  #: characters; a longer input is a 400
    reply: dict[str, Any]
    end_answer: EndAnswer = EndAnswer()

    @model_validator(mode="after")
    def _hangs_together(self) -> Declaration:
        if self.service_code is None and self.fields.service_code is None:
            raise ValueError("service_code: is needed where fields.service_code is not declared")
        problems = [f"reply{problem}" for problem in _problems(self.reply)]
        problems += [f"end_answer.body{problem}" for problem in _problems(self.end_answer.body, placeholders=False)]
        if not any("{text}" in text for text in _texts(self.reply)):
            problems.append("reply: shows {text} nowhere")
        if not any(is_flag(part) for part in _parts(self.reply)):
            problems.append("reply: nothing tells the aggregator whether the dialogue goes on (continue:, end:)")
        if problems:
            raise ValueError("; ".join(problems))
        return self


def read(config_folder: Path, name: str) -> Declaration:
    """The declaration in config/channels/<name>.yaml; `ChannelDeclarationError` names each key at fault."""
    if not _NAME.fullmatch(name):
        raise ChannelDeclarationError([f"declaration: {name!r} must be lower-case letters, digits and _"])
    path = config_folder / "channels" / f"{name}.yaml"
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ChannelDeclarationError([f"{path}: cannot be read ({error})"]) from error
    except yaml.YAMLError as error:
        raise ChannelDeclarationError([f"{path}: not valid YAML: {' '.join(str(error).split())}"]) from error
    try:
        return Declaration.model_validate(values)
    except ValidationError as error:
        faults = [
            f"{path}: {'.'.join(map(str, fault['loc'])) or 'the file'}: {fault['msg']}" for fault in error.errors()
        ]
        raise ChannelDeclarationError(faults) from error


def fill(template: Json, values: Mapping[str, str], *, final: bool) -> Json:
    """A reply from its declared form: placeholders replaced, and of each flag the value that says continue or end."""
    if isinstance(template, str):
        return _PLACEHOLDER.sub(lambda found: values[found[1]], template)
    if is_flag(template):
        return fill(template[_END if final else _CONTINUE], values, final=final)
    if isinstance(template, Mapping):
        return {key: fill(value, values, final=final) for key, value in template.items()}
    if isinstance(template, list):
        return [fill(value, values, final=final) for value in template]
    return template


def is_flag(part: Json) -> TypeGuard[Mapping[str, Json]]:
    """Whether a value of a reply is `{continue: ..., end: ...}`."""
    return isinstance(part, Mapping) and part.keys() == {_CONTINUE, _END}


def _parts(part: Any) -> list[Any]:
    """`part` and everything in it."""
    inner = part.values() if isinstance(part, Mapping) else part if isinstance(part, list) else ()
    return [part, *(found for value in inner for found in _parts(value))]


def _texts(part: Any) -> list[str]:
    return [found for found in _parts(part) if isinstance(found, str)]


def _problems(part: Any, *, placeholders: bool = True) -> list[str]:
    known = PLACEHOLDERS if placeholders else frozenset[str]()
    problems: list[str] = []
    for found in _parts(part):
        if isinstance(found, str):
            unknown = sorted({name for name in _PLACEHOLDER.findall(found) if name not in known})
            problems += [f": unknown placeholder {{{name}}}" for name in unknown]
        elif isinstance(found, Mapping):
            problems += [f": the key {key!r} must be text: quote it" for key in found if not isinstance(key, str)]
        elif not isinstance(found, int | float | list | None):
            problems.append(f": {found!r} is not a JSON value: quote it")
    return problems
