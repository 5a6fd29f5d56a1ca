"""The record of a dialogue, from outside a turn: how it is named, read, closed, and saved when it dropped."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from gateway import logs, metrics
from gateway.engine import session
from gateway.messages import EndStatus, UssdEnd
from gateway.store.db import StoreUnavailable
from gateway.store.sessions import AFTER_END_S, Record
from gateway.usecases.caller import Caller
from gateway.usecases.shelf import VersionLost
from gateway.usecases.transcripts import Body, Hash
from gateway.usecases.ussd_parts import Ussd

#: A dialogue nobody answers is saved this long before its record expires: four rounds of the upkeep.
SWEEP_BEFORE_S = 120
#: How often whoever lost the race to commit starts again.
ATTEMPTS = 3

_decode = msgspec.msgpack.Decoder(Body).decode
#: The bytes of a Body, before they are sealed.
encode = msgspec.msgpack.Encoder().encode


def key_of(channel: str, session_id: str, digest: Hash) -> str:
    """The record's key in Redis; the aggregator's session id, which may be a phone number, is only in its hash."""
    return f"ussd:{channel}:{digest(session_id).hex()}"


def take_end(ussd: Ussd, end: UssdEnd) -> None:
    """Closes a dialogue as the aggregator tells it ended. Raises StoreUnavailable, so that the event is sent again."""
    metrics.ussd_ends.labels(end.channel, end.status).inc()
    key = key_of(end.channel, end.session_id, ussd.digest)
    _close(ussd, key, dropped=end.status is not EndStatus.COMPLETED)
    logs.event("ussd.ended", channel=end.channel, session=handle(key), status=end.status, turns=end.turns)


def sweep_dropped(ussd: Ussd) -> int:
    """Saves the dialogues that are about to be forgotten, each well after its network closed it; how many."""
    saved = 0
    for key in ussd.sessions.expiring(SWEEP_BEFORE_S):
        try:
            saved += _close(ussd, key, dropped=True)
        except StoreUnavailable:
            raise
        except Exception as error:  # one record that cannot be read must not cost the others
            logs.failure("dialogue.not_saved", error, session=handle(key))
    return saved


def _close(ussd: Ussd, key: str, dropped: bool) -> bool:
    """Leaves only the last reply in a record, after a copy of a dropped dialogue was saved to be taken up again."""
    for _ in range(ATTEMPTS):
        record = ussd.sessions.load(key)
        body = read(record)
        if body is None or body.state is None:
            return False
        if dropped:
            save(ussd, key.split(":")[1], body)
        closed = msgspec.structs.replace(body, state=None, final=True)
        if ussd.sessions.commit(key, record.version, encode(closed), AFTER_END_S * 1000):
            return True
    return False


def save(ussd: Ussd, channel: str, body: Body) -> None:
    """Copies a dropped dialogue to the database, unless its menus are gone."""
    assert body.state is not None
    state = session.decode(body.state)
    try:
        menus = ussd.shelf.version(state.menus)
    except VersionLost:
        logs.event("dialogue.not_saved", level="error", channel=channel, code="version_lost")
        return
    at = datetime.fromtimestamp((body.at_ms + 1) / 1000, UTC)  # what its own turn ended came before its answer
    ussd.save_dropped(menus, state, Caller(body.msisdn, channel, body.network, body.language), at)


def read(record: Record) -> Body | None:
    """What a record holds; one that another release wrote in another form is as good as none."""
    try:
        return _decode(record.body) if record.body is not None else None
    except msgspec.MsgspecError:
        return None


def handle(key: str) -> str:
    """A dialogue as logs name it: never a run of digits that could be taken for a number."""
    return f"s-{key[-12:-8]}-{key[-8:-4]}-{key[-4:]}"
