"""Work promised and done, bounds, stops, versions, signs of life."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Date, Index, Integer, LargeBinary, Table

from gateway.store.columns import Instant, RowId, binary, instant, one_of, refers_to, row_id, text, where, words_of
from gateway.store.tables.base import KINDS, LANES, OPEN_OUTBOX, OutboxState, metadata

acts = Table(
    "acts",
    metadata,
    Column("act_key", LargeBinary, primary_key=True),
    text("action", 64),
    text("outcome", 64),
    binary("values_sealed"),
    instant("created_at"),
    Index("ix_acts_created_at", "created_at"),
)

outbox = Table(
    "outbox",
    metadata,
    row_id(),
    text("lane", 16),
    text("kind", 16),
    Column("target_id", RowId, nullable=False),  # the id of an SMS, a submission, a statement..., as `kind` says
    text("order_key", 64, nullable=True),
    Column("priority", Integer, nullable=False),  # the smallest leaves first
    instant("due_at"),
    text("state", 8),
    text("token", 64, nullable=True),
    instant("lease_until", nullable=True),  # claimed: end of the lease; sending: when it becomes unknown
    Column("attempts", Integer, nullable=False),
    text("last_code", 64),
    instant("created_at"),
    instant("updated_at"),
    text("system", 96, nullable=True),  # whom it calls: an institution's system, "hook:NAME"; null: nobody counts
    one_of("lane", LANES),
    one_of("kind", KINDS),
    one_of("state", OutboxState),
    Index(
        "ix_outbox_claim",
        "lane",
        "priority",
        "due_at",
        "id",
        **where(f"state IN ({words_of((OutboxState.READY, OutboxState.CLAIMED))}) AND system IS NULL"),
    ),
    Index(
        "ix_outbox_calls",
        "lane",
        "system",
        "priority",
        "due_at",
        "id",
        **where(f"state IN ({words_of((OutboxState.READY, OutboxState.CLAIMED))}) AND system IS NOT NULL"),
    ),
    Index(
        "ix_outbox_order",
        "order_key",
        "id",
        **where(f"order_key IS NOT NULL AND state IN ({words_of(OPEN_OUTBOX)})"),
    ),
    Index("ix_outbox_sending", "lease_until", **where("state = 'sending'")),
    Index("ix_outbox_target", "kind", "target_id"),
    Index("ix_outbox_open", "lane", "state", **where("state <> 'done'")),
    Index("ix_outbox_in_flight", "system", "lease_until", **where("state IN ('claimed') AND system IS NOT NULL")),
    Index("ix_outbox_dead", "kind", "updated_at", **where("state IN ('dead')")),
)

breakers = Table(
    "breakers",
    metadata,
    text("system", 96, primary_key=True),
    Column("failures", Integer, nullable=False),  # calls in a row without an answer
    instant("opened_at", nullable=True),  # since when nothing is sent to it; null: it is called as usual
    # Open: when one call may find out whether it is back. Closed: it asked not to be called before.
    instant("ask_at", nullable=True),
    text("last_code", 64),
    instant("updated_at"),
)

attempts = Table(
    "attempts",
    metadata,
    row_id(),
    refers_to("outbox", "outbox_id"),
    Column("number", Integer, nullable=False),  # from 1; a person who makes the row ready again starts a new count
    text("token", 64),
    instant("started_at"),
    instant("finished_at", nullable=True),
    text("outcome", 8, nullable=True),
    text("code", 64),
    one_of("outcome", ("done", "retry", "unknown", "dead")),
    Index("ix_attempts_outbox", "outbox_id"),
)

counters = Table(
    "counters",
    metadata,
    text("scope", 32, primary_key=True),
    text("subject", 80, primary_key=True),
    Column("window_at", Instant, primary_key=True),
    Column("used", BigInteger, nullable=False),
    instant("noted_at"),
    Index("ix_counters_noted_at", "noted_at"),
)

daily = Table(
    "daily",
    metadata,
    Column("day", Date, primary_key=True),
    text("kind", 32, primary_key=True),  # what is counted: "sessions", "erased:mos", ...
    text("subject", 80, primary_key=True),  # "channel|network" and the like, "" for all
    Column("count", BigInteger, nullable=False),
)

stops = Table(
    "stops",
    metadata,
    text("subject", 80, primary_key=True),
    text("reason", 160),
    text("who", 64),
    instant("at"),
    instant("until", nullable=True),  # when it ends by itself, as citizens are told
)

operator_acts = Table(
    "operator_acts",
    metadata,
    row_id(),
    instant("at"),
    text("who", 64),
    text("act", 64),
    text("subject", 80),
    text("detail", 160),
    Index("ix_operator_acts_subject", "subject"),
    text("institution", 64, nullable=True),  # whose managers may read it; null: the platform's
    Index("ix_operator_acts_institution", "institution", "id"),
)

menu_versions = Table(
    "menu_versions",
    metadata,
    text("version", 16, primary_key=True),
    instant("published_at"),
    binary("files"),  # JSON of name -> text, zlib
    Index("ix_menu_versions_published_at", "published_at"),
)

beats = Table("beats", metadata, text("name", 64, primary_key=True), instant("at"))
