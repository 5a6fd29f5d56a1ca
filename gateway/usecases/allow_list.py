"""Links and phone numbers that an institution's SMS may name: what is not on its list is refused.

A citizen cannot tell a stranger's link from the State's: so the text and every value that is put into it are looked at.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from gateway.settings import Institution
from gateway.text import msisdn

#: Most of what phones make a link of: any country's ending, and the general ones that are abused most.
_HOST = re.compile(
    r"(?<!\w)(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+"
    r"(?:[a-z]{2}|com|net|org|info|biz|app|dev|xyz|top|site|online|shop|club|live|link|click|page|mobi|name|pro|africa)"
    r"(?![\w-])",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"\b[a-z][a-z0-9+.-]*://([^\s/?#]*)", re.IGNORECASE)
_NUMBER = re.compile(r"\+?\d(?:[\s.\-/()]{0,2}\d){7,14}")
_CODE = re.compile(r"[*#]\d+(?:\*\d+)*#?")


def refused(text: str, institution: Institution, ours: Collection[str] = ()) -> tuple[str, ...]:
    """The links and phone numbers in a text that are on no list, as they stand in it; `ours`: our own codes."""
    if not any(sign in text for sign in "./*#") and sum(map(str.isdigit, text)) < 8:
        return ()
    return tuple(dict.fromkeys((*_links(text, institution), *_numbers(text, institution, ours))))


def _links(text: str, institution: Institution) -> Iterator[str]:
    for found in _SCHEME.finditer(text):
        host = found[1].rpartition("@")[2].partition(":")[0]
        if "@" in found[1] or not _allowed(host, institution):
            yield found[0]
    for found in _HOST.finditer(text):
        if not _allowed(found[0], institution):
            yield found[0]


def _allowed(host: str, institution: Institution) -> bool:
    name = host.lower()
    return any(name == one or name.endswith("." + one) for one in institution.links)


def _numbers(text: str, institution: Institution, ours: Collection[str]) -> Iterator[str]:
    known = {_plain(number) for number in (*institution.numbers, *ours)}
    for pattern in (_NUMBER, _CODE):
        for found in pattern.finditer(text):
            plain = _plain(found[0])
            if plain not in known and (pattern is _CODE or plain.startswith("+")):
                yield found[0]


def _plain(number: str) -> str:
    """E.164 when it is a phone number, else as it is written, without spaces."""
    try:
        return msisdn.normalise(number)
    except msisdn.MsisdnError:
        return "".join(number.split())
