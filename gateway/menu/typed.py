"""Types for what an author wrote: each reader gives a value, or adds a fault and gives a harmless one instead."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gateway.menu import expressions, templates
from gateway.menu.faults import Fault
from gateway.menu.model import Expression, Mark, Text
from gateway.menu.nodes import Listing, Node, Scalar, Table

#: Ids and names: short enough for logs and statistics.
_ID = re.compile(r"^[a-z][a-z0-9_-]{0,39}$")
_NAME = re.compile(r"^[a-z][a-z0-9_]{0,29}$")
_DURATION = re.compile(r"^(\d{1,4})(m|h|d|j)$")
_SECONDS = {"m": 60, "h": 3600, "d": 86_400, "j": 86_400}
_BOOLEANS = {"yes": True, "true": True, "oui": True, "no": False, "false": False, "non": False}
#: Control characters other than the line break: no handset shows them.
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")


@dataclass(slots=True)
class Reader:
    """What all readers of one load share: the languages wanted and the faults found."""

    languages: tuple[str, ...]
    faults: list[Fault] = field(default_factory=list)

    def fault(self, code: str, mark: Mark, **params: str) -> None:
        self.faults.append(Fault(code, mark, params))

    def table(self, node: Node | None, mark: Mark, allowed: Iterable[str] | None, what: str) -> Table:
        """A table whose keys are among `allowed` (None: any); an empty one in place of anything else."""
        if not isinstance(node, Table):
            self.fault("not_a_table", node.mark if node is not None else mark, what=what)
            return Table({}, {}, node.mark if node is not None else mark)
        if allowed is not None:
            known = tuple(allowed)
            for key in node.nodes:
                if key not in known:
                    self.unknown_key(key, node.marks[key], known, what)
        return node

    def unknown_key(self, key: str, mark: Mark, known: tuple[str, ...], what: str) -> None:
        self.fault("unknown_key", mark, key=key, what=what, near=near(key, known), known=", ".join(known))

    def need(self, table: Table, key: str, what: str) -> Node | None:
        """The node under a key that must be there."""
        node = table.nodes.get(key)
        if node is None:
            self.fault("missing_key", table.mark, key=key, what=what)
        return node

    def words(self, node: Node | None, mark: Mark) -> str:
        """One line of text that is not a text for citizens."""
        if node is None:
            return ""
        if not isinstance(node, Scalar) or not node.text.strip():
            at = node.mark if node is not None else mark
            # `{npi}` without quotes has been said, with the line as it should be.
            if not any(fault.code == "braces_in_text" and fault.mark.line == at.line for fault in self.faults):
                self.fault("not_a_word", at)
            return ""
        return node.text.strip()

    def id(self, node: Node | None, mark: Mark) -> str:
        """A stable id: lower case letters, digits, `-` and `_`."""
        word = self.words(node, mark)
        if word and not _ID.match(word):
            self.fault("bad_id", node.mark if node else mark, word=word)
        return word

    def ids(self, table: Table) -> None:
        """Checks the keys of a table as ids."""
        for key in table.nodes:
            if not _ID.match(key):
                self.fault("bad_id", table.marks[key], word=key)

    def name(self, node: Node | None, mark: Mark) -> str:
        """The name of a kept value: as an id, but without `-`, because conditions use it."""
        word = self.words(node, mark)
        if not word or _NAME.match(word):
            return word
        self.fault("bad_name", node.mark if node else mark, word=word)
        return ""

    def number(self, node: Node | None, mark: Mark) -> int | None:
        if node is None:
            return None
        word = self.words(node, mark)
        digits = word.replace(" ", "")
        if digits.isascii() and digits.isdigit() and len(digits) <= 12:
            return int(digits)
        if word:
            self.fault("not_a_number", node.mark, word=word)
        return None

    def boolean(self, node: Node | None, mark: Mark, default: bool) -> bool:
        if node is None:
            return default
        word = self.words(node, mark).lower()
        if word and word not in _BOOLEANS:
            self.fault("not_yes_or_no", node.mark, word=word)
        return _BOOLEANS.get(word, default)

    def one_of(self, node: Node | None, mark: Mark, allowed: tuple[str, ...], default: str) -> str:
        if node is None:
            return default
        word = self.words(node, mark)
        if word in allowed:
            return word
        if word:
            self.fault("not_one_of", node.mark, word=word, known=", ".join(allowed), near=near(word, allowed))
        return default

    def duration(self, node: Node | None, mark: Mark) -> int | None:
        """Seconds of `30m`, `72h`, `90d` (or `90j`)."""
        if node is None:
            return None
        word = self.words(node, mark)
        found = _DURATION.match(word)
        if found is None or int(found[1]) == 0:
            if word:
                self.fault("bad_duration", node.mark, word=word)
            return None
        return int(found[1]) * _SECONDS[found[2]]

    def name_list(self, node: Node | None, mark: Mark) -> tuple[str, ...]:
        """Names in a list; one name alone is a list of one."""
        if node is None:
            return ()
        nodes = node.nodes if isinstance(node, Listing) else (node,)
        return tuple(name for name in (self.name(each, mark) for each in nodes) if name)

    def text(self, node: Node | None, mark: Mark) -> Text:
        """A text for citizens in every language, and by SMS when written apart."""
        if isinstance(node, Table) and ("ussd" in node.nodes or "sms" in node.nodes):
            table = self.table(node, mark, ("ussd", "sms"), "say")
            ussd = self.text(self.need(table, "ussd", "say"), node.mark)
            sms = self.text(table.nodes["sms"], node.mark).by_language if "sms" in table.nodes else None
            return Text(ussd.by_language, sms, node.mark, ussd.marks)
        if not isinstance(node, Table):
            if node is not None:
                self.fault("text_languages", node.mark, languages=", ".join(self.languages))
            return Text(dict.fromkeys(self.languages, ""), None, node.mark if node else mark)
        by_language: dict[str, str] = {}
        for key, each in node.nodes.items():
            if key not in self.languages:
                self.unknown_key(key, node.marks[key], self.languages, "text")
            else:
                by_language[key] = self._sentence(each)
        for language in self.languages:
            if language not in by_language:
                self.fault("missing_language", node.mark, language=language)
        return Text(by_language, None, node.mark, {key: each.mark for key, each in node.nodes.items()})

    def _sentence(self, node: Node) -> str:
        if not isinstance(node, Scalar) or not node.text.strip():
            self.fault("empty_text", node.mark)
            return ""
        sentence = node.text.strip()
        if node.comment:
            self.fault("comment_in_text", node.mark, corrected=node.comment)
        if _CONTROL.search(sentence):
            self.fault("control_character", node.mark)
        return _CONTROL.sub(" ", self.template(sentence, node.mark))

    def template(self, template: str, mark: Mark) -> str:
        """A template whose placeholders can be read; "" in place of another."""
        try:
            templates.parse(template)
        except templates.TemplateError as error:
            self.fault("bad_placeholder", mark, what=error.what)
            return ""
        return template

    def expression(self, node: Node | None, mark: Mark) -> Expression | None:
        """A condition; None when it is absent or cannot be read."""
        if node is None:
            return None
        source = self.words(node, mark)
        if not source:
            return None
        try:
            return expressions.parse(source, node.mark)
        except expressions.ExpressionError as error:
            self.fault("bad_expression", node.mark, what=error.what)
            return None

    def templates(self, node: Node | None, mark: Mark, what: str) -> dict[str, str]:
        """Names and templates (the `args` of a source)."""
        if node is None:
            return {}
        table = self.table(node, mark, None, what)
        return {key: self.template(self.words(each, mark), each.mark) for key, each in table.nodes.items()}


def near(word: str, known: Iterable[str]) -> str:
    """The known word that `word` was probably meant to be, or ""."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return close[0] if close else ""


def first_mark(texts: Mapping[str, Mark], fallback: Mark) -> Mark:
    """The first of several marks."""
    return min(texts.values(), key=lambda mark: mark.line, default=fallback)
