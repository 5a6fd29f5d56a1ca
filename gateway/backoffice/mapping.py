"""Between our form and an institution's: what is sent by its names, what it answers in our words.

The tables come from gateway.yaml (settings/mapping.py), where they were checked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote

import msgspec

from gateway.backoffice.webhooks import CASE_MAX, MESSAGE_MAX, QUESTION_MAX
from gateway.backoffice.words import BYTE_ORDER_MARK, UNREADABLE, clean
from gateway.settings.mapping import Answers, Meaning, Rules
from gateway.settings.pointers import Pointer, pointer

_CODE = re.compile(r"[a-z][a-z0-9_.-]{0,39}")
_LANGUAGE = re.compile(r"[a-z]{2,3}")
#: RFC 6901 §4: a place in a list, without leading zeros.
_INDEX = re.compile(r"0|[1-9][0-9]{0,5}")
#: What an institution names its news by; a longer one only costs memory.
_NEWS_MAX = 128


@dataclass(frozen=True, slots=True)
class Reading:
    """An answer in our words. `meaning` None: it says no state that we know; `said` tells whether it says any."""

    meaning: Meaning | None = None
    said: bool = False
    case_number: str = ""  #: "" also for one that a handset cannot show
    code: str = ""
    reason: dict[str, str] = field(default_factory=dict, repr=False)
    question: dict[str, str] = field(default_factory=dict, repr=False)
    answer_by: datetime | None = None
    news: str = ""


def path(template: str, **values: str) -> str | None:
    """The template with its places filled, each value percent-encoded; None when one is empty or would lead upwards."""
    for name, value in values.items():
        place = f"{{{name}}}"
        if place in template and value in {"", ".", ".."}:
            return None
        template = template.replace(place, quote(value, safe=""))
    return template


def body(document: Mapping[str, Any], rules: Rules | None) -> bytes:
    """JSON of `document`, by the institution's names when there are rules; a value we do not have is left out."""
    if rules is None:
        return msgspec.json.encode(document)
    theirs: dict[str, Any] = {}
    for rule in rules:
        found, value = (True, rule.constant) if rule.ours is None else _look(document, rule.ours)
        if found:
            inside = theirs
            for name in rule.to[:-1]:
                inside = inside.setdefault(name, {})
            inside[rule.to[-1]] = value
    return msgspec.json.encode(theirs)


def read(answers: Answers, raw: bytes) -> Reading | None:
    """What an answer says, None when it is no JSON. Never raises."""
    try:
        document = msgspec.json.decode(raw.removeprefix(BYTE_ORDER_MARK))
    except UNREADABLE:
        return None
    word = _word(_at(document, answers.status))
    code = _at(document, answers.code)
    return Reading(
        meaning=answers.values.get(word),
        said=word != "",
        case_number=_case(_at(document, answers.case)),
        code=code if isinstance(code, str) and _CODE.fullmatch(code) else "",
        reason=_texts(_at(document, answers.reason), answers.language, MESSAGE_MAX),
        question=_texts(_at(document, answers.question), answers.language, QUESTION_MAX),
        answer_by=_instant(_at(document, answers.answer_by)),
        news=_word(_at(document, answers.news))[:_NEWS_MAX],
    )


def _at(document: Any, text: str) -> Any:
    return _look(document, pointer(text))[1]


def _look(document: Any, names: Pointer) -> tuple[bool, Any]:
    """Whether there is a value at the end of the pointer, and the value."""
    for name in names:
        if isinstance(document, Mapping) and name in document:
            document = document[name]
        elif isinstance(document, list) and _INDEX.fullmatch(name) and int(name) < len(document):
            document = document[int(name)]
        else:
            return False, None
    return True, document


def _word(value: Any) -> str:
    """A text, a number or a truth as gateway.yaml writes it; "" for anything else."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int) else ""


def _case(value: Any) -> str:
    """A file number that a handset can show; a longer or unprintable one is left out, never cut."""
    given = _word(value)
    return given if len(given) <= CASE_MAX and given.isprintable() else ""


def _texts(value: Any, language: str, longest: int) -> dict[str, str]:
    """What is written to the citizen, by language; a bare text is in `language`."""
    given = {language: value} if isinstance(value, str) else value
    if not isinstance(given, dict):
        return {}
    cleaned = {name: clean(text)[:longest] for name, text in given.items() if isinstance(text, str)}
    return {name: text for name, text in cleaned.items() if text and _LANGUAGE.fullmatch(name)}


def _instant(value: Any) -> datetime | None:
    """A date and time with its offset (RFC 3339); None for anything else."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return at if at is not None and at.tzinfo is not None else None
