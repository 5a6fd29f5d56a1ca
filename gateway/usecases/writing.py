"""The one place that writes an SMS: who may be written to, by which sender, in which alphabet, at what cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway import logs
from gateway.messages import Category
from gateway.settings import Sender, Settings
from gateway.store import holdings, mts, outbox
from gateway.store.db import Connection
from gateway.store.mts import NewMt
from gateway.text import fit
from gateway.usecases import preferences, spend
from gateway.usecases.parts import Parts
from gateway.usecases.preferences import Preferences

URGENT = "urgent"
#: The smallest leaves first: an answer is waited for, a récépissé comes before the notices of others.
REPLY_PRIORITY, RECEIPT_PRIORITY, NOTICE_PRIORITY = 5, 10, 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """An SMS to write.

    `sender`: its key in gateway.yaml, None for the default one. `order_key`: those of one key leave in order.
    `validity_s`: None for that of its category. `private`: never shown again to anybody. `caused_by`: the service id
    (or "sms") of what a citizen did to cause it, which the ceilings count; None when no citizen did. `policy`: None
    for the sender's. `topic`: what she must have asked to hear of, None when it is about nothing of the kind.
    """

    holding_id: int
    msisdn: str = field(repr=False)
    text: str = field(repr=False)
    template: str
    category: Category
    language: str
    sender: str | None = None
    lane: str = URGENT
    priority: int = NOTICE_PRIORITY
    order_key: str | None = None
    validity_s: float | None = None
    submission_id: int | None = None
    mo_id: int | None = None
    private: bool = False
    network: str = ""
    caused_by: str | None = None
    policy: fit.Policy | None = None
    topic: str | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """An SMS that is stored."""

    mt_id: int
    segments: int
    cost_f: int  #: F CFA


def write(conn: Connection, parts: Parts, text: Text, now: datetime) -> int | None:
    """The id of the stored SMS, with its outbox row; None when it must not leave, which is logged.

    Withheld: by a ceiling, from a number that is not answered, because the citizen refused it, or because no sender
    is registered with her operator. Announce the lane after the commit.
    """
    ready = _ready(conn, parts, (text,), now)[0]
    if isinstance(ready, str):
        return None
    mt = mts.insert(conn, parts.seals, ready, now)
    outbox.add(conn, text.lane, "mt", mt, text.order_key, text.priority, now, now)
    logs.event("mt.written", mt_id=mt, submission_id=text.submission_id, category=text.category, sender=ready.sender)
    return mt


def write_many(
    conn: Connection, parts: Parts, texts: Sequence[Text], lane: str, priority: int, now: datetime
) -> tuple[Written | str, ...]:
    """As `write`, for texts of one lane that keep no order: for each what was stored, or why it must not leave."""
    ready = _ready(conn, parts, texts, now)
    new = [one for one in ready if not isinstance(one, str)]
    ids = mts.insert_many(conn, parts.seals, new, now)
    outbox.add_mts(conn, lane, ids, priority, now)
    stored = iter(ids)
    return tuple(one if isinstance(one, str) else Written(next(stored), one.segments, one.cost_f) for one in ready)


def sender_for(settings: Settings, wanted: str | None, network: str) -> str | None:
    """The sender that the operator of `network` carries; None when neither the wanted one nor its fallback is."""
    first = wanted if wanted is not None and wanted in settings.senders else settings.sms.sender
    operator = settings.operator_id(network)
    for key in (first, settings.senders[first].fallback):
        if key is None:
            continue
        registered = settings.senders[key].registered
        if registered is None or operator is None or operator in registered:
            return key
    return None


def _ready(conn: Connection, parts: Parts, texts: Sequence[Text], now: datetime) -> list[NewMt | str]:
    """For each text what is to be stored, or why it must not leave; what citizens caused is counted."""
    nameless = [text.holding_id for text in texts if not text.network]
    networks = holdings.networks_of(conn, nameless) if nameless else {}
    chosen = preferences.refusals(conn, [text.holding_id for text in texts if text.category is not Category.VITAL])
    found: list[NewMt | str] = []
    for text in texts:
        key = sender_for(parts.settings, text.sender, text.network or networks.get(text.holding_id, ""))
        why = "unregistered" if key is None else _withheld(parts, text, chosen, parts.settings.sender_of(key))
        if key is None or why:
            found.append(why)
            _log_withheld(text, why)
            continue
        sender = parts.settings.sender_of(key)
        fitted = fit.fit(text.text, text.policy or sender.transliteration, sender.appends)
        if text.caused_by is not None and not spend.take(
            conn, parts, text.msisdn, text.caused_by, key, fitted.segments, text.category, now
        ):
            found.append("ceiling")
        else:
            found.append(_new_mt(parts, text, key, fitted, now))
    return found


def _new_mt(parts: Parts, text: Text, key: str, fitted: fit.Fitted, now: datetime) -> NewMt:
    sender = parts.settings.sender_of(key)
    return NewMt(
        holding_id=text.holding_id,
        msisdn=text.msisdn,
        channel=sender.channel,
        sender=key,
        text=fitted.text,
        encoding=fitted.encoding,
        segments=fitted.segments,
        template=text.template,
        category=text.category,
        language=text.language,
        valid_until=now + timedelta(seconds=_validity_s(parts, text)),
        submission_id=text.submission_id,
        private=text.private,
        mo_id=text.mo_id,
        cost_f=fitted.segments * sender.cost_f,
    )


def _log_withheld(text: Text, why: str) -> None:
    serious = text.category is Category.VITAL or why == "unregistered"
    logs.event(
        "mt.withheld",
        level="error" if serious else "info",
        template=text.template,
        category=text.category,
        submission_id=text.submission_id,
        code=why,
    )


def _withheld(parts: Parts, text: Text, chosen: Mapping[int, Preferences], sender: Sender) -> str:
    """Why the SMS must not be written, "" when it may. A vital one is: staff see what becomes of it."""
    if text.caused_by is not None and not spend.answerable(parts, text.msisdn):
        return "not_answered"
    if text.category is Category.VITAL:
        return ""
    return "refused" if chosen[text.holding_id].refuses(text.category, sender.channel, text.topic) else ""


def _validity_s(parts: Parts, text: Text) -> float:
    if text.validity_s is not None:
        return text.validity_s
    sms = parts.settings.sms
    return sms.reply_validity_s if text.category is Category.REPLY else sms.validity_s
