"""What we know of one number's SMS: the dialogue under way, a near miss that waits for OUI, when it was last helped."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import or_, select, update

from gateway.store.db import Connection, insert_into
from gateway.store.sealed import SealBroken, Seals
from gateway.store.tables import conversations

STATE = "conversations.state_sealed"
_PROPOSAL = "conversations.proposal_sealed"


@dataclass(frozen=True, slots=True)
class Conversation:
    """One per holding. `version` is 0 for one that was never saved; change others with `dataclasses.replace`.

    `state` is the engine's, encoded, None when no dialogue is under way; `proposal` is the command line that OUI would
    run. `last_digest` of the last text, received `repeats` times since `repeats_since`.
    """

    holding_id: int
    version: int = 0
    channel: str = ""
    short_code: str = ""
    state: bytes | None = field(default=None, repr=False)
    dialogue_until: datetime | None = None
    proposal: str | None = field(default=None, repr=False)
    proposal_until: datetime | None = None
    helped_at: datetime | None = None
    last_digest: bytes | None = None
    repeats: int = 0
    repeats_since: datetime | None = None


def load(conn: Connection, seals: Seals, holding_id: int) -> Conversation:
    """The conversation of a holding; an empty one when there is none. What cannot be opened any more is left out."""
    row = conn.execute(select(conversations).where(conversations.c.holding_id == holding_id)).one_or_none()
    if row is None:
        return Conversation(holding_id)
    state, proposal = _opened(seals, row.state_sealed, STATE), _opened(seals, row.proposal_sealed, _PROPOSAL)
    return Conversation(
        holding_id=holding_id,
        version=row.version,
        channel=row.channel,
        short_code=row.short_code,
        state=state,
        dialogue_until=row.dialogue_until,
        proposal=None if proposal is None else proposal.decode(),
        proposal_until=row.proposal_until,
        helped_at=row.helped_at,
        last_digest=row.last_digest,
        repeats=row.repeats,
        repeats_since=row.repeats_since,
    )


def save(conn: Connection, seals: Seals, conversation: Conversation, now: datetime) -> bool:
    """Whether it was stored as the next version; False when it is no longer the latest: load it again."""
    state, proposal = conversation.state, conversation.proposal
    values = {
        "channel": conversation.channel,
        "short_code": conversation.short_code,
        "state_sealed": None if state is None else seals.seal_bytes(state, STATE),
        "dialogue_until": conversation.dialogue_until,
        "proposal_sealed": None if proposal is None else seals.seal(proposal, _PROPOSAL),
        "proposal_until": conversation.proposal_until,
        "helped_at": conversation.helped_at,
        "last_digest": conversation.last_digest,
        "repeats": conversation.repeats,
        "repeats_since": conversation.repeats_since,
        "version": conversation.version + 1,
        "updated_at": now,
    }
    if conversation.version == 0:
        first = insert_into(conn, conversations).values(holding_id=conversation.holding_id, **values)
        made = first.on_conflict_do_nothing().returning(conversations.c.holding_id)
        return conn.execute(made).scalar_one_or_none() is not None
    c = conversations.c
    latest = update(conversations).where(c.holding_id == conversation.holding_id, c.version == conversation.version)
    return conn.execute(latest.values(values)).rowcount == 1


def end(conn: Connection, holding_id: int, now: datetime) -> None:
    """What was under way in a holding is over, and what was typed in it is erased."""
    c = conversations.c
    nothing = {"state_sealed": None, "dialogue_until": None, "proposal_sealed": None, "proposal_until": None}
    over = update(conversations).where(c.holding_id == holding_id)
    conn.execute(over.values({**nothing, "version": c.version + 1, "updated_at": now}))


def forget(conn: Connection, now: datetime) -> int:
    """How many conversations lost a dialogue or a proposal that is over: what was typed is erased with it."""
    c = conversations.c
    over = or_(
        c.state_sealed.is_not(None) & (c.dialogue_until <= now - timedelta(hours=1)),
        c.proposal_sealed.is_not(None) & (c.proposal_until <= now - timedelta(hours=1)),
    )
    rows = conn.execute(select(c.holding_id, c.dialogue_until, c.proposal_until).where(over)).all()
    for row in rows:
        values: dict[str, object] = {"version": c.version + 1, "updated_at": now}
        if row.dialogue_until is not None and row.dialogue_until <= now - timedelta(hours=1):
            values |= {"state_sealed": None, "dialogue_until": None}
        if row.proposal_until is not None and row.proposal_until <= now - timedelta(hours=1):
            values |= {"proposal_sealed": None, "proposal_until": None}
        conn.execute(update(conversations).where(c.holding_id == row.holding_id).values(values))
    return len(rows)


def _opened(seals: Seals, sealed: bytes | None, where: str) -> bytes | None:
    try:
        return None if sealed is None else seals.open_bytes(sealed, where)
    except SealBroken:
        return None
