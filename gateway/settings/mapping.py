"""How an institution's own API differs from docs/protocol-backoffice.md: its paths, its names, its words.

A table, not a language: JSON pointers and values. Everything that can be wrong in it is told at start.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, PlainValidator, field_validator

from gateway.settings.part import Part
from gateway.settings.pointers import Pointer, pointer

#: What a system's word for the state of a demand means to us.
Meaning = Literal["accepted", "delivered", "rejected", "in_progress", "more_needed", "granted", "refused"]
#: In place of a path: the system cannot be told this.
NONE = "none"

_SUBMIT = (
    "/reference", "/service", "/submitted_at", "/promised_date", "/language", "/assurance", "/applicant",
    "/applicant/msisdn", "/fields", "/on_behalf", "/on_behalf/kind", "/on_behalf/relation", "/on_behalf/helper",
    "/on_behalf/helper/msisdn", "/on_behalf/delivery",
)  # fmt: skip
_WITHDRAW = ("/reference", "/case")
_STATEMENT = ("/reference", "/case", "/service", "/kind", "/text", "/question", "/said_at")
_REMINDER = ("/reference", "/case", "/service", "/promised_date")
#: RFC 3986 §3.3, and braces.
_PATH = re.compile(r"/[A-Za-z0-9._~!$&'()*+,;=:@%/{}-]*(\?[A-Za-z0-9._~!$&'()*+,;=:@%/{}-]*)?")


@dataclass(frozen=True, slots=True)
class Rule:
    """One value of what is sent: where it goes, and either our value that it takes or a constant."""

    to: Pointer
    ours: Pointer | None  #: None: `constant`
    constant: str | int | float | bool | None = None


Rules = tuple[Rule, ...]


def _rules(known: tuple[str, ...]) -> PlainValidator:
    """Reads `{their pointer: our pointer | {constant: value}}`, ours being one of `known` or a name below /fields."""

    def read(value: Any) -> Rules:
        if not isinstance(value, dict) or not value:
            raise ValueError("must hold where each value goes: /their/name: /our/name, or {constant: ...}")
        faults: list[str] = []
        rules: list[Rule] = []
        for to, source in value.items():
            try:
                rules.append(_rule(to, source, known))
            except ValueError as error:
                faults.append(str(error))
        faults += _overlaps(rules)
        if faults:
            raise ValueError("; ".join(faults))
        return tuple(rules)

    return PlainValidator(read)


def _rule(to: Any, source: Any, known: tuple[str, ...]) -> Rule:
    if not isinstance(to, str) or not to:
        raise ValueError(f"{to!r} is not a JSON pointer into what is sent")
    target = pointer(to)
    if any(name in {"", "-"} or name.isdigit() for name in target):
        raise ValueError(f"{to!r} leads into a list: only objects can be made")
    if isinstance(source, dict):
        constant = source.get("constant")
        if set(source) != {"constant"} or not isinstance(constant, str | int | float | bool | None):
            raise ValueError(f"{to}: what is no pointer of ours is {{constant: a text, a number, true, false or null}}")
        return Rule(target, None, constant)
    if not isinstance(source, str):
        raise ValueError(f"{to}: must be a pointer to our value, or {{constant: ...}}")
    ours = pointer(source)
    below_fields = "/fields" in known and len(ours) == 2 and ours[0] == "fields"
    if source not in known and not below_fields:
        near = difflib.get_close_matches(source, known, n=1)
        raise ValueError(f"{to}: we have no {source!r}" + (f"; did you mean {near[0]}?" if near else ""))
    return Rule(target, ours)


def _overlaps(rules: list[Rule]) -> list[str]:
    targets = {rule.to for rule in rules}
    return [
        f"/{'/'.join(rule.to)} lies inside another value that is sent"
        for rule in rules
        if any(rule.to[:size] in targets for size in range(1, len(rule.to)))
    ]


def _path(*places: str) -> AfterValidator:
    """A path below the URL, or `none` (where `places` allows it); what is in braces is one of `places`."""

    def check(path: str) -> str:
        if path == NONE and NONE in places:
            return path
        if not _PATH.fullmatch(path) or any(part in {".", ".."} for part in path.partition("?")[0].split("/")):
            raise ValueError("must be a path like /files/{reference}")
        names = [place for place in places if place != NONE]
        plain = path
        for name in names:
            plain = plain.replace(f"{{{name}}}", "")
        if "{" in plain or "}" in plain:
            known = ", ".join(f"{{{name}}}" for name in names) or "nothing"
            raise ValueError(f"may hold {known} in braces")
        return path

    return AfterValidator(check)


def _pointer(text: str) -> str:
    pointer(text)
    return text


_Pointer = Annotated[str, AfterValidator(_pointer)]


def _language(code: str) -> str:
    """As backoffice/mapping.py reads them: a text in any other is left out."""
    if not re.fullmatch(r"[a-z]{2,3}", code):
        raise ValueError("must look like fr")
    return code


class Paths(Part):
    """Where each thing is told or asked, below the system's URL. `none`: the system cannot be told this."""

    submit: Annotated[str, _path()] = "/submissions"
    withdraw: Annotated[str, _path("reference", "case", NONE)] = "/submissions/{reference}/withdrawal"
    statement: Annotated[str, _path("reference", "case", NONE)] = "/submissions/{reference}/statements"
    reminder: Annotated[str, _path("reference", "case", NONE)] = "/submissions/{reference}/reminder"
    status: Annotated[str, _path("reference", "case", NONE)] = "/submissions/{reference}"
    lookup: Annotated[str, _path("source", NONE)] = "/lookups/{source}"


class Fields(Part):
    """What each body holds, by their pointer; None: our own form."""

    submit: Annotated[Rules, _rules(_SUBMIT)] | None = None
    withdraw: Annotated[Rules, _rules(_WITHDRAW)] | None = None
    statement: Annotated[Rules, _rules(_STATEMENT)] | None = None
    reminder: Annotated[Rules, _rules(_REMINDER)] | None = None


class Answers(Part):
    """Where an answer to a submission, or to a question about one, says what; and what its words mean."""

    status: _Pointer = "/status"
    case: _Pointer = "/case"
    code: _Pointer = "/code"
    reason: _Pointer = "/reason"  #: for the citizen: an object by language, or one text
    question: _Pointer = "/question"  #: likewise, with `more_needed`
    answer_by: _Pointer = "/answer_by"
    news: _Pointer = "/news"  #: changes when the same state is news again (a second question)
    language: Annotated[str, AfterValidator(_language)] = "fr"  #: of a text that is not given by language
    when_absent: Literal["accepted", "delivered"] | None = None  #: what a 2xx to a submission means that says no state
    values: Mapping[str, Meaning] = {
        "accepted": "accepted",
        "delivered": "delivered",
        "rejected": "rejected",
        "in_progress": "in_progress",
        "more_needed": "more_needed",
        "granted": "granted",
        "refused": "refused",
    }

    @field_validator("values")
    @classmethod
    def _can_take(cls, values: Mapping[str, Meaning]) -> Mapping[str, Meaning]:
        if not {"accepted", "delivered"} & set(values.values()):
            raise ValueError("no value means accepted or delivered: no demand could ever be handed over")
        return values
