"""What a citizen wants to be sent: language, categories, topics; and what an aggregator says she refused.

Choices are only ever added, each with its proof: by which SMS, or by which act of a dialogue. The latest one counts.
An opt-out that came from an aggregator is not undone by a citizen's "in" here: the aggregator would go on refusing
our SMS, and only it can lift its own list.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway import logs
from gateway.engine import compose
from gateway.engine.outcomes import Act, ActAnswer, Lookup, LookupAnswer, Saved
from gateway.menu.model import Menus
from gateway.messages import Category, OptOut
from gateway.store import preferences
from gateway.store.db import Connection, StoreUnavailable
from gateway.store.preferences import Source
from gateway.usecases import acts, proof
from gateway.usecases import holdings as held
from gateway.usecases.acts import Done
from gateway.usecases.caller import Caller
from gateway.usecases.parts import Parts

#: The list in menus/lists/ whose ids are the topics.
TOPICS = "sujets"
#: The list of languages, with the name of each in itself.
LANGUAGES = "langues"
#: Categories that a citizen may refuse. What is vital is owed to her; what answers her own SMS is asked for.
REFUSABLE = (Category.PROCEDURE, Category.INFORMATION)
IN, OUT = "in", "out"
ALL = "all"

_LANGUAGE = "language"
_CATEGORY, _TOPIC, _SENDER = "category:", "topic:", "sender:"
_UNAVAILABLE = LookupAnswer("unavailable")


@dataclass(frozen=True, slots=True)
class Preferences:
    """What holds for one holding now. Nothing chosen: the default language, every category, no topic."""

    language: str | None = None
    out: frozenset[Category] = frozenset()
    topics: frozenset[str] = frozenset()  #: those she asked for
    senders_out: frozenset[str] = frozenset()  #: channels whose aggregator will not have her written to

    def refuses(self, category: Category, channel: str, topic: str | None = None) -> bool:
        """Whether an SMS must not leave by this channel: asked when it is written, and again when it is sent.

        An aggregator's opt-out stops everything on its channel, vital SMS too: those are then to be told otherwise.
        """
        if channel in self.senders_out or category in self.out:
            return True
        return topic is not None and topic not in self.topics


NOTHING_CHOSEN = Preferences()


def of(conn: Connection, holding_id: int) -> Preferences:
    """What the citizen of this holding chose."""
    return refusals(conn, (holding_id,))[holding_id]


def refusals(conn: Connection, holding_ids: Iterable[int]) -> dict[int, Preferences]:
    """What the citizens of these holdings chose, an entry for each; one query for all."""
    wanted = tuple(dict.fromkeys(holding_ids))
    chosen = preferences.of_many(conn, wanted) if wanted else {}
    return {holding: _read(chosen[holding]) if holding in chosen else NOTHING_CHOSEN for holding in wanted}


def set_preference(parts: Parts, act: Act, caller: Caller, act_key: bytes) -> ActAnswer:
    """The action of the menus: `done`, `refused` (no such choice, or vital) or `unavailable`; the same when repeated.

    `args`: `subject` is "language", "category:...", "topic:..." or "all"; `value` a language, "in" or "out".
    """
    args = act.args if isinstance(act.args, Mapping) else {}
    subject, value = str(args.get("subject", "")), str(args.get("value", ""))

    def do(conn: Connection, now: datetime) -> Done:
        chosen = _chosen(parts.shelf.current, subject, value)
        if chosen is None:
            return Done(ActAnswer("refused"))
        holding = held.met(conn, parts, caller.msisdn, now)
        if not proof.allowed(conn, parts, act, holding, now):
            return Done(acts.UNAVAILABLE)
        source: Source = "ussd" if caller.mo_id is None else "sms"
        evidence = act_key.hex() if caller.mo_id is None else ""
        _note(conn, holding, chosen, source, now, mo_id=caller.mo_id, evidence=evidence)
        return Done(ActAnswer("done"))

    answer = acts.once(parts, act.action, act_key, do)
    kind = subject.partition(":")[0]
    logs.event("preference.answered", subject=kind, outcome=answer.outcome, channel=caller.channel)
    return answer


def stop(
    conn: Connection, parts: Parts, holding_id: int, what: str, source: Source, now: datetime, mo_id: int | None = None
) -> tuple[str, ...]:
    """The subjects that are refused from now on and were not before; empty when all of it was stopped already.

    `what`: "all", a category ("information") or a topic's id. Raises ValueError for anything else.
    """
    wanted = _stopped_by(parts.shelf.current, what)
    if wanted is None:
        raise ValueError(f"{what!r} is nothing that can be stopped")
    return _note(conn, holding_id, dict.fromkeys(wanted, OUT), source, now, mo_id=mo_id)


def take_optout(parts: Parts, optout: OptOut, now: datetime) -> None:
    """Keeps what the aggregator says: nothing more to this number by its channel. Raises StoreUnavailable."""
    with parts.database.begin() as conn:
        holding = held.addressed(conn, parts, optout.msisdn, now)
        subject = f"{_SENDER}{optout.channel}"
        noted = _note(conn, holding, {subject: OUT}, "aggregator", now, evidence=optout.sender)
    logs.event("optout.taken", channel=optout.channel, outcome="noted" if noted else "known")


def my_preferences(parts: Parts, lookup: Lookup, caller: Caller, left_s: float) -> LookupAnswer:
    """The source of the menus: the caller's language and categories, in words."""
    del lookup
    if left_s <= 0:
        return _UNAVAILABLE
    try:
        with parts.database.read() as conn:
            holding = held.find(conn, parts, caller.msisdn, caller.imsi)
            mine = NOTHING_CHOSEN if holding is None else of(conn, holding)
    except StoreUnavailable as error:
        logs.event("lookup.unavailable", level="warning", source="my_preferences", why=error.why)
        return _UNAVAILABLE
    menus = parts.shelf.current

    def yes_or_no(category: Category) -> Saved:
        return Saved(compose.text(menus, "word_no" if category in mine.out else "word_yes", caller.language, {}))

    return LookupAnswer(
        "found",
        {
            "language_label": Saved(_language_name(menus, mine.language or caller.language)),
            "procedure_label": yes_or_no(Category.PROCEDURE),
            "information_label": yes_or_no(Category.INFORMATION),
        },
    )


