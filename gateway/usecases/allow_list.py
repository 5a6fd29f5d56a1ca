"""Links and phone numbers that an institution's SMS may name: what is not on its list is refused.

A citizen cannot tell a stranger's link from the State's: so the text, every value that is put into it and what they say
together are looked at, as a hurried reader takes them. What looks like a link or a number is one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from functools import lru_cache

from gateway.settings import Institution, Settings
from gateway.text import msisdn, reference
from gateway.text.lookalikes import with_places

#: A dot as it is written to be found by people and not by machines, too: "bit .ly", "bit[.]ly", "bit (point) ly".
_DOT = r"(?:\.|\s+\.\s*|\s*[\[({<]\s*(?:\.|dot|point)\s*[\])}>]\s*|\s+(?:dot|point)\s+(?=(?:com|net|org|bj|ly|info)\b))"
#: Most of what phones make a link of: any country's ending, and the general ones that are abused most.
_ENDING = (
    r"(?:[a-z]{2}|com|net|org|info|biz|app|dev|xyz|top|site|online|shop|club|live|link|click|page|mobi|name|pro|africa)"
)
_HOST = re.compile(rf"(?<!\w)(?:[^\W_](?:[\w-]{{0,61}}[^\W_])?{_DOT})+{_ENDING}(?![\w-])")
#: Without any of these there is no host: the long search is for the few texts that have one.
_MAYBE_HOST = re.compile(r"\.\w|\s\.|[\[({<]\s*(?:\.|dot|point)|(?:dot|point)\s")
_SCHEME = re.compile(r"\b[a-z][a-z0-9+.-]*\s?:\s?/\s?/\s?([^\s/?#]*)")
_ADDRESS = re.compile(r"(?<![\d.])(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}(?![\d.])")
#: Digits that belong together, whatever stands between them.
_DIGITS = re.compile(r"\+?\d(?:[\s.\-/()_,;:|+*']{0,3}\d){7,}")
_DATE = re.compile(
    r"(?<!\d)(?:(?:0?[1-9]|[12]\d|3[01])([/.-])(?:0?[1-9]|1[0-2])\1(?:19|20)\d\d"
    r"|(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01]))(?!\d)"
)
#: o, l and i among digits are read as 0 and 1.
_ALMOST_DIGITS = re.compile(r"(?<![^\W_oli])(?:[oli]*\d[\doli]*|oo)(?![^\W_oli])")
_AS_DIGITS = str.maketrans("oli", "011")
_CODE = re.compile(r"\*(?:\s?\d)+(?:\s?\*(?:\s?\d)+)*(?:\s?#)?|#(?:\s?\d)+(?:\s?\*(?:\s?\d)+)*\s?#")
#: A short number is one only where somebody is told to call it or to write to it.
_SHORT = re.compile(
    r"\b(?:appele[rz]|appel|compose[rz]|contacte[rz]|joigne[zr]|call|dial|phone|(?:sms|texto|message|whatsapp)\s+(?:au|a|to)"
    r"|(?:envoye[rz]|ecrive[zr]|écrivez|repondez|répondez|send|text|reply)\b[^.!?\n]{0,40}?\s(?:au|to))"
    r"\s*:?\s*(?:le|au|the|numero|numéro|number)?\s*(?:numero|numéro|number)?\s*:?\s*(\d(?:[\s.-]?\d){2,5})(?![\d.,]*\d)"
)
#: Words alone: most values, which are names, are looked at no further.
_HARMLESS = re.compile(r"[^\d./*#]*")
#: The longest group of digits that people write a number in when they split it; longer ones are other numbers.
_GROUP = 3


def ours(settings: Settings) -> tuple[str, ...]:
    """What everybody's SMS may name: our codes and short codes."""
    return (*settings.service_codes, *(one.short_code for one in settings.senders.values() if one.short_code))


