"""What a text from a citizen means: a command, nearly one, an answer to the dialogue under way, or nothing known.

Pure. Case, accents, punctuation and spaces never matter; in a reference O is 0, I and l are 1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto

from rapidfuzz.distance import OSA

from gateway.engine.answers import clean
from gateway.engine.outcomes import Saved
from gateway.engine.wording import in_language
from gateway.menu.model import Argument, Command, Menus
from gateway.text import reference, transliterate

#: The longest text that is read: ten parts of an SMS.
_READ = 1600
#: STOP is meant when it begins a text of at most so many words.
_STOP_WORDS = 3
#: "arrêt de travail", "stop au bruit": the word is part of a phrase, and nobody asks to stop anything.
_LINKS = frozenset((
    "de", "du", "des", "d", "la", "le", "les", "l", "au", "aux", "a", "en", "un", "une", "et", "pour",
    "of", "the", "for", "at", "in", "by", "to", "on",
))  # fmt: skip
#: A command that takes nothing may be followed by so many words ("acte svp merci").
_POLITE_WORDS = 3
#: A word shorter than this is near too many others.
_NEAR_FROM = 4
#: Longer words may differ by two letters.
_LONG_WORD = 7
#: The list that names the languages, when the menus have one.
_LANGUAGES = "langues"
_CATALOGUE = "catalogue"

_APOSTROPHES = str.maketrans("", "", "'\u2019\u2018\u02bc\u02b9`")
_TOKEN = re.compile(r"[^\W_]+")
_GLUED = re.compile(r"([^\W\d_]+)(\d.*)")
_FIRST_WORD = re.compile(r"[\W_]*[^\W\d_]+")
#: A digit before a free text; O, I and l are one only right behind another and before no letter ("48219 oui").
_DIGIT, _NO_DIGIT = r"(?:(?:\d|(?<=[\dOoIl])[OoIl])[ .\-]*)", r"(?!\d)(?!(?<=[OoIl])[^\W\d_])"
_LOOKS_LIKE_DIGITS = re.compile(r"[\dOoIl]*\d[\dOoIl]*|[OoIl]+")
_DIGITS = str.maketrans("OoIl", "0011")
#: How many digits an argument has.
_LENGTHS = {"reference": reference.LENGTH, "code": reference.CODE_LENGTH, "digits4": 4}


class Waiting(Enum):
    """What the dialogue under way waits for."""

    NOTHING = auto()  #: there is none
    CHOICE = auto()  #: a choice, a line of a list, a value of a known form
    FREE_TEXT = auto()  #: whatever the citizen writes


@dataclass(frozen=True, slots=True)
class Run:
    """A command. `values` are its arguments when `complete`; `language` is that of its word, None when of several.

    `what`: for `stop`, "all", a category or a topic; for `help`, the command asked about, "" for none.
    """

    command: Command
    language: str | None
    values: Mapping[str, Saved] = field(default_factory=dict, repr=False)
    complete: bool = False
    what: str = ""


@dataclass(frozen=True, slots=True)
class BadArgument:
    """A command whose argument cannot be right."""

    command: Command
    language: str | None


@dataclass(frozen=True, slots=True)
class Near:
    """Nearly the `word` of a command; `line` is what the text would then be."""

    word: str
    line: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Agree:
    """ "OUI 4821": agrees to what somebody asked for her, if she was sent these digits."""

    code: str = field(repr=False)


class Other(Enum):
    YES = auto()  #: "OUI"
    ANSWER = auto()  #: for the dialogue under way
    UNKNOWN = auto()


Said = Run | BadArgument | Near | Agree | Other


def read(menus: Menus, text: str, waiting: Waiting = Waiting.NOTHING, labels: frozenset[str] = frozenset()) -> Said:
    """What `text` means. `labels` are the folded labels on the screen of the dialogue under way."""
    tokens = _tokens(menus, text)
    dialogue = waiting is not Waiting.NOTHING
    nothing = Other.ANSWER if dialogue else Other.UNKNOWN
    if not tokens:
        return nothing
    index = _index(menus)
    first, *rest = [transliterate.fold(token) for token in tokens]
    if first in index.yes and waiting is not Waiting.FREE_TEXT:
        code = "".join(tokens[1:]).translate(_DIGITS)
        if len(code) == _LENGTHS["digits4"] and code.isascii() and code.isdigit():
            return Agree(code)
    found = index.words.get(first)
    if found is not None and found[0].does == "stop":
        return _stop(menus, found, rest, waiting) or nothing
    if waiting is Waiting.FREE_TEXT:
        if found is not None and found[0].does == "answer":
            # Its word and its code together are no answer to a screen.
            meant = _with_text(found, text)
            return meant if isinstance(meant, Run) else Other.ANSWER
        bare = found is not None and not rest and found[0].does in ("help", "menu")
        return _run(menus, found, tokens[1:]) if bare and found is not None else Other.ANSWER
    if dialogue and " ".join((first, *rest)) in labels:
        return Other.ANSWER
    if dialogue and found is not None and found[0].does == "answer" and not rest:
        return Other.ANSWER  # alone it is the beginning of "Répondre à la question"
    if found is not None:
        said = _with_text(found, text) if rest and _takes_text(found[0]) else _run(menus, found, tokens[1:])
        return Other.ANSWER if dialogue and said is Other.UNKNOWN else said
    if dialogue:
        return Other.ANSWER
    if first in index.yes and len(rest) < _STOP_WORDS:
        return Other.YES
    return _near(menus, first, tokens[1:], text) or Other.UNKNOWN


def is_yes(menus: Menus, text: str) -> bool:
    """Whether a text accepts what was proposed."""
    tokens = _tokens(menus, text)
    return 0 < len(tokens) <= _STOP_WORDS and transliterate.fold(tokens[0]) in _index(menus).yes


@dataclass(frozen=True, slots=True)
class _Index:
    """The words of one version of the menus, folded."""

    words: Mapping[str, tuple[Command, str | None]]
    written: Mapping[str, str]  #: folded -> as its author wrote it
    yes: frozenset[str]
    categories: Mapping[str, str]


def _index(menus: Menus) -> _Index:
    known = _indexes.get(menus.version)
    if known is None or known[0] is not menus.commands:
        if len(_indexes) >= _KEPT:
            _indexes.clear()
        known = _indexes[menus.version] = (menus.commands, _build(menus))
    return known[1]


def _build(menus: Menus) -> _Index:
    words: dict[str, tuple[Command, str | None]] = {}
    written: dict[str, str] = {}
    for command in menus.commands.values():
        for language, each in command.words.items():
            for word in each:
                folded = transliterate.fold(word)
                other = words.get(folded)
                words[folded] = (command, language if other is None or other[1] == language else None)
                written.setdefault(folded, word)
    categories = {
        transliterate.fold(word): category
        for category, named in menus.category_words.items()
        for each in named.values()
        for word in each
    }
    yes = frozenset(transliterate.fold(word) for each in menus.yes_words.values() for word in each)
    return _Index(words, written, yes, categories)


def _tokens(menus: Menus, text: str) -> list[str]:
    """The words of a text as written; digits that hang on a command's word are apart."""
    tokens = _TOKEN.findall(text[:_READ].translate(_APOSTROPHES))
    glued = _GLUED.fullmatch(tokens[0]) if tokens else None
    index = _index(menus)
    if glued is not None and transliterate.fold(glued[1]) in index.words.keys() | index.yes:
        tokens[:1] = [glued[1], glued[2]]
    return tokens


