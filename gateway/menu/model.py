"""The menu language as values: what a YAML menu means once it has been read and typed.

`load` makes these from files, `check` finds their faults, `engine` walks them. Every value that an author wrote keeps
its `Mark`, so that a fault can name its file and line.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

#: Screens every menu may go to without declaring them.
HOME = "accueil"  #: the root menu's first screen
#: `service:ID` as a target starts another service of the same menus.
SERVICE_PREFIX = "service:"
#: The service whose `start` is shown when the citizen dials with no tail.
ROOT = "main"

AskType = Literal["text", "digits", "amount", "date", "msisdn", "npi", "ifu", "reference", "secret", "pattern"]
Personal = Literal["none", "yes", "secret"]
Assurance = Literal["open", "number", "number+code"]
OnBehalf = Literal["no", "agreed", "declared"]
Precision = Literal["day", "month", "year"]  #: JJMMAAAA, MMAAAA, AAAA


@dataclass(frozen=True, slots=True)
class Mark:
    """Where an author wrote something; line and column count from 1."""

    file: str
    line: int
    column: int = 1


@dataclass(frozen=True, slots=True)
class Text:
    """A text in every language, the same on all channels unless `sms` says otherwise. Values are templates."""

    by_language: Mapping[str, str]
    sms: Mapping[str, str] | None
    mark: Mark
    marks: Mapping[str, Mark] = field(default_factory=dict)  #: where each language stands

    def at(self, language: str) -> Mark:
        """Where the text in this language was written."""
        return self.marks.get(language, self.mark)


@dataclass(frozen=True, slots=True)
class Expression:
    """A condition: names and comparisons only, parsed when the menu is loaded."""

    source: str
    tree: ast.expr
    names: frozenset[str]
    mark: Mark


@dataclass(frozen=True, slots=True)
class Choice:
    """One numbered line. Its `id` is stable; its number is its place among the choices that `when` lets through."""

    id: str
    label: Text
    go: str
    mark: Mark
    when: Expression | None = None
    language: str | None = None  #: choosing it also sets the language of the dialogue


@dataclass(frozen=True, slots=True)
class Ask:
    """A question with a typed answer, kept under `save`.

    `minimum` and `maximum` are characters for text, digits and secret, francs for amount, and unused otherwise.
    """

    type: AskType
    save: str
    go: str
    mark: Mark
    personal: Personal = "none"
    minimum: int | None = None
    maximum: int | None = None
    pattern: str | None = None
    precisions: tuple[Precision, ...] = ("day",)
    error: Text | None = None  #: said instead of the standard sentence of the type


@dataclass(frozen=True, slots=True)
class Pick:
    """One line of a list (`menus/lists/*.yaml`) or of a source's answer, kept under `save`."""

    source: str
    save: str
    go: str
    mark: Mark
    moving: bool = False  #: the lines come from a source, not from a list file
    search: bool = False  #: first letters narrow the list
    args: Mapping[str, str] = field(default_factory=dict)  #: name -> template
    personal: Personal = "none"
    maximum: int = 24  #: longest label shown, in characters; longer ones are visibly cut
    empty: str | None = None  #: target when there is no line
    unavailable: str | None = None  #: target when the source cannot answer in time


@dataclass(frozen=True, slots=True)
class Submit:
    """A durable demand to a system. `label` is what tells two demands of one phone apart in its own list."""

    system: str
    fields: tuple[str, ...]
    duplicate_by: tuple[str, ...]
    outcomes: Mapping[str, str]  #: submitted | already | unavailable | closed -> target
    mark: Mark
    label: str = ""  #: template, at most 12 characters shown, like "...{npi|last4}"
    number: str = ""  #: name of the value that holds the number of the person it is for, "" for none
    relation: str = ""  #: name of the value that says what the caller is to her, "" for none


@dataclass(frozen=True, slots=True)
class Do:
    """A durable effect other than a demand: what the gateway can do is in `world.GATEWAY_ACTIONS`."""

    action: str
    args: Mapping[str, str]  #: name -> template
    outcomes: Mapping[str, str]  #: outcome -> target; `unavailable` is always one
    mark: Mark
    code: bool = False  #: whether a one-time code must be typed back first


@dataclass(frozen=True, slots=True)
class Lookup:
    """A read. The source's values are kept under their own names, declared here with their greatest size."""

    source: str
    args: Mapping[str, str]  #: name -> template
    saves: Mapping[str, int]  #: value name -> greatest size in characters
    outcomes: Mapping[str, str]  #: outcome -> target; `unavailable` is always one
    mark: Mark
    keep_s: int = 0  #: an answer this young is not asked for again
    last_known_s: int = 0  #: an answer this old is shown, with its day, when the source does not answer
    later: Mapping[str, Text] = field(default_factory=dict)  #: outcome -> the SMS that brings a late answer


