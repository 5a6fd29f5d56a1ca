"""Reading again, by USSD, the last SMS that the calling number was sent: for those who deleted or never got them.

Whoever holds the phone sees them: nothing sensitive is among them and no code is shown, not even that of a récépissé.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

from gateway import logs
from gateway.engine.outcomes import Item, Lookup, LookupAnswer, Saved
from gateway.store import my_messages
from gateway.store.db import Connection, StoreUnavailable
from gateway.store.my_messages import OwnMessage
from gateway.usecases import holdings as held
from gateway.usecases.caller import Caller
from gateway.usecases.parts import Parts

LISTED = 5
SINCE = timedelta(days=30)
#: What a line holds beside its number (menus/mes-messages.yaml).
LINE_SIZE = 30
#: SMS that are nothing without their code.
_ONLY_A_CODE = ("resume_sms",)
#: The verification code stands alone; a reference is shown in groups of four.
_VERIFICATION = re.compile(r"(?<!\d)\d{6}(?!\d)")
_HIDDEN = "******"
_UNAVAILABLE = LookupAnswer("unavailable")


def latest(parts: Parts, lookup: Lookup, caller: Caller, left_s: float) -> LookupAnswer:
    """The source `my_messages`: the last five of thirty days, as lines `23/11 Récépissé 4821..`; ids are the SMS's."""
    del lookup

    def lines(conn: Connection, holding: int) -> LookupAnswer:
        since = parts.now() - SINCE
        mine = my_messages.latest(conn, parts.seals, holding, since, _ONLY_A_CODE, LISTED)
        return LookupAnswer("found", items=tuple(Item(str(one.id), _line(parts, one)) for one in mine))

    return _asked(parts, "my_messages", caller, left_s, lines, LookupAnswer("found"))


def one(parts: Parts, lookup: Lookup, caller: Caller, left_s: float) -> LookupAnswer:
    """The source `my_message`: the `day` and the whole `text` of `args["id"]`; `none` when it is not hers to read."""
    given = str(lookup.args.get("id", ""))
    none = LookupAnswer("none")
    if not (given.isascii() and given.isdigit() and len(given) <= 18):  # a row id is below 2**63
        return none

    def words(conn: Connection, holding: int) -> LookupAnswer:
        found = my_messages.one(conn, parts.seals, holding, parts.now() - SINCE, _ONLY_A_CODE, int(given))
        if found is None:
            return none
        return LookupAnswer("found", {"day": Saved(_day(parts, found, "%d/%m/%Y")), "text": Saved(_shown(found))})

    return _asked(parts, "my_message", caller, left_s, words, none)


def _asked(
    parts: Parts,
    source: str,
    caller: Caller,
    left_s: float,
    read: Callable[[Connection, int], LookupAnswer],
    nothing: LookupAnswer,
) -> LookupAnswer:
    if left_s <= 0:
        return _UNAVAILABLE
    try:
        with parts.database.read() as conn:
            holding = held.find(conn, parts, caller.msisdn, caller.imsi)
            return nothing if holding is None else read(conn, holding)
    except StoreUnavailable as error:
        logs.event("lookup.unavailable", level="warning", source=source, why=error.why)
        return _UNAVAILABLE


def _line(parts: Parts, one: OwnMessage) -> str:
    """The day and the first whole words."""
    line = _day(parts, one, "%d/%m")
    words = _shown(one).split()
    for place, word in enumerate(words):
        longer = f"{line} {word}"
        if len(longer) > LINE_SIZE - (2 if place + 1 < len(words) else 0):  # room for the two dots
            return f"{line}.."
        line = longer
    return line


def _shown(one: OwnMessage) -> str:
    return _VERIFICATION.sub(_HIDDEN, one.text) if one.template.startswith("receipt") else one.text


def _day(parts: Parts, one: OwnMessage, form: str) -> str:
    return one.at.astimezone(parts.zone).strftime(form)