def _stop(menus: Menus, found: tuple[Command, str | None], rest: Sequence[str], waiting: Waiting) -> Run | None:
    """STOP at once, when it is meant; None when the text says something else that begins with the word."""
    if rest and (len(rest) >= _STOP_WORDS or waiting is Waiting.FREE_TEXT or rest[0] in _LINKS):
        return None
    what = "all"
    if rest:
        topic = _line(menus, "sujets", " ".join(rest))
        what = _index(menus).categories.get(rest[0]) or (topic.raw if topic is not None else "all")  # type: ignore[assignment]
    return Run(found[0], found[1], what=what)


def _run(menus: Menus, found: tuple[Command, str | None], rest: Sequence[str]) -> Said:
    command, language = found
    if command.does == "help":
        about = _index(menus).words.get(transliterate.fold(rest[0])) if rest else None
        return Run(command, language, what=about[0].id if about else "")
    if not command.takes:
        return Run(command, language) if len(rest) <= _POLITE_WORDS else Other.UNKNOWN
    if not rest:
        return Run(command, language, complete=len(command.optional) == len(command.takes), values=_empty(command))
    values = _values(menus, command, rest)
    if values is None:
        return BadArgument(command, language)
    return Run(command, language, values, complete=bool(values))


def _takes_text(command: Command) -> bool:
    return bool(command.takes) and command.takes[-1].type == "text"


