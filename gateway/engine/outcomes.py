"""What a turn of the engine can ask for or say: effects and their answers. Values only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

Raw = str | int


@dataclass(frozen=True, slots=True)
class Saved:
    """A kept answer: `raw` for rules and back offices, `shown` for people ("" when they are the same)."""

    raw: Raw = field(repr=False)
    shown: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """A screen. `final` closes the dialogue; `screen` names it for logs and statistics (`service.screen`)."""

    text: str = field(repr=False)
    final: bool
    screen: str


@dataclass(frozen=True, slots=True)
class Item:
    """A line of a moving list."""

    id: str = field(repr=False)
    label: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Lookup:
    """A read that the engine needs before it can go on; repeating it changes nothing."""

    source: str
    args: Mapping[str, Raw] = field(repr=False)
    identifiers: tuple[str, ...] = field(default=(), repr=False)  #: what was typed as an NPI or IFU among the args
    keep_s: int = 0  #: an answer this young is not asked for again
    last_known_s: int = 0  #: an answer this old will do, with its day, when the source does not answer


@dataclass(frozen=True, slots=True)
class LookupAnswer:
    """`outcome` is one the screen declares; `unavailable` when the source could not answer in time.

    `closing`: the key of a sentence that ends the dialogue instead, "" for none: a limit that no menu has to know.
    """

    outcome: str
    values: Mapping[str, Saved] = field(default_factory=dict)
    items: tuple[Item, ...] = ()
    closing: str = ""


@dataclass(frozen=True, slots=True)
class Submission:
    """The args of the act "submit": one durable demand to `system`."""

    system: str
    fields: Mapping[str, Raw] = field(repr=False)
    personal: frozenset[str]  #: names of the fields that are personal
    subject: tuple[tuple[str, Raw], ...] = field(repr=False)  #: the declared duplicate_by fields, in order
    label: str = field(repr=False)  #: what tells this demand apart in the citizen's own list
    language: str
    assurance: str
    number: str = field(default="", repr=False)  #: E.164 of the person it is for, who must agree; "" for the caller
    relation: str = field(default="", repr=False)  #: what the caller is to a person without a phone
    identifiers: tuple[str, ...] = field(default=(), repr=False)  #: what was typed as an NPI or IFU among the fields


@dataclass(frozen=True, slots=True)
class Promise:
    """The args of the act "promise_answer": the lookup of `screen` is done later, and its answer comes by SMS."""

    screen: str
    lookup: Lookup = field(repr=False)


@dataclass(frozen=True, slots=True)
class Act:
    """A durable effect, done once however often it is asked.

    `args` is a Submission for the action "submit", a Promise for "promise_answer". `ordinal` counts the acts of
    the dialogue from 0; with the causing input it makes the act key.
    """

    action: str
    service: str
    ordinal: int
    args: Submission | Promise | Mapping[str, Raw] = field(repr=False)
    menus: str = ""  #: version of the menus that the dialogue began with; "" is the current one
    proof: str = ""  #: what a one-time code is asked, checked or needed for; "" when this act needs none


@dataclass(frozen=True, slots=True)
class ActAnswer:
    """What came of an act; the same however often it is asked. `closing` as in a LookupAnswer."""

    outcome: str
    values: Mapping[str, Saved] = field(default_factory=dict)
    submission_id: int | None = field(default=None, compare=False)  #: which one it is about, for the logs
    closing: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """A handler to run, and all it receives.

    `secret` is the value typed in this very turn, given once and forgotten.
    """

    handler: str  #: "module.function" under handlers/
    service: str
    screen: str
    values: Mapping[str, Saved]
    language: str
    now: datetime
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a handler answers: one of the outcomes its screen declares, and values to keep."""

    name: str
    values: Mapping[str, Saved] = field(default_factory=dict)


Need = Lookup | Act | Call
Answer = LookupAnswer | ActAnswer | Outcome
Handler = Callable[[Call], Outcome]


@dataclass(frozen=True, slots=True)
class Declared:
    """A handler and what it may answer: `check` compares both with the screens that call it."""

    rule: Handler
    outcomes: frozenset[str]
    values: Mapping[str, int]  #: name -> greatest size in characters of the values it keeps

    def __call__(self, call: Call) -> Outcome:
        return self.rule(call)


def declares(*outcomes: str, **values: int) -> Callable[[Handler], Declared]:
    """Makes a function a handler: `@declares("plausible", "impossible", age=3)`."""
    return lambda rule: Declared(rule, frozenset(outcomes), values)
