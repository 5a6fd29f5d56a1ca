"""What a person may see of SMS: masked numbers, states in words, and texts only when he says why he needs them."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway import logs
from gateway.messages import Category, MtState
from gateway.store import holdings, mts, outbox, stops
from gateway.store.db import Connection
from gateway.store.mt_texts import WITH_A_CODE
from gateway.store.mts import Mt, MtEvent
from gateway.store.outbox import OutboxRow
from gateway.store.sealed import SealBroken
from gateway.text import fit, msisdn
from gateway.usecases import holdings as held
from gateway.usecases import mt_words, writing
from gateway.usecases.parts import Parts

_HIDDEN = "***"


@dataclass(frozen=True, slots=True)
class Line:
    """One SMS in a list; `number` is masked, `said` is its state in words."""

    mt: Mt
    number: str
    said: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """All that is known of one SMS; `text` is None unless it was asked for."""

    line: Line
    events: tuple[MtEvent, ...]
    work: tuple[OutboxRow, ...]
    text: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Preview:
    """What an SMS would be."""

    text: str = field(repr=False)
    encoding: str
    segments: int
    cost_f: int
    sender: str


def list_sms(
    parts: Parts,
    limit: int,
    language: str,
    state: MtState | None = None,
    number: str | None = None,
    otherwise: bool = False,
) -> tuple[Line, ...]:
    """The newest SMS: in a state, to a number (E.164), of people to be reached otherwise, when asked.

    Raises StoreUnavailable.
    """
    with parts.database.read() as conn:
        found = mts.list_page(
            conn,
            limit,
            state=state,
            digest=None if number is None else holdings.digest_of(parts.seals, number),
            reasons=mt_words.REACH_OTHERWISE if otherwise else None,
            category=Category.VITAL if otherwise else None,
        )
        return tuple(_line(conn, parts, mt, language) for mt in found)


def show(parts: Parts, mt_id: int, language: str, *, reader: str | None = None) -> Sheet | None:
    """One SMS with its moves, None when there is none. `reader`: who reads its text, which is kept.

    A text that holds a one-time code is shown to nobody.
    Raises StoreUnavailable.
    """
    with parts.database.begin() as conn:
        mt = mts.by_id(conn, mt_id)
        if mt is None:
            return None
        text = None
        if reader is not None:
            found = mts.for_sending(conn, parts.seals, (mt_id,)).get(mt_id)
            text = _HIDDEN if mt.template in WITH_A_CODE else "" if found is None else found.text
            stops.note_act(conn, reader, "sms.read", f"mt:{mt_id}", "", parts.now())
        return Sheet(
            line=_line(conn, parts, mt, language),
            events=mts.events_of(conn, mt_id),
            work=outbox.of_target(conn, "mt", mt_id),
            text=text,
        )


def preview(parts: Parts, text: str, sender: str | None) -> Preview:
    """What `text` would be when sent by `sender` (the default one when None)."""
    key = sender or parts.settings.sms.sender
    by = parts.settings.sender_of(key)
    fitted = fit.fit(text, by.transliteration, by.appends)
    return Preview(fitted.text, fitted.encoding, fitted.segments, fitted.segments * by.cost_f, key)


def send(parts: Parts, number: str, text: str, category: Category, sender: str | None, who: str) -> int | None:
    """The id of an SMS that a person sends to one number (E.164); None when it must not leave: the log says why.

    Raises StoreUnavailable.
    """
    now = parts.now()
    with parts.database.begin() as conn:
        holding = held.addressed(conn, parts, number, now)
        language = parts.shelf.current.languages[0]
        new = writing.Text(
            holding_id=holding,
            msisdn=number,
            text=text,
            template="operator",
            category=category,
            language=language,
            sender=sender,
        )
        mt = writing.write(conn, parts, new, now)
        stops.note_act(conn, who, "sms.send", f"mt:{mt or ''}", category.value, now)
    if mt is not None:
        parts.announce((writing.URGENT,))
    logs.event("mt.ordered", mt_id=mt, category=category)
    return mt


def _line(conn: Connection, parts: Parts, mt: Mt, language: str) -> Line:
    channel = parts.settings.channels.get(mt.channel)
    try:
        number = msisdn.mask(holdings.msisdn_of(conn, parts.seals, mt.holding_id))
    except SealBroken:
        number = "?"
    said = mt_words.words(mt.state, channel.dlr if channel else "none", language, mt.reason)
    return Line(mt, number, said)
