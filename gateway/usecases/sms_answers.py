"""What one SMS of a citizen is answered: a command, a step of her dialogue, a near miss, or one short help."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from gateway.engine import commands, compose, offers, session, walk
from gateway.engine.commands import Agree, BadArgument, Near, Other, Run, Waiting
from gateway.engine.outcomes import Reply
from gateway.engine.session import State
from gateway.engine.step import Step
from gateway.menu.message_keys import HELP_WORDS_SIZE, INSTITUTION_SIZE
from gateway.menu.model import Command, Menus
from gateway.store import conversations, saved_dialogues
from gateway.store.conversations import Conversation
from gateway.store.db import Connection
from gateway.store.saved_dialogues import Outcome, WaitingDialogue
from gateway.text import fit, reference
from gateway.usecases import agreements, notices, preferences, statements
from gateway.usecases import holdings as held
from gateway.usecases import saved_dialogues as dropped
from gateway.usecases.shelf import VersionLost
from gateway.usecases.sms_dialogue import Dialogue
from gateway.usecases.stops import Barred
from gateway.usecases.talk import Talk

_OUTCOMES: dict[offers.Choice, Outcome] = {"continue": "continued", "restart": "restarted", "disown": "disowned"}


@dataclass(frozen=True, slots=True)
class Asked:
    """One SMS of a citizen and what its answer depends on. `language`: the one she prefers, None: she never said."""

    mo_id: int
    external: str  #: what names it for ever: channel and the aggregator's id
    msisdn: str = field(repr=False)
    text: str = field(repr=False)
    network: str
    channel: str
    received_at: datetime
    sender: str  #: the key of the sender that answers
    holding_id: int
    language: str | None
    conversation: Conversation


@dataclass(frozen=True, slots=True)
class Answered:
    """What to say, "" for nothing, and the conversation as it then is.

    `effect` is done in the transaction of the answer, and gives its text. `moved`: a dialogue went on by it. `service`
    is the one that it is about, for the ceilings.
    """

    conversation: Conversation
    language: str
    outcome: str
    template: str = ""
    text: str = field(default="", repr=False)
    effect: Callable[[Connection], str | None] | None = None
    moved: bool = False
    service: str = ""
    private: bool = False
    submission_id: int | None = None  #: the one that it was about, for the logs


def answer(talk: Talk, asked: Asked) -> Answered:
    """The answer to one SMS. Acts of a dialogue are done under keys that the same SMS finds again.

    Raises StoreUnavailable, EngineError, TurnError.
    """
    return _Answer(talk, asked).find()


class _Answer:
    """One SMS being answered."""

    def __init__(self, talk: Talk, asked: Asked) -> None:
        self.talk, self.asked, self.parts = talk, asked, talk.parts
        self.menus: Menus = talk.parts.shelf.current
        self.surface = talk.surface(asked.sender)
        self.now = talk.parts.now()
        self.dialogue = Dialogue(talk, asked.external, asked.msisdn, asked.network, asked.channel, asked.mo_id)
        talking = asked.conversation
        alive = talking.dialogue_until is not None and talking.dialogue_until > asked.received_at
        self.state: State | None = session.decode(talking.state) if talking.state is not None and alive else None
        known = asked.language if asked.language in self.menus.languages else None
        self.language = known or (self.state.language if self.state else self.menus.languages[0])
        self.prefers = known is not None

    def find(self) -> Answered:
        talking, text = self.asked.conversation, self.asked.text
        proposal = talking.proposal if talking.proposal_until and talking.proposal_until > self.now else None
        # Whatever comes next, a proposal is accepted at once or not at all.
        self.talking = replace(talking, proposal=None, proposal_until=None)
        agrees = isinstance(commands.read(self.menus, text), Agree)  # OUI and digits are for another question
        if proposal is not None and not agrees and commands.is_yes(self.menus, text):
            return self.mean(commands.read(self.menus, proposal))
        waiting, labels = self.waits_for()
        return self.mean(commands.read(self.menus, text, waiting, labels))

    def mean(self, said: commands.Said) -> Answered:
        if isinstance(said, Run | BadArgument) and said.language is not None and not self.prefers:
            self.language = said.language
        match said:
            case Run():
                return self.run(said)
            case BadArgument():
                return self.misspelt(said)
            case Near():
                until = self.now + timedelta(seconds=self.parts.settings.sms.proposal_s)
                self.talking = replace(self.talking, proposal=said.line, proposal_until=until)
                return self.say("sms_did_you_mean", {"word": said.word})
            case Agree():
                return self.agree(said.code)
            case Other.ANSWER:
                return self.go_on()
            case Other.YES if self.is_asked():
                return self.say("sms_agree_code")
        return self.help_once()

    def agree(self, code: str) -> Answered:
        """Agrees to what somebody asked for her; her récépissé is the answer. It is done in this very transaction."""

        def effect(conn: Connection) -> str | None:
            holding = self.asked.conversation.holding_id
            done = agreements.answer(conn, self.parts, holding, code, self.asked.mo_id, self.now)
            return None if done == agreements.AGREED else self.worded("sms_agree_wrong", {})

        return Answered(self.talking, self.language, "agree", "sms_agree_wrong", effect=effect)

    def answer_question(self, said: Run) -> Answered:
        """Answers what an institution asked her. It is done in this very transaction."""
        if not said.complete:
            return self.misspelt(BadArgument(said.command, said.language))
        code, text = (str(said.values[argument.name].raw) for argument in said.command.takes)
        holding, channel = self.asked.conversation.holding_id, self.asked.channel

        def effect(conn: Connection) -> str | None:
            given = statements.Answer(holding, code, text, channel, self.asked.received_at)
            key, found = statements.answer_by_sms(conn, self.parts, given, self.now)
            values = {"maximum": str(statements.TEXT_MAX)}
            if found is not None:
                named = notices.institution(self.parts, found, self.language)
                policy = self.parts.settings.sender_of(self.asked.sender).transliteration
                values |= {
                    "reference": reference.show(found.reference),
                    "institution": fit.shortened(named, INSTITUTION_SIZE, policy),
                }
            return self.worded(key, values)

        return Answered(self.talking, self.language, "answer", "sms_answer_taken", effect=effect)

    def is_asked(self) -> bool:
        """Whether somebody asked something for her that she has not answered."""
        with self.parts.database.read() as conn:
            return agreements.is_asked(conn, self.asked.holding_id, self.now)

    def waits_for(self) -> tuple[Waiting, frozenset[str]]:
        if self.state is None:
            return Waiting.NOTHING, frozenset()
        if self.state.offered:
            return Waiting.CHOICE, offers.labels(self.menus)
        try:
            menus = self.parts.shelf.version(self.state.menus)
        except VersionLost:
            return Waiting.CHOICE, frozenset()
        if walk.accepts_star(menus, self.state):
            return Waiting.FREE_TEXT, frozenset()
        return Waiting.CHOICE, walk.labels(menus, self.surface, self.state, self.now)

    def run(self, said: Run) -> Answered:
        command = said.command
        match command.does:
            case "help":
                return self.help(said.what)
            case "menu":
                return self.shown(walk.open_dialogue(self.menus, self.surface, self.language, self.local()))
            case "resume":
                return self.resume(str(said.values["code_reprise"].raw) if said.values.get("code_reprise") else "")
            case "stop":
                return self.stop(said.what)
            case "answer":
                return self.answer_question(said)
        service = command.starts or ""
        barred = self.barred(service)
        if barred is not None:
            return barred
        if not (said.complete and command.at):
            waiting = self.left_in(service)
            if waiting is not None:
                return self.offer(waiting)
        step = walk.open_service(
            self.menus,
            self.surface,
            self.language,
            service,
            self.local(),
            command.at if said.complete and command.at else "",
            said.values if said.complete else None,
        )
        return self.shown(step)

    def go_on(self) -> Answered:
        """The text answers the dialogue under way."""
        state = self.state
        assert state is not None
        self.language = state.language
        if state.offered:
            return self.answer_offer(state)
        try:
            menus = self.menus = self.parts.shelf.version(state.menus)
        except VersionLost:
            self.talking = replace(self.talking, state=None, dialogue_until=None)
            return self.say("sms_dialogue_over")
        step = walk.advance(menus, self.surface, state, self.asked.text, self.local())
        if step.refused:  # no answer to the screen: nearly a command, perhaps
            meant = commands.read(self.parts.shelf.current, self.asked.text)
            if isinstance(meant, Near):
                return self.mean(meant)
        return self.shown(step, answers=True)

    def answer_offer(self, state: State) -> Answered:
        choice = offers.read(self.menus, self.asked.text)
        if choice is None:
            again = offers.offer(self.menus, self.surface, state.language, state.search, state.offered, "error_choice")
            return self.shown(again, answers=True)
        barred = self.barred(state.search, begun=choice == "continue") if choice != "disown" else None
        if barred is not None:  # it is left where it waits until the service is open again
            return barred
        key = self.dialogue.key("offer")
        settled = dropped.settle(self.parts, state.offered, _OUTCOMES[choice], key)
        if settled is not None and settled.outcome == "disowned":
            self.begin_anew()
        if settled is None or settled.outcome == "disowned" or settled.service not in self.menus.services:
            return self.shown(walk.open_dialogue(self.menus, self.surface, self.language, self.local()), answers=True)
        return self.shown(self.taken_up(settled), answers=True)

    def begin_anew(self) -> None:
        """The number is somebody else's from now on: this conversation is hers, and holds nothing of the one before."""
        with self.parts.database.begin() as conn:
            fresh = held.met(conn, self.parts, self.asked.msisdn, self.now, self.asked.network)
            talking = conversations.load(conn, self.parts.seals, fresh)
        before = self.asked.conversation
        self.talking = replace(talking, channel=before.channel, short_code=before.short_code)

    def taken_up(self, settled: saved_dialogues.Settled) -> Step:
        self.language = settled.language
        if settled.outcome == "continued":
            state = session.decode(settled.state)
            try:
                self.menus = self.parts.shelf.version(state.menus)
                return walk.taken_up(self.menus, self.surface, state, self.local())
            except VersionLost:
                self.menus = self.parts.shelf.current
        return walk.open_service(self.menus, self.surface, settled.language, settled.service, self.local())

    def resume(self, code: str) -> Answered:
        if code:
            return self.resume_by_code(code)
        waiting = self.left_in(None)
        running = self.state is not None and not self.state.offered
        worth_it = dropped.is_resumable(self.parts, self.asked.conversation, self.now)
        if self.state is not None and running and (worth_it or waiting is None):
            try:
                menus = self.menus = self.parts.shelf.version(self.state.menus)
                return self.shown(walk.again(menus, self.surface, self.state, self.local()))
            except VersionLost:
                self.menus = self.parts.shelf.current
        return self.say("sms_nothing_to_resume") if waiting is None else self.offer(waiting)

    def resume_by_code(self, code: str) -> Answered:
        key = self.dialogue.key("code")
        taken = dropped.take_by_code(self.parts, code, self.asked.msisdn, key, self.language)
        if isinstance(taken, Barred):
            return self.say(f"sms_{taken.key}", taken.values)
        return self.say("sms_resume_code_wrong") if taken is None else self.shown(self.taken_up(taken))

    def left_in(self, service: str | None) -> WaitingDialogue | None:
        """The dialogue that this number left last, in that service when one is given."""
        with self.parts.database.read() as conn:
            holding = held.find(conn, self.parts, self.asked.msisdn)
            left = saved_dialogues.waiting(conn, holding, self.now) if holding is not None else ()
        return next((one for one in left if service in (None, one.service)), None)

    def offer(self, waiting: WaitingDialogue) -> Answered:
        return self.shown(offers.offer(self.menus, self.surface, self.language, waiting.service, waiting.id))

    def stop(self, what: str) -> Answered:
        """Stops at once; confirmed once: who had stopped all of it already is not written to again."""
        menus, language, asked = self.menus, self.language, self.asked

        def effect(conn: Connection) -> str | None:
            changed = preferences.stop(conn, self.parts, asked.holding_id, what, "sms", self.now, asked.mo_id)
            if not changed:
                return None
            if what == "all":
                return self.worded("sms_stop_all", {})
            key = f"category_{what}"
            named = compose.text(menus, key, language, {}) if key in menus.messages else _topic(menus, what, language)
            return self.worded("sms_stop_category", {"what": named})

        template = "sms_stop_all" if what == "all" else "sms_stop_category"
        return Answered(self.talking, language, "stop", template, effect=effect)

    def help(self, about: str) -> Answered:
        command = self.menus.commands.get(about)
        if command is not None:
            return self.said(self.usage(command), "command_help", "help")
        words = [(command.words.get(self.language) or ("",))[0] for command in self.menus.commands.values()]
        return self.say("sms_help", {"words": _joined(words, HELP_WORDS_SIZE)})

    def misspelt(self, said: BadArgument) -> Answered:
        if said.command.does == "resume":
            return self.say("sms_resume_code_wrong")
        return self.say("sms_bad_argument", {"usage": self.usage(said.command)})

    def usage(self, command: Command) -> str:
        return command.help.by_language.get(self.language) or next(iter(command.help.by_language.values()))

    def help_once(self) -> Answered:
        """One short help an hour for texts that mean nothing."""
        helped = self.talking.helped_at
        if helped is not None and (self.now - helped).total_seconds() < self.parts.settings.sms.help_every_s:
            return Answered(self.talking, self.language, "unknown_again")
        self.talking = replace(self.talking, helped_at=self.now)
        return self.say("sms_unknown")

    def shown(self, step: Step, *, answers: bool = False) -> Answered:
        """The screen that a step leads to, as an SMS, and the dialogue as it then is."""
        step, submitted = self.dialogue.settle(self.menus, self.surface, step, self.local())
        reply = step.effect
        assert isinstance(reply, Reply)
        entered = self.state is None or step.state.service != self.state.service or not answers
        barred = self.barred(step.state.service, begun=step.state.resumed > 0) if entered else None
        if barred is not None:
            return barred
        talking, private = self.talking, False
        if reply.final:
            if answers:
                talking = replace(talking, state=None, dialogue_until=None)
        else:
            self.keep_what_it_replaces(step, answers=answers)
            until = self.now + timedelta(seconds=self.parts.settings.sms.dialogue_s)
            talking = replace(talking, state=session.encode(step.state), dialogue_until=until)
        service = self.menus.services.get(step.state.service)
        private = service is not None and service.sensitive
        return Answered(
            conversation=talking,
            language=step.state.language,
            outcome="refused" if step.refused else "end" if reply.final else "continue",
            template=reply.screen,
            # The récépissé is the answer: a second SMS would say the same, and cost the same.
            text="" if submitted and reply.final else reply.text,
            moved=answers and not step.refused,
            service=step.state.service,
            private=private,
            submission_id=self.dialogue.submission_id,
        )

    def keep_what_it_replaces(self, step: Step, *, answers: bool) -> None:
        """Another dialogue takes the place of the one under way, which can be taken up later."""
        before = self.state
        if answers or before is None or not dropped.is_resumable(self.parts, self.asked.conversation, self.now):
            return
        service = self.menus.services.get(before.service)
        if service is not None and step.state.service != before.service:
            with self.parts.database.begin() as conn:
                dropped.keep(conn, self.parts, self.asked.holding_id, service, before, self.asked.channel, self.now)

    def barred(self, service: str, *, begun: bool = False) -> Answered | None:
        """What is said instead of a service that an operator stopped or closed."""
        told = self.parts.stops.barred(service, self.language, self.parts.zone, begun=begun)
        return None if told is None else self.say(f"sms_{told.key}", told.values, service)

    def say(self, key: str, values: Mapping[str, str] | None = None, service: str = "") -> Answered:
        """A sentence of menus/messages.yaml."""
        return replace(self.said(self.worded(key, values or {}), key, key), service=service)

    def said(self, text: str, template: str, outcome: str) -> Answered:
        return Answered(self.talking, self.language, outcome, template, text)

    def worded(self, key: str, values: Mapping[str, str]) -> str:
        code = self.parts.settings.service_code
        return compose.text(self.parts.shelf.current, key, self.language, {"code": code, **values})

    def local(self) -> datetime:
        return self.now.astimezone(self.parts.zone)


def _joined(words: list[str], size: int) -> str:
    """As many words as fit."""
    kept: list[str] = []
    for word in words:
        if word and len(", ".join([*kept, word])) <= size:
            kept.append(word)
    return ", ".join(kept)


def _topic(menus: Menus, topic: str, language: str) -> str:
    for item in menus.lists.get(preferences.TOPICS, ()):
        if item.id == topic:
            return item.label.by_language.get(language, topic)
    return topic
