"""A screen too large for a handset, cut into pages: at words and between lines, never inside a choice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from gateway.text.segments import Alphabet, units

#: What shows that a text was cut.
ELLIPSIS = ".."


@dataclass(frozen=True, slots=True)
class Footer:
    """The keys under a page, ready to show ("0.Retour"), joined by a space on one line.

    `back` and `extra` are on each page; `more` on each but the last.
    """

    back: str | None = None
    more: str | None = None
    extra: tuple[str, ...] = ()

    def text(self, *, last: bool) -> str:
        """The footer of a page, "" when it has no key."""
        more = None if last else self.more
        return " ".join(key for key in (self.back, more, *self.extra) if key)


@dataclass(frozen=True, slots=True)
class Page:
    """`text` is ready to send; it shows `line_count` lines from `first_line` on (0: only the question)."""

    text: str
    first_line: int
    line_count: int


def cut(text: str, max_units: int, alphabet: Alphabet) -> str:
    """`text` in at most `max_units`, ending in ".." when cut. ValueError if it does not fit the alphabet."""
    if units(text, alphabet) <= max_units:
        return text
    room = max_units - len(ELLIPSIS)
    if room <= 0:
        return ELLIPSIS[:max_units]
    return _longest_prefix(text, room, alphabet).rstrip() + ELLIPSIS


def paginate(
    head: str,
    lines: Sequence[str],
    foot: Footer,
    max_units: int,
    alphabet: Alphabet,
    *,
    head_again: str = "",
) -> tuple[Page, ...]:
    """The pages of a question and its lines, each within `max_units`, footer included; at least one page.

    The question is on the first page only; `head_again` (a short one) heads the next pages where it leaves
    room for a line. A question larger than a page is broken at words. A line larger than a whole page is
    visibly cut. No page holds only the footer. ValueError when the footer leaves no room or a text does not
    fit the alphabet.
    """
    maker = _Maker(lines, foot, max_units, alphabet, head_again)
    maker.question(head.strip())
    maker.rest()
    return tuple(maker.pages) or (Page("", 0, 0),)


class _Maker:
    """One pagination under way: `place` is the first line on no page yet."""

    def __init__(self, lines: Sequence[str], foot: Footer, max_units: int, alphabet: Alphabet, head_again: str) -> None:
        self.lines = lines
        self.alphabet: Alphabet = alphabet
        self.feet = {last: foot.text(last=last) for last in (True, False)}
        self.room = {last: max_units - _with_newline(text, alphabet) for last, text in self.feet.items()}
        if min(self.room.values()) <= len(ELLIPSIS):
            raise ValueError("the footer leaves no room on the page")
        self.head_again = head_again
        # units_until[i] sizes the lines before i, each with a newline: a page without a head has one less.
        self.units_until = [0, *accumulate(units(line, alphabet) + 1 for line in lines)]
        self.place = 0
        self.pages: list[Page] = []

    def question(self, head: str) -> None:
        """The pages that show the question, and the lines that fit under its end."""
        while head:
            size = units(head, self.alphabet)
            if size + self.units_until[-1] <= self.room[True]:
                self._add(head, len(self.lines))
                return
            if size <= self.room[False]:
                self._add(head, self._fitting(self.room[False] - size))
                return
            start = _words(head, self.room[False], self.alphabet)
            self._append([start], 0, last=False)  # even where no line follows: the question does
            head = head[len(start) :].strip()

    def rest(self) -> None:
        """The pages of the lines that are left."""
        while self.place < len(self.lines):
            again = _with_newline(self.head_again, self.alphabet)
            left = self.units_until[-1] - self.units_until[self.place] - 1
            for head, size in ((self.head_again, again), ("", 0)):
                if left + size <= self.room[True]:
                    self._add(head, len(self.lines))
                    break
                count = self._fitting(self.room[False] - size + 1)
                if count:
                    self._add(head, count)
                    break
            else:
                self._add_cut_line()

    def _fitting(self, room: int) -> int:
        """How many of the next lines go in `room`, each with one newline."""
        limit = self.units_until[self.place] + room
        end = self.place
        while end < len(self.lines) and self.units_until[end + 1] <= limit:
            end += 1
        return end - self.place

    def _add_cut_line(self) -> None:
        last = self.place == len(self.lines) - 1
        line = cut(self.lines[self.place], self.room[last], self.alphabet)
        self._append([line], 1, last=last)

    def _add(self, head: str, count: int) -> None:
        shown = self.lines[self.place : self.place + count]
        last = self.place + len(shown) == len(self.lines)
        self._append([head, *shown] if head else list(shown), len(shown), last=last)

    def _append(self, body: list[str], count: int, *, last: bool) -> None:
        foot = self.feet[last]
        self.pages.append(Page("\n".join([*body, foot] if foot else body), self.place, count))
        self.place += count


def _with_newline(text: str, alphabet: Alphabet) -> int:
    return units(text, alphabet) + 1 if text else 0


def _words(text: str, room: int, alphabet: Alphabet) -> str:
    """The longest start of `text` that fits `room`, ended at a word; a word larger than it is broken."""
    start = _longest_prefix(text, room, alphabet)
    if len(start) == len(text) or text[len(start)].isspace() or start[-1].isspace():
        return start.rstrip()
    *whole, broken = start.split()
    return start[: -len(broken)].rstrip() if whole else start


def _longest_prefix(text: str, room: int, alphabet: Alphabet) -> str:
    # No character takes less than one unit nor more than two.
    low, high = room // 2, min(room, len(text))
    while low < high:
        middle = (low + high + 1) // 2
        if units(text[:middle], alphabet) <= room:
            low = middle
        else:
            high = middle - 1
    return text[:low]
