"""From the environment and gateway.yaml to `Settings`, with every fault at once: file, line, key, sentence."""

from __future__ import annotations

import difflib
import os
import types
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

import yaml
from pydantic import ValidationError

from gateway.settings.crosschecks import SIMULATOR, crosschecks
from gateway.settings.model import ENVIRONMENT, Settings, SettingsError

PREFIX = "GATEWAY_"
NO_SIMULATOR = "none"  # GATEWAY_SIMULATOR_BIND=none: an empty variable means "not set", as everywhere

_SENTENCES = {  # pydantic's error type -> our sentence; its own message when it is not here
    "missing": "is missing",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "string_type": "must be text: put it in quotes",
    "tuple_type": "must be a list",
    "dict_type": "must hold keys and values",
    "model_type": "must hold keys and values",
    "model_attributes_type": "must hold keys and values",
    "literal_error": "must be {expected}",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
}


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment (`GATEWAY_*`) and gateway.yaml; every fault at once in a `SettingsError`.

    An empty variable counts as not set. `${simulator}` in a value of gateway.yaml is the simulator's address.
    """
    environ = os.environ if environ is None else environ
    chosen = {name: environ[PREFIX + name.upper()] for name in ENVIRONMENT if environ.get(PREFIX + name.upper())}
    if chosen.get("simulator_bind") == NO_SIMULATOR:
        chosen["simulator_bind"] = ""
    path = Path(chosen.get("config", "config/gateway.yaml"))
    node, values = _read(path)
    where = _Places(path, node)
    faults = [*_unknown_variables(environ), *_repeated_keys(path, node)]
    faults += [
        where.in_file(key) + f"belongs to the environment: {PREFIX}{key.upper()}"
        for key in values
        if key in ENVIRONMENT
    ]
    bind = chosen.get("simulator_bind", Settings.model_fields["simulator_bind"].default)
    values = {key: _with_simulator(value, bind) for key, value in values.items() if key not in ENVIRONMENT}
    try:
        settings = Settings.model_validate({**values, **chosen})
    except ValidationError as error:
        faults += [_told(where, fault) for fault in error.errors(include_url=False)]
        raise SettingsError(faults) from None  # its message repeats values, which may be secrets
    faults += [where(*keys) + sentence for keys, sentence in crosschecks(settings)]
    if faults:
        raise SettingsError(faults)
    return settings


def _read(path: Path) -> tuple[yaml.Node, dict[str, Any]]:
    try:
        loader = yaml.SafeLoader(path.read_text(encoding="utf-8"))
        node = loader.get_single_node()
        values: Any = loader.construct_document(node) if node is not None else None
    except OSError as error:
        raise SettingsError([f"{path}: cannot be read ({error.strerror}); set {PREFIX}CONFIG"]) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError([f"{path}: not valid YAML: {' '.join(str(error).split())}"]) from error
    if node is None or not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise SettingsError([f"{path}: must hold keys and values"])
    return node, values


class _Places:
    """`where("sms", "channel")`: the start of a sentence about that key, with the line it is written on."""

    def __init__(self, path: Path, root: yaml.Node) -> None:
        self.path = path
        self.root = root

    def __call__(self, *keys: str | int) -> str:
        if keys[0] in ENVIRONMENT:
            return f"{PREFIX}{str(keys[0]).upper()} "
        return self.in_file(*keys)

    def in_file(self, *keys: str | int) -> str:
        """The same, of a key that stands in the file."""
        node = self.root
        line = 0
        for key in keys:
            found = _child(node, key)
            if found is None:
                break
            line, node = found
        at = f":{line}" if line else ""
        return f"{self.path}{at}: {'.'.join(str(key) for key in keys)} "


def _child(node: yaml.Node, key: str | int) -> tuple[int, yaml.Node] | None:
    """The line of `key` in a mapping or list (1 is the first), and its value."""
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if name.value == str(key):
                return name.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
        return node.value[key].start_mark.line + 1, node.value[key]
    return None


def _repeated_keys(path: Path, node: yaml.Node) -> Iterator[str]:
    """YAML takes the last of two equal keys in silence; an operator would look at the first."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for name, value in node.value:
            if isinstance(name, yaml.ScalarNode) and name.value in seen:
                yield f"{path}:{name.start_mark.line + 1}: {name.value} is written twice"
            seen.add(str(name.value))
            yield from _repeated_keys(path, value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _repeated_keys(path, value)


def _unknown_variables(environ: Mapping[str, str]) -> Iterator[str]:
    known = [name.upper() for name in ENVIRONMENT]
    for variable in sorted(environ):
        name = variable.removeprefix(PREFIX)
        if variable.startswith(PREFIX) and name not in known:
            yield f"{variable} is not a known variable{_did_you_mean(name, known, PREFIX)}"


def _with_simulator(value: Any, bind: str) -> Any:
    """The value with `${simulator}` replaced; left as written when there is no simulator (then it is no URL)."""
    if isinstance(value, str) and bind:
        return value.replace(SIMULATOR, f"http://{bind}")
    if isinstance(value, dict):
        return {key: _with_simulator(part, bind) for key, part in value.items()}
    if isinstance(value, list):
        return [_with_simulator(part, bind) for part in value]
    return value


def _told(where: _Places, fault: Any) -> str:
    """Pydantic's fault with its place and in our words; never the value, which may be a secret."""
    loc, model = _walked(fault["loc"])
    kind = fault["type"]
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        tags = " or ".join(fault["ctx"].get("expected_tags", "").split(", "))
        return where(*loc, "kind") + (f"must be {tags}" if tags else "is missing")
    return where(*loc) + _sentence(fault, model)


def _sentence(fault: Any, model: Any) -> str:
    if fault["type"] == "extra_forbidden":
        return "is not a known key" + _did_you_mean(str(fault["loc"][-1]), _keys(model))
    if fault["type"] == "value_error":  # our own sentence
        return str(fault["ctx"]["error"])
    template = _SENTENCES.get(fault["type"])
    if template is None:
        return str(fault["msg"])
    bounds = {name: f"{value:g}" for name, value in fault.get("ctx", {}).items() if isinstance(value, int | float)}
    return template.format(**{"expected": fault.get("ctx", {}).get("expected", ""), **bounds})


def _walked(loc: Sequence[str | int]) -> tuple[list[str | int], Any]:
    """The keys as the operator wrote them, without the kinds that pydantic puts between them; the part they are in."""
    keys: list[str | int] = []
    part: Any = Settings
    inside: Any = Settings
    for key in loc:
        part = _bare(part)
        choices = getattr(part, "__args__", ())
        if isinstance(part, types.UnionType) or get_origin(part) is Union:  # `key` is a kind
            part = next((one for one in choices if _is_kind(one, key)), None)
            continue
        keys.append(key)
        inside = part
        fields = getattr(part, "model_fields", None)
        if fields is not None:
            part = fields[key].annotation if key in fields else None
        else:  # a name chosen by the operator (channels.NAME), or a place in a list
            part = choices[-1 if get_origin(part) is dict else 0] if choices else None
    return keys, inside


def _bare(annotation: Any) -> Any:
    """The type behind `Annotated[...]` and `... | None`."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if isinstance(annotation, types.UnionType) or get_origin(annotation) is Union:
        real = [one for one in get_args(annotation) if one is not type(None)]
        return _bare(real[0]) if len(real) == 1 else annotation
    return annotation


def _is_kind(model: Any, tag: str | int) -> bool:
    field = getattr(model, "model_fields", {}).get("kind")
    return field is not None and tag in get_args(field.annotation)


def _keys(model: Any) -> list[str]:
    names = list(getattr(model, "model_fields", {}))
    return [name for name in names if model is not Settings or name not in ENVIRONMENT]


def _did_you_mean(name: str, known: Sequence[str], prefix: str = "") -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {prefix}{near[0]}?" if near else ""
