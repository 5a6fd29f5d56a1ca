"""The one place that writes an SMS: who may be written to, by which sender, in which alphabet, at what cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway import logs
from gateway.messages import Category
from gateway.settings import Sender
from gateway.store import holdings, mts, outbox
from gateway.store.db import Connection
from gateway.text import fit
from gateway.usecases import preferences, spend
from gateway.usecases.parts import Parts

URGENT = "urgent"
#: The smallest leaves first: an answer is waited for, a récépissé comes before the notices of others.
REPLY_PRIORITY, RECEIPT_PRIORITY, NOTICE_PRIORITY = 5, 10, 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """An SMS to write.

    `sender`: its key in gateway.yaml, None for the default one. `order_key`: those of one key leave in order.
    `validity_s`: None for that of its category. `private`: never shown again to anybody. `caused_by`: the service id
    (or "sms") of what a citizen did to cause it, which the ceilings count; None when no citizen did.
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


def write(conn: Connection, parts: Parts, text: Text, now: datetime) -> int | None:
    """The id of the stored SMS, with its outbox row; None when it must not leave, which is logged.

    Withheld: by a ceiling, from a number that is not answered, because the citizen refused it, or because no sender
    is registered with her operator. Announce the lane after the commit.
    """
    key = _sender_for(conn, parts, text)
    why = "unregistered" if key is None else _withheld(conn, parts, text, parts.settings.sender_of(key))
    if key is None or why:
        serious = text.category is Category.VITAL or why == "unregistered"
        logs.event(
            "mt.withheld",
            level="error" if serious else "info",
            template=text.template,
            category=text.category,
            submission_id=text.submission_id,
            code=why,
        )
        return None
    sender = parts.settings.sender_of(key)
    fitted = fit.fit(text.text, sender.transliteration, sender.appends)
    if text.caused_by is not None and not spend.take(
        conn, parts, text.msisdn, text.caused_by, key, fitted.segments, text.category, now
    ):
        return None
    new = mts.NewMt(
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
    mt = mts.insert(conn, parts.seals, new, now)
    outbox.add(conn, text.lane, "mt", mt, text.order_key, text.priority, now, now)
    logs.event("mt.written", mt_id=mt, submission_id=text.submission_id, category=text.category, sender=key)
    return mt


def _sender_for(conn: Connection, parts: Parts, text: Text) -> str | None:
    """The sender that the citizen's operator carries; None when neither the wanted one nor its fallback is."""
    settings = parts.settings
    wanted = text.sender if text.sender in settings.senders else settings.sms.sender
    network = text.network or holdings.networks_of(conn, (text.holding_id,)).get(text.holding_id, "")
    operator = settings.operator_id(network)
    for key in (wanted, settings.senders[wanted].fallback):
        if key is None:
            continue
        registered = settings.senders[key].registered
        if registered is None or operator is None or operator in registered:
            return key
    return None


def _withheld(conn: Connection, parts: Parts, text: Text, sender: Sender) -> str:
    """Why the SMS must not be written, "" when it may. A vital one is: staff see what becomes of it."""
    if text.caused_by is not None and not spend.answerable(parts, text.msisdn):
        return "not_answered"
    if text.category is Category.VITAL:
        return ""
    chosen = preferences.of(conn, text.holding_id)
    return "refused" if chosen.refuses(text.category, sender.channel) else ""


def _validity_s(parts: Parts, text: Text) -> float:
    if text.validity_s is not None:
        return text.validity_s
    sms = parts.settings.sms
    return sms.reply_validity_s if text.category is Category.REPLY else sms.validity_s