def _chosen(menus: Menus, subject: str, value: str) -> dict[str, str] | None:
    """The subjects that a choice sets, each with its value; None for a choice that cannot be made."""
    if subject == _LANGUAGE:
        return {_LANGUAGE: value} if value in menus.languages else None
    if value == OUT:
        stopped = _stopped_by(menus, subject)
        return None if stopped is None else dict.fromkeys(stopped, OUT)
    if value != IN:
        return None
    wanted = _stopped_by(menus, subject)
    if wanted is None:
        return None
    if subject.startswith(_TOPIC):  # who asks for a topic asks to be informed
        wanted = (*wanted, f"{_CATEGORY}{Category.INFORMATION}")
    return dict.fromkeys(wanted, IN)


def _stopped_by(menus: Menus, what: str) -> tuple[str, ...] | None:
    """The subjects that `what` means ("all", "information", "category:information", "sante", "topic:sante")."""
    if what == ALL:
        return tuple(f"{_CATEGORY}{category}" for category in REFUSABLE)
    category = what.removeprefix(_CATEGORY)
    if category in REFUSABLE:
        return (f"{_CATEGORY}{category}",)
    topic = what.removeprefix(_TOPIC)
    if any(item.id == topic for item in menus.lists.get(TOPICS, ())):
        return (f"{_TOPIC}{topic}",)
    return None


def _note(
    conn: Connection,
    holding_id: int,
    chosen: Mapping[str, str],
    source: Source,
    now: datetime,
    *,
    mo_id: int | None = None,
    evidence: str = "",
) -> tuple[str, ...]:
    """The subjects that changed. What was so already is not written again: the first proof of it is the one."""
    before = preferences.of(conn, holding_id)
    changed = tuple(
        subject for subject, value in chosen.items() if subject not in before or before[subject].value != value
    )
    for subject in changed:
        preferences.note(conn, holding_id, subject, chosen[subject], source, now, mo_id=mo_id, evidence=evidence)
    return changed


def _read(values: Mapping[str, str]) -> Preferences:
    """Subjects as stored (subject -> value) as what they mean; a word that is no longer known means nothing."""

    def among(prefix: str, value: str) -> frozenset[str]:
        return frozenset(
            subject.removeprefix(prefix)
            for subject, chosen in values.items()
            if subject.startswith(prefix) and chosen == value
        )

    out = among(_CATEGORY, OUT)
    return Preferences(
        language=values.get(_LANGUAGE),
        out=frozenset(category for category in REFUSABLE if category in out),
        topics=among(_TOPIC, IN),
        senders_out=among(_SENDER, OUT),
    )


def _language_name(menus: Menus, language: str) -> str:
    for item in menus.lists.get(LANGUAGES, ()):
        if item.id == language:
            return item.label.by_language.get(language, language)
    return language