@dataclass(frozen=True, slots=True)
class CallHandler:
    """A rule in Python: `module.function` under handlers/."""

    handler: str
    outcomes: Mapping[str, str]
    mark: Mark
    saves: Mapping[str, int] = field(default_factory=dict)  #: value name -> greatest size in characters


@dataclass(frozen=True, slots=True)
class Case:
    when: Expression | None  #: None: otherwise
    go: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class Branch:
    """The first case whose condition holds; the last one is the `else`."""

    cases: tuple[Case, ...]
    mark: Mark


@dataclass(frozen=True, slots=True)
class End:
    """The last screen: its text is the screen's `say`."""

    mark: Mark


Verb = Ask | Pick | Submit | Do | Lookup | CallHandler | Branch | End | None


@dataclass(frozen=True, slots=True)
class Screen:
    """`verb` None: only choices. A screen whose verb is Submit, Do, Lookup, CallHandler or Branch is silent."""

    id: str
    say: Text | None
    choices: tuple[Choice, ...]
    verb: Verb
    mark: Mark
    back: bool = True  #: whether Back may return to this screen


@dataclass(frozen=True, slots=True)
class Service:
    """One public procedure. Shared screens that it reaches are already among its `screens`."""

    id: str
    title: Text
    start: str
    screens: Mapping[str, Screen]
    mark: Mark
    assurance: Assurance = "number"
    resume_s: int | None = None  #: how long a dropped dialogue can be taken up again; None: never
    keep_s: int | None = None  #: personal data, after closure
    hand_over_s: int | None = None  #: how long an institution may leave a demand untaken; None: its system's attempts
    sensitive: bool = False  #: its SMS name neither the service nor the decision
    promise_days: int | None = None  #: working promise on the récépissé, from the catalogue
    short_title: Text | None = None  #: for lists and SMS; the title when None
    #: screen -> the values it is given, for the screens at which a command of commands.yaml enters
    entries: Mapping[str, frozenset[str]] = field(default_factory=dict)
    on_behalf: OnBehalf = "no"  #: who may be asked for: nobody else, who agrees by SMS, or also who has no phone


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """What the State says a procedure costs, takes and needs; an unverified part reads "à confirmer en mairie"."""

    id: str
    title: Text
    fee: Text  #: ready to show: "1900 FCFA", "gratuit", or the sentence for an unverified one
    delay: Text
    pieces: Text
    where: Text
    delay_days: int | None  #: whole days, for the promised date; None when no delay is verified
    source: str
    checked_on: str  #: ISO date
    verified: frozenset[str]  #: names of the parts that are: fee, delay, pieces, where
    mark: Mark


@dataclass(frozen=True, slots=True)
class ListItem:
    id: str
    label: Text


ArgumentType = Literal["reference", "code", "digits4", "list", "catalogue", "language", "category", "word", "text"]
Builtin = Literal["help", "menu", "resume", "stop", "answer"]


@dataclass(frozen=True, slots=True)
class Argument:
    """What follows the word of a command, kept under `name` in the service that it starts.

    A `text` is whatever follows the digits before it, as it was written.
    """

    name: str
    type: ArgumentType
    source: str = ""  #: the list, when the type is `list`


@dataclass(frozen=True, slots=True)
class Command:
    """Words that start something by SMS: a builtin, or a service (at one of its screens when no argument misses)."""

    id: str
    words: Mapping[str, tuple[str, ...]]  #: language -> words as written
    help: Text
    takes: tuple[Argument, ...]
    optional: frozenset[str]  #: names of arguments that may be missing; they come last
    starts: str | None
    at: str | None
    does: Builtin | None
    mark: Mark


@dataclass(frozen=True, slots=True)
class Menus:
    """One published version of everything under menus/: immutable, named by the digest of its files."""

    version: str  #: first 16 hex digits of the SHA-256 of the files
    languages: tuple[str, ...]  #: first is the default
    services: Mapping[str, Service]
    lists: Mapping[str, tuple[ListItem, ...]]
    catalogue: Mapping[str, CatalogueEntry]
    messages: Mapping[str, Text]  #: every SMS and error sentence, by key (menus/messages.yaml)
    shortcuts: Mapping[str, str]  #: dialled digits -> service id
    files: Mapping[str, str] = field(repr=False)  #: name -> text, as published
    commands: Mapping[str, Command] = field(default_factory=dict)  #: menus/commands.yaml, by id
    yes_words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  #: language -> what accepts a near miss
    #: category or "all" -> language -> the words that name it after STOP
    category_words: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
