"""What PyYAML could not read, in an author's words: which line to look at, and that line as it should be."""

from __future__ import annotations

import re
from collections.abc import Sequence

import yaml

from gateway.menu.faults import Fault
from gateway.menu.model import Mark

_KEY_AND_VALUE = re.compile(r"^(?P<head>\s*(?:- +)?[^\s:'\"{\[#][^:]*:\s+)(?P<value>\S.*?)\s*$")
#: A key that ends its line or has its value after a space; anything else is no key.
_HAS_KEY = re.compile(r":(?:\s|$)")
_NO_SPACE = re.compile(r"^(\s*(?:- +)?[a-z_]+):(?=\S)")
#: Typographic quotes around a whole text are meant as quotes.
_TYPOGRAPHIC = "\u201c\u201d\u201e\u201f"


def fault_of(error: yaml.MarkedYAMLError, file: str, lines: Sequence[str]) -> Fault:
    """The fault of a file that YAML cannot read."""
    mark, problem, context = error.problem_mark, error.problem or "", error.context or ""
    assert mark is not None, "PyYAML marks every scanner and parser error"
    # Where something was opened says more than where the file ended.
    opened = mark.line if error.context_mark is None else error.context_mark.line
    here = min(mark.line, max(len(lines) - 1, 0))
    line = lines[here] if lines else ""
    if "quoted scalar" in context:
        if "escape" in problem:
            return _fault("yaml_escape", file, here, corrected=in_single_quotes(line))
        return _fault("open_quote", file, opened)
    if corrected := value_quoted(line):
        return _fault("yaml_quote", file, here, corrected=corrected)
    if "flow" in context:
        return _fault("yaml_bracket", file, opened)
    if "could not find expected ':'" in problem:
        return _without_colon(file, lines, opened)
    if "mapping values are not allowed" in problem:
        above = _line_above(lines, here)
        if above is not None and not _HAS_KEY.search(lines[above]):
            return _without_colon(file, lines, above)
        return _fault("yaml_indent", file, here, since=str((here if above is None else above) + 1))
    if "<scalar>" in problem and (after := _after_quote(line)):
        return _fault("yaml_after_quote", file, here, corrected=after)
    if "<block end>" in problem:
        return _fault("yaml_indent", file, here, since=str(opened + 1))
    return _fault("yaml", file, here, problem=" ".join(problem.split()))


def quoted(text: str) -> str:
    """`text` between double quotes, as YAML wants it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def value_quoted(line: str, *, always: bool = False) -> str:
    """The line with its value between quotes; "" when that would not make it readable, unless `always`."""
    found = _KEY_AND_VALUE.match(line)
    if found is None or found["value"][0] in "\"'":
        return ""
    if not always and (_is_readable(line.strip()) or found["value"][-1] in ",:" or found["value"] in ("[", "{")):
        return ""
    if found["value"][0] + found["value"][-1] in ("{}", "[]"):
        return ""  # a list or a table on one line: its own texts want the quotes
    value = found["value"]
    if value[0] in _TYPOGRAPHIC and value[-1] in _TYPOGRAPHIC:
        value = value[1:-1]
    return f"{found['head']}{quoted(value)}".strip()


def in_single_quotes(line: str) -> str:
    """The line with its value between single quotes, where a backslash is a backslash; "" when it holds one."""
    found = _KEY_AND_VALUE.match(line)
    value = found["value"] if found else ""
    if found is None or len(value) < 2 or value[0] != '"' or value[-1] != '"' or "'" in value:
        return ""
    return f"{found['head']}'{value[1:-1]}'".strip()


def _after_quote(line: str) -> str:
    """The line whose text went on after its closing quote, between double quotes; "" for another line."""
    found = _KEY_AND_VALUE.match(line)
    value = found["value"] if found else ""
    if found is None or value[:1] not in ("'", '"'):
        return ""
    inside = value[1:-1] if value[-1] == value[0] else value[1:]
    return f"{found['head']}{quoted(inside)}".strip()


def _without_colon(file: str, lines: Sequence[str], number: int) -> Fault:
    line = lines[number] if number < len(lines) else ""
    corrected = _NO_SPACE.sub(r"\1: ", line, count=1).strip()
    return _fault("yaml_colon", file, number, corrected="" if corrected == line.strip() else corrected)


def _line_above(lines: Sequence[str], number: int) -> int | None:
    """The nearest line above that says something."""
    return next(
        (above for above in range(number - 1, -1, -1) if lines[above].strip() and lines[above].strip()[0] != "#"), None
    )


def _is_readable(line: str) -> bool:
    """Whether the line alone is YAML: then it is not the one to correct."""
    try:
        yaml.compose(line, Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return False
    return True


def _fault(code: str, file: str, line: int, **params: str) -> Fault:
    return Fault(code, Mark(file, line + 1), params)
