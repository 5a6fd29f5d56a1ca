"""One USSD turn: from what the aggregator delivered to what the handset shows. Here a turn counts once."""

from __future__ import annotations

from gateway import logs, metrics
from gateway.engine import compose, session, walk
from gateway.engine.outcomes import Act, ActAnswer, Answer, Call, Lookup, Reply
from gateway.messages import UssdEvent, UssdReply, UssdTurn
from gateway.store.db import StoreUnavailable
from gateway.store.sessions import AFTER_END_S, Record
from gateway.text import msisdn, pages, transliterate
from gateway.usecases import counting, dialogues
from gateway.usecases import ussd_first_screen as first_screen
from gateway.usecases.caller import Caller
from gateway.usecases.transcripts import Body, Kind, Plan, act_key, plan, split, traced, who
from gateway.usecases.turns import NEEDS_PER_TURN, TurnError, settled
from gateway.usecases.ussd_parts import Ussd


def take_turn(ussd: Ussd, turn: UssdTurn) -> UssdReply:
    """The screen that answers `turn`. Never raises: an internal failure is one END sentence that says what was sent."""
    started = ussd.monotonic()
    attempt = Attempt(ussd, turn, started + ussd.channels[turn.channel].deadline_ms / 1000)
    try:
        reply = _answer(attempt)
    except Exception as error:
        code = error.code if isinstance(error, TurnError) else type(error).__name__
        if isinstance(error, StoreUnavailable | TurnError):
            logs.event("ussd.unavailable", level="error", channel=turn.channel, code=code)
        else:
            logs.failure("ussd.failed", error, channel=turn.channel)
        attempt.outcome = "busy" if code == "busy" else "unavailable"
        attempt.recall()
        reply = attempt.apology(attempt.outcome)
    elapsed = ussd.monotonic() - started
    metrics.ussd_turns.labels(turn.channel, attempt.outcome).inc()
    metrics.ussd_turn_seconds.labels(turn.channel).observe(elapsed)
    logs.event(
        "ussd.turn",
        channel=turn.channel,
        session=dialogues.handle(attempt.key),
        number=msisdn.mask(turn.msisdn),
        network=turn.network,
        screen=attempt.screen,
        outcome=attempt.outcome,
        duration_ms=round(elapsed * 1000, 2),
        submission_id=attempt.submission_id,
    )
    return reply


def _answer(attempt: Attempt) -> UssdReply:
    if msisdn.region_of(attempt.turn.msisdn) not in attempt.ussd.countries:
        attempt.outcome = "foreign"
        return attempt.apology("foreign_number")
    for _ in range(dialogues.ATTEMPTS):
        reply = attempt.run()
        if reply is not None:
            return reply
    raise TurnError("busy")


class OutdatedError(Exception):
    """The remembered record is not the latest any more."""