def _with_text(found: tuple[Command, str | None], text: str) -> Said:
    """A command whose digits are followed by a free text, which is kept as it was written."""
    command, language = found
    *digits, free = command.takes
    most = sum(_LENGTHS[argument.type] for argument in digits)
    match = re.fullmatch(_FIRST_WORD.pattern + rf"[\W_]*({_DIGIT}{{{most}}}){_NO_DIGIT}(.*)", text, re.DOTALL)
    values = match and _digits(replace(command, takes=tuple(digits)), _TOKEN.findall(match[1]))
    said = clean(match[2]).lstrip(":;,.-+= ") if match else ""
    is_missing = free.name not in command.optional and not any(character.isalnum() for character in said)
    if not values or is_missing:
        return BadArgument(command, language)
    return Run(command, language, {**values, free.name: Saved(said)}, complete=True)


def _empty(command: Command) -> dict[str, Saved]:
    return {argument.name: Saved("") for argument in command.takes}


def _values(menus: Menus, command: Command, rest: Sequence[str]) -> dict[str, Saved] | None:
    """The arguments; empty when they name nothing known, so that the service asks; None when they are wrong."""
    if command.takes[0].type in _LENGTHS:
        return _digits(command, rest)
    argument = command.takes[0]
    found = _named(menus, argument, " ".join(rest))
    if found is None:
        return None if argument.type in ("language", "category") else {}
    return {**_empty(command), argument.name: found}


def _digits(command: Command, rest: Sequence[str]) -> dict[str, Saved] | None:
    """Arguments of known lengths, however they were spaced out. Other words between them do not matter."""
    written = "".join(token for token in rest if _LOOKS_LIKE_DIGITS.fullmatch(token)).translate(_DIGITS)
    values = _empty(command)
    for argument in command.takes:
        length = _LENGTHS.get(argument.type, 0)
        value, written = written[:length], written[length:]
        if not value and argument.name in command.optional:
            continue
        if len(value) != length or (argument.type == "reference" and reference.parse(value) is None):
            return None
        values[argument.name] = Saved(value, reference.show(value) if argument.type == "reference" else "")
    return None if written else values


def _named(menus: Menus, argument: Argument, typed: str) -> Saved | None:
    if argument.type == "language":
        return _line(menus, _LANGUAGES, typed) or (Saved(typed) if typed in menus.languages else None)
    if argument.type == "category":
        category = _index(menus).categories.get(transliterate.fold(typed))
        return Saved(category) if category else None
    if argument.type == "word":
        return Saved(typed[:64])
    return _line(menus, _CATALOGUE if argument.type == "catalogue" else argument.source, typed)


def _line(menus: Menus, name: str, typed: str) -> Saved | None:
    """The one line of a list that is named: by its id or label, by the beginning of its words, or nearly."""
    wanted = transliterate.fold(typed)
    if not wanted:
        return None
    items = [
        (item, {transliterate.fold(item.id), *(transliterate.fold(one) for one in item.label.by_language.values())})
        for item in menus.lists.get(name, ())
    ]
    found = [item for item, names in items if wanted in names]
    if not found and len(wanted) >= _NEAR_FROM - 1:
        found = [item for item, names in items if any(f" {wanted}" in f" {one}" for one in names)]
    if not found and len(wanted) >= _NEAR_FROM:
        found = [
            item
            for item, names in items
            if any(_distance(wanted, word) is not None for one in names for word in one.split())
        ]
    if len(found) != 1:
        return None
    return Saved(found[0].id, in_language(found[0].label.by_language, menus.languages[0], menus.languages[0]))


def _near(menus: Menus, first: str, rest: Sequence[str], text: str) -> Near | None:
    """The command that the first word is nearly; None when none is, or when it could be several.

    Of two that are as near, the one with a word of the default language is meant: START is no reason to forget STATUT.
    """
    index = _index(menus)
    near = {word: _distance(first, word) for word in index.words}
    least = min((distance for distance in near.values() if distance is not None), default=None)
    words = [word for word, distance in near.items() if least is not None and distance == least]
    if len({index.words[word][0].id for word in words}) > 1:
        words = [word for word in words if index.words[word][1] in (None, menus.languages[0])]
    if len({index.words[word][0].id for word in words}) != 1:
        return None
    word = index.written[words[0]]
    if _takes_text(index.words[words[0]][0]):  # as it was written
        rest = [_FIRST_WORD.sub("", text, count=1).strip()]
    return Near(word, " ".join((word, *rest)))


def _distance(typed: str, word: str) -> int | None:
    """How many letters are missing, too many, wrong or swapped: at most one, two in a long word; None for more."""
    if len(typed) < _NEAR_FROM or len(word) < _NEAR_FROM or not typed.isalpha():
        return None
    most = 1 if min(len(typed), len(word)) < _LONG_WORD else 2
    distance = OSA.distance(typed, word, score_cutoff=most)
    return distance if distance <= most else None


#: Versions of menus whose words are kept ready.
_KEPT = 8
_indexes: dict[str, tuple[Mapping[str, Command], _Index]] = {}
