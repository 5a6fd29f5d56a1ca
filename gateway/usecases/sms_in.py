"""SMS from citizens: stored first, answered by a worker, each once.

The answer, the conversation and the work done are one transaction. What the answer needed before (look-ups, demands)
is found again under the same act keys when a worker died in between: an SMS that is handled twice has one effect.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from gateway import logs
from gateway.engine import compose
from gateway.messages import Category, MoSms
from gateway.store import conversations, mos, outbox
from gateway.store import holdings as stored_holdings
from gateway.store.db import Connection, StoreUnavailable
from gateway.store.mos import MoState, StoredMo
from gateway.store.outbox import Claimed
from gateway.store.sealed import SealBroken
from gateway.text import msisdn, transliterate
from gateway.usecases import holdings as held
from gateway.usecases import preferences, spend, writing
from gateway.usecases.backoff import wait_s
from gateway.usecases.parts import Parts
from gateway.usecases.sms_answers import Answered, Asked, answer
from gateway.usecases.talk import Talk

STORED, DUPLICATE, NOT_ANSWERED = "stored", "duplicate", "not_answered"
LANE = writing.URGENT
#: Tries to handle one SMS: a fault of ours is not mended by the tenth.
_ATTEMPTS = 5
_FIRST_RETRY_S, _LONGEST_RETRY_S = 2.0, 60.0
#: SMS of one number in loop_window_s: no person texts faster, a machine that answers us does.
_FLOOD = 30


class _OvertakenError(Exception):
    """The conversation moved, or the row is no longer mine: nothing of this handling is kept."""


def take_mo(parts: Parts, mo: MoSms, now: datetime) -> str:
    """What became of a delivered SMS: STORED, DUPLICATE or NOT_ANSWERED. Raises StoreUnavailable: deliver it again.

    NOT_ANSWERED: kept, but nobody will be answered: another country's number, one that is no mobile's, or our own.
    """
    ours = {sender.short_code for sender in parts.settings.senders.values()} | {
        sender.name for sender in parts.settings.senders.values()
    }
    answerable = spend.answerable(parts, mo.msisdn) and mo.msisdn.lstrip("+") not in ours
    with parts.database.begin() as conn:
        mo_id = mos.add(conn, parts.seals, mo, now)
        if mo_id is not None and answerable:
            key = mos.order_key(stored_holdings.digest_of(parts.seals, mo.msisdn))
            outbox.add(conn, LANE, "mo", mo_id, key, writing.REPLY_PRIORITY, now, now)
        elif mo_id is not None:
            mos.settle(conn, mo_id, MoState.IGNORED, NOT_ANSWERED, now)
    outcome = DUPLICATE if mo_id is None else STORED if answerable else NOT_ANSWERED
    if outcome == STORED:
        parts.announce((LANE,))
    logs.event("mo.taken", mo_id=mo_id, channel=mo.channel, number=msisdn.mask(mo.msisdn), outcome=outcome)
    return outcome


def handle(talk: Talk, row: Claimed) -> None:
    """Answers one claimed SMS and settles it. Raises StoreUnavailable: its lease ends, and it is handled again."""
    about: int | None = None
    try:
        outcome, about = _handle(talk, row)
    except StoreUnavailable:
        raise
    except _OvertakenError:
        outcome = "overtaken"
        _later(talk.parts, row, outcome)
    except Exception as error:
        logs.failure("mo.failed", error, mo_id=row.target_id)
        outcome = "failed"
        _later(talk.parts, row, outcome)
    logs.event("mo.handled", mo_id=row.target_id, submission_id=about, outcome=outcome, attempt=row.attempts + 1)


def _handle(talk: Talk, row: Claimed) -> tuple[str, int | None]:
    """The outcome, and the submission that it was about."""
    asked = _begin(talk.parts, row)
    if isinstance(asked, str):
        return asked, None
    answered = _loop(talk.parts, asked, answer(talk, asked))
    with talk.parts.database.begin() as conn:
        outcome = _commit(conn, talk.parts, row, asked, answered)
    talk.parts.announce((LANE,))
    return outcome, answered.submission_id


def _begin(parts: Parts, row: Claimed) -> Asked | str:
    """The SMS with all that its answer depends on, its attempt counted; the outcome when there is nothing to do."""
    now = parts.now()
    with parts.database.begin() as conn:
        try:
            mo = mos.by_id(conn, parts.seals, row.target_id)
        except SealBroken:
            outbox.dead(conn, row.id, row.token, "unreadable", now)
            return "unreadable"
        if mo is None or mo.state is not MoState.RECEIVED or mo.msisdn is None or mo.text is None:
            outbox.done(conn, row.id, row.token, "not_needed", now)
            return "not_needed"
        if outbox.start_call(conn, row.id, row.token, now) is None:
            return "lost"
        if mos.count_since(conn, parts.seals, mo.msisdn, _window(parts, now), _FLOOD + 1) > _FLOOD:
            _ignore(conn, row, mo, "flood", now)
            return "flood"
        holding = held.met(conn, parts, mo.msisdn, now, mo.network)
        conversation = conversations.load(conn, parts.seals, holding)
        chosen = preferences.of(conn, holding)
    return Asked(
        mo_id=mo.id,
        external=f"{mo.channel}|{mo.external_id}",
        msisdn=mo.msisdn,
        text=mo.text,
        network=mo.network,
        channel=mo.channel,
        received_at=mo.received_at,
        sender=parts.settings.reply_sender(mo.to),
        holding_id=holding,
        language=chosen.language,
        conversation=replace(conversation, channel=mo.channel, short_code=mo.to),
    )


def _loop(parts: Parts, asked: Asked, answered: Answered) -> Answered:
    """The answer, or silence when the same text comes again and again: two machines must not talk for ever.

    An answer that moved a dialogue on is never counted: a citizen may well choose 1 on every screen.
    """
    now, before = parts.now(), answered.conversation
    digest = parts.seals.digest("mo_text", transliterate.fold(asked.text))
    if answered.moved:
        return replace(answered, conversation=replace(before, last_digest=None, repeats=0, repeats_since=None))
    since = before.repeats_since
    again = before.last_digest == digest and since is not None and since > _window(parts, now)
    repeats = before.repeats + 1 if again else 1
    counted = replace(before, last_digest=digest, repeats=repeats, repeats_since=since if again else now)
    if repeats <= parts.settings.sms.loop_messages:
        return replace(answered, conversation=counted)
    if repeats == parts.settings.sms.loop_messages + 1:
        logs.event("mo.loop", level="warning", mo_id=asked.mo_id, channel=asked.channel)
    return replace(answered, conversation=counted, text="", outcome="loop")


def _commit(conn: Connection, parts: Parts, row: Claimed, asked: Asked, answered: Answered) -> str:
    now = parts.now()
    if not outbox.done(conn, row.id, row.token, answered.outcome, now):
        raise _OvertakenError
    if not conversations.save(conn, parts.seals, answered.conversation, now):
        raise _OvertakenError
    text = answered.text
    if answered.effect is not None:
        text = answered.effect(conn) or ""
    outcome = answered.outcome
    if text:
        written = writing.write(conn, parts, _reply(asked, answered, text), now)
        outcome = outcome if written is not None else "withheld"
    _tell_notice(conn, parts, asked, answered, now)
    mos.settle(conn, asked.mo_id, MoState.HANDLED, outcome, now)
    return outcome


def _tell_notice(conn: Connection, parts: Parts, asked: Asked, answered: Answered, now: datetime) -> None:
    """The privacy notice, once to each number, after the answer to its first SMS."""
    version, holding = parts.settings.privacy.notice, answered.conversation.holding_id
    held_now = stored_holdings.by_id(conn, holding)
    if not version or held_now is None or held_now.notice == version or answered.outcome == "loop":
        return
    text = compose.text(parts.shelf.current, "sms_privacy", answered.language, _code(parts))
    notice = replace(answered, template="sms_privacy", private=False, service="")
    if writing.write(conn, parts, _reply(asked, notice, text), now) is not None:
        stored_holdings.note_notice(conn, holding, version, now)


def _code(parts: Parts) -> dict[str, str]:
    return {"code": parts.settings.service_code}


def _reply(asked: Asked, answered: Answered, text: str) -> writing.Text:
    return writing.Text(
        holding_id=answered.conversation.holding_id,  # not the one that the answer closed
        msisdn=asked.msisdn,
        text=text,
        template=answered.template,
        category=Category.REPLY,
        language=answered.language,
        sender=asked.sender,
        priority=writing.REPLY_PRIORITY,
        order_key=f"holding:{answered.conversation.holding_id}",
        mo_id=asked.mo_id,
        private=answered.private,
        network=asked.network,
        caused_by=answered.service or "sms",
    )


def _later(parts: Parts, row: Claimed, code: str) -> None:
    """Tries again later; after the last try a person must look, and the citizen is told to try again."""
    now, tries = parts.now(), row.attempts + 1
    with parts.database.begin() as conn:
        if tries < _ATTEMPTS:
            delay_s = wait_s(tries, _FIRST_RETRY_S, _LONGEST_RETRY_S, None, parts.random_bytes)
            outbox.retry(conn, row.id, row.token, now + timedelta(seconds=delay_s), code, now)
            return
        if not outbox.dead(conn, row.id, row.token, code, now):
            return
        mo = mos.by_id(conn, parts.seals, row.target_id)
        if mo is not None and mo.msisdn is not None and mos.settle(conn, mo.id, MoState.IGNORED, code, now):
            _apologise(conn, parts, mo, mo.msisdn, now)
    logs.event("mo.dead", level="error", mo_id=row.target_id, code=code)
    parts.announce((LANE,))


def _apologise(conn: Connection, parts: Parts, mo: StoredMo, number: str, now: datetime) -> None:
    holding = held.met(conn, parts, number, now)
    menus = parts.shelf.current
    language = preferences.of(conn, holding).language or menus.languages[0]
    text = writing.Text(
        holding_id=holding,
        msisdn=number,
        text=compose.text(menus, "unavailable", language, {}),
        template="unavailable",
        category=Category.REPLY,
        language=language,
        sender=parts.settings.reply_sender(mo.to),
        mo_id=mo.id,
        network=mo.network,
        caused_by="sms",
    )
    writing.write(conn, parts, text, now)


def _ignore(conn: Connection, row: Claimed, mo: StoredMo, code: str, now: datetime) -> None:
    if outbox.done(conn, row.id, row.token, code, now):
        mos.settle(conn, mo.id, MoState.IGNORED, code, now)
        logs.event("mo.loop", level="warning", mo_id=mo.id, channel=mo.channel, code=code)


def _window(parts: Parts, now: datetime) -> datetime:
    return now - timedelta(seconds=parts.settings.sms.loop_window_s)