class Attempt:
    """One try at answering a turn, from the record read to the record committed."""

    def __init__(self, ussd: Ussd, turn: UssdTurn, deadline: float) -> None:
        self.ussd = ussd
        self.turn = turn
        self.deadline = deadline
        self.key = dialogues.key_of(turn.channel, turn.session_id, ussd.digest)
        self.now = ussd.now().astimezone(ussd.timezone)
        self.now_ms = int(self.now.timestamp() * 1000)
        self.menus = ussd.shelf.current
        self.surface = ussd.surface(turn.channel, turn.network)
        self.channel = ussd.channels[turn.channel]
        self.body: Body | None = None
        self.version = 0
        self.guessed = False  #: the record was not read but remembered: no act before it is seen to be the latest
        self.language = self.menus.languages[0]
        self.stored: str | None = None  #: the reference of what this turn stored
        self.submission_id: int | None = None  #: the one that this turn was about
        self.looked_up = False  #: a replay goes no further: what was looked up then may have led to another screen
        self.looking_until: float | None = None  #: when the time for lookups is spent; None before the first one
        self.outcome = "continue"
        self.screen = ""

    def run(self) -> UssdReply | None:
        """The reply, or None when another delivery committed first and this one must start again."""
        guess = self.ussd.sessions.guess(self.key)
        if guess is not None:
            reply = self.answer(guess, guessed=True)
            if reply is not None:
                return reply
        return self.answer(self.ussd.sessions.load(self.key), guessed=False)

    def answer(self, record: Record, guessed: bool) -> UssdReply | None:
        """The reply from this record on; None when it is not the latest. A guess answers only a plain next input."""
        self.version, self.guessed = record.version, guessed
        self.menus = self.ussd.shelf.current  # nothing of an earlier try: this record may tell of another dialogue
        self.body = dialogues.read(record)
        self.language = self.body.language if self.body is not None else self.menus.languages[0]
        self.looked_up = False
        ordered = self.channel.dedupe == "sequence"
        todo = plan(self.body, self.turn, self.ussd.digest, self.now_ms, self.channel.duplicate_window_ms, ordered)
        if guessed and (todo.kind is not Kind.INPUT or "*" in todo.rest):
            return None
        if todo.kind is Kind.CONFLICT or (self.stored is not None and self.lost_to_another(todo)):
            self.outcome = "conflict"
            return self.apology("interrupted")
        if self.body is not None and todo.kind is Kind.REPEAT:
            self.outcome = "repeat"
            return UssdReply(self.body.reply, self.body.final)
        if todo.kind is not Kind.INPUT:
            if self.body is not None and self.body.state is not None:  # cut off, and dialled again
                dialogues.save(self.ussd, self.turn.channel, self.body)
            self.body, self.language = None, self.menus.languages[0]  # a new dialogue, whatever the record held
        try:
            return self.commit(self.unless_stopped(self.follow(todo)))
        except OutdatedError:
            return None

    def unless_stopped(self, step: walk.Step) -> walk.Step:
        """The step, or the end of the dialogue when it enters a service that an operator stopped."""
        body = self.body
        before = session.decode(body.state).service if body is not None and body.state is not None else ""
        state = step.state
        if state.service == before:
            return step
        barred = self.ussd.barred(state.service, state.language, self.ussd.timezone, begun=state.resumed > 0)
        if barred is None:
            return step
        return walk.Step(state, walk.closing(self.menus, self.surface, state, barred.key, barred.values))

    def lost_to_another(self, todo: Plan) -> bool:
        """Whether, once this turn did its act, the record answers another turn and cannot take this one."""
        if self.turn.event is UssdEvent.CUMULATIVE and todo.kind in (Kind.INPUT, Kind.REPLAY):
            return False  # the act is found again under its transcript
        return self.body is None or self.body.mark != self.ussd.digest(self.turn.text)

    def follow(self, todo: Plan) -> walk.Step:
        """Walks the engine as planned, up to a screen to show."""
        if todo.kind is Kind.INPUT:
            return self.take_input(todo)
        if todo.kind is not Kind.LOST:
            greeted = first_screen.greet(self, todo)
            if greeted is not None:
                return greeted
        parts = todo.parts if todo.kind is Kind.REPLAY and not self.menus_changed_lately() else ()
        notice = "error_lost" if todo.kind is Kind.LOST else ""
        opened = walk.open_dialogue(self.menus, self.surface, self.language, self.now, parts, notice)
        used = "*".join(parts[: opened.consumed])
        step = self.settle(opened, used, replay=True)
        if step is None:
            raise TurnError("act_at_entry")
        return self.replay(step, parts[opened.consumed :], used)

    def take_input(self, todo: Plan) -> walk.Step:
        body = self.body
        assert body is not None
        assert body.state is not None
        state = session.decode(body.state)
        if state.offered:
            first, *rest = split(todo.rest) if "*" in todo.rest else todo.parts[:1]
            text = f"{todo.prefix}*{first}" if todo.prefix else first
            step = first_screen.answer_offer(self, state, first, text)
            return step if step.refused else self.replay(step, tuple(rest), text)
        if state.notice:
            first, *rest = split(todo.rest) if "*" in todo.rest else todo.parts[:1]
            text = f"{todo.prefix}*{first}" if todo.prefix else first
            step = first_screen.answer_notice(self, state, first, text)
            return step if step.refused else self.replay(step, tuple(rest), text)
        self.menus = self.ussd.shelf.version(state.menus)
        if "*" in todo.rest and not walk.accepts_star(self.menus, state):  # a turn was missed
            shown = walk.again(self.menus, self.surface, state, self.now)
            reached = self.settle(shown, todo.prefix, replay=True) or shown
            return self.replay(reached, split(todo.rest), todo.prefix)
        step = walk.advance(self.menus, self.surface, state, todo.parts[0], self.now)
        settled = self.settle(step, self.turn.text, replay=False)
        assert settled is not None
        return settled

    def replay(self, step: walk.Step, parts: tuple[str, ...], prefix: str) -> walk.Step:
        """Applies `parts` in order and stops, showing the screen reached, at the first thing it cannot know."""
        done = [prefix] if prefix else []
        for index, part in enumerate(parts):
            final = isinstance(step.effect, Reply) and step.effect.final
            if final or self.looked_up or walk.cannot_replay(self.menus, step.state, len(parts) - index):
                break
            done.append(part)
            moved = walk.advance(self.menus, self.surface, step.state, part, self.now)
            reached = self.settle(moved, "*".join(done), replay=True)
            if reached is None:
                break
            step = reached
            if step.refused:
                break
        return step

    def settle(self, step: walk.Step, text: str, replay: bool) -> walk.Step | None:
        """Meets the engine's needs until it has a screen; None when a replay meets an act that was never done."""

        def meet(met: walk.Step) -> Answer | None:
            assert not isinstance(met.effect, Reply)
            self.language = met.state.language
            return self.meet(met.effect, text, replay)

        def resume(state: session.State, answer: Answer) -> walk.Step:
            return walk.resume(self.menus, self.surface, state, answer, self.now)

        reached = settled(step, meet, resume)
        if reached is not None:
            self.language = reached.state.language
        return reached

    def meet(self, need: Lookup | Act | Call, text: str, replay: bool) -> Answer | None:
        if isinstance(need, Call):
            return self.ussd.handlers[need.handler](need)
        now_s = self.ussd.monotonic()
        left_s = self.deadline - now_s
        if isinstance(need, Lookup):
            if self.looking_until is None:  # all lookups of a turn share one budget
                self.looking_until = now_s + self.ussd.lookup_budget_s
            self.looked_up = True
            return self.ussd.sources[need.source](need, self.caller(), min(left_s, self.looking_until - now_s))
        key = act_key(self.turn, text, self.body, self.version, need.ordinal, self.ussd.digest)
        if replay:
            answer = self.ussd.find_act(key)
        elif left_s <= 0:
            raise TurnError("deadline")
        else:
            self.must_be_latest()
            answer = self.ussd.actions[need.action](need, self.caller(), key)
        self.remember(answer)
        return answer

    def must_be_latest(self) -> None:
        """Before anything durable: a guessed record may be an old one."""
        if self.guessed and self.ussd.sessions.load(self.key).version != self.version:
            raise OutdatedError

    def remember(self, answer: ActAnswer | None) -> None:
        self.submission_id = self.submission_id if answer is None else answer.submission_id or self.submission_id
        reference = answer.values.get("reference") if answer is not None else None
        if answer is not None and answer.outcome == "submitted" and reference is not None:
            self.stored = reference.shown

    def recall(self) -> None:
        """After a failure: whether an earlier delivery of this very turn did its act, which its transcript tells."""
        if self.stored is not None or self.turn.event is not UssdEvent.CUMULATIVE or not self.turn.text:
            return
        try:
            for ordinal in range(NEEDS_PER_TURN):
                key = act_key(self.turn, self.turn.text, self.body, self.version, ordinal, self.ussd.digest)
                self.remember(self.ussd.find_act(key))
        except Exception:  # a failure was reported already; this one only means that nobody knows
            return

    def commit(self, step: walk.Step) -> UssdReply | None:
        """Stores the step and gives its reply; None when another delivery won."""
        reply = step.effect
        assert isinstance(reply, Reply)
        turn, cumulative = self.turn, self.turn.event is UssdEvent.CUMULATIVE
        self.language, self.screen = step.state.language, reply.screen
        self.outcome = "end" if reply.final else "continue"
        body = Body(
            who=self.body.who if self.body is not None else who(turn, self.ussd.digest),
            length=len(turn.text) if cumulative else 0,
            mark=self.ussd.digest(turn.text),
            turn=turn.turn_id or "",
            at_ms=int(self.ussd.now().timestamp() * 1000),  # of the answer: a repetition of a slow turn comes after it
            opened_ms=self.body.opened_ms if self.body is not None else self.now_ms,
            reply=reply.text,
            final=reply.final,
            language=self.language,
            state=None if reply.final else session.encode(step.state),
            trace=traced(self.body, turn.text, self.ussd.digest) if cumulative else b"",
            msisdn=turn.msisdn,
            network=turn.network,
        )
        ttl_s = AFTER_END_S if reply.final else self.channel.session_ttl_s
        opens = counting.opening(turn.channel, turn.network, self.now.date()) if self.version == 0 else None
        try:
            if not self.ussd.sessions.commit(self.key, self.version, dialogues.encode(body), ttl_s * 1000, opens):
                return None
        except StoreUnavailable:
            if not (reply.final and self.stored is not None):
                raise
            # The act is stored and this screen says so: Redis is not needed to tell the citizen.
        return UssdReply(reply.text, reply.final)

    def caller(self) -> Caller:
        turn = self.turn
        return Caller(turn.msisdn, turn.channel, turn.network, self.language, imsi=turn.imsi)

    def menus_changed_lately(self) -> bool:
        """Whether older menus may have shown the screens that a transcript answers."""
        changed_at = self.ussd.shelf.changed_at
        if changed_at is None:
            return False
        return (self.now - changed_at).total_seconds() < self.ussd.session_s(self.turn.network)

    def apology(self, key: str) -> UssdReply:
        """One END sentence; after a failure it says whether something was stored before."""
        if self.stored is not None:
            key = "unavailable_stored"
        values = {"code": self.surface.rules.service_code, "reference": self.stored or ""}
        text = compose.text(self.menus, key, self.language, values)
        plain = transliterate.plain(text).text if self.surface.alphabet == "gsm7" else text
        return UssdReply(pages.cut(plain, self.surface.max_units, self.surface.alphabet), final=True)