def refused(text: str, institution: Institution, ours: Collection[str] = ()) -> tuple[str, ...]:
    """The links and phone numbers in a text that are on no list, as they stand in it; `ours`: our own codes."""
    text = unicodedata.normalize("NFC", text)
    seen, places = with_places(text)
    if _HARMLESS.fullmatch(seen) and "dot" not in seen and "point" not in seen:
        return ()
    found = (*_links(text, seen, places, institution), *_numbers(seen, institution, ours))
    return tuple(dict.fromkeys(text[places[start] : places[end - 1] + 1] for start, end in found))


Span = tuple[int, int]


def _links(text: str, seen: str, places: tuple[int, ...], institution: Institution) -> Iterator[Span]:
    def plainly(start: int, end: int) -> bool:
        """Whether it is written as it is read: a look-alike of an allowed link is none."""
        return text[places[start] : places[end - 1] + 1].lower() == seen[start:end]

    for found in _SCHEME.finditer(seen):
        host = found[1].rpartition("@")[2].partition(":")[0]
        if "@" in found[1] or not _allowed(host, institution) or not plainly(*found.span()):
            yield found.span()
    for found in _HOST.finditer(seen) if _MAYBE_HOST.search(seen) else ():
        if not _allowed(found[0], institution) or not plainly(*found.span()):
            yield found.span()
    for found in _ADDRESS.finditer(seen):
        yield found.span()


def _allowed(host: str, institution: Institution) -> bool:
    return any(host == one.lower() or host.endswith("." + one.lower()) for one in institution.links)


def _numbers(seen: str, institution: Institution, ours: Collection[str]) -> Iterator[Span]:
    if not ("*" in seen or "#" in seen or sum(map(str.isdigit, seen)) > 2):
        return
    known = {_plain(number) for number in (*institution.numbers, *ours)}
    for found in _CODE.finditer(seen):
        if not _is_known_code("".join(found[0].split()), known):
            yield found.span()
    for found in _SHORT.finditer(seen):
        if re.sub(r"\D", "", found[1]) not in known:
            yield found.span(1)
    without_dates = _DATE.sub(lambda found: "d" * len(found[0]), seen)
    digits = _ALMOST_DIGITS.sub(lambda found: found[0].translate(_AS_DIGITS), without_dates)
    for found in _DIGITS.finditer(digits):
        for start, end in _readings(found[0]):
            if (number := _phone(found[0][start:end])) is not None and number not in known:
                yield found.start() + start, found.start() + end
                break


def _readings(run: str) -> Iterator[Span]:
    """How digits that stand together can be read as one number: all of them, one long group, some short groups."""
    yield 0, len(run)
    if reference.parse(run) is not None:
        return
    groups = [found.span() for found in re.finditer(r"\+?\d+", run)]
    yield from groups
    for at, (start, end) in enumerate(groups):
        if end - start > _GROUP + 3:  # +229 and 00229 come before short groups
            continue
        for next_start, next_end in groups[at + 1 :]:
            if next_end - next_start > _GROUP:
                break
            yield start, next_end


def _phone(written: str) -> str | None:
    """The number (E.164) that these characters are, None when they are none."""
    digits = re.sub(r"[^\d+]", "", written)
    plain = ("+" if digits.startswith("+") else "") + digits.replace("+", "")
    if not 8 <= len(plain.lstrip("+")) <= 15:
        return None
    try:
        return msisdn.normalise(plain)
    except msisdn.MsisdnError:
        return None


def _is_known_code(code: str, known: Collection[str]) -> bool:
    """One of the codes, or a way into its menu: *229*21# with *229#."""
    if code in known:
        return True
    return any(one.startswith("*") and code.startswith(one.rstrip("#") + "*") for one in known)


@lru_cache(maxsize=1024)
def _plain(number: str) -> str:
    """E.164 when it is a phone number, else as it is written, without spaces."""
    try:
        return msisdn.normalise(number)
    except msisdn.MsisdnError:
        return "".join(number.split())
