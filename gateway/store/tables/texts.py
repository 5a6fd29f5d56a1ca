"""SMS in both directions, and what became of them."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, Table

from gateway.messages import MtState
from gateway.store.columns import RowId, binary, instant, one_of, refers_to, row_id, text, where
from gateway.store.tables.base import MoState, metadata

mts = Table(
    "mts",
    metadata,
    row_id(),
    refers_to("holdings", "holding_id"),
    binary("msisdn_sealed", nullable=True),  # null once erased, like the text
    binary("msisdn_digest"),
    text("channel", 64),
    text("sender", 32),
    binary("text_sealed", nullable=True),
    text("encoding", 8),
    Column("segments", Integer, nullable=False),
    text("state", 20),
    text("reason", 64),
    text("external_id", 128, nullable=True),
    refers_to("submissions", "submission_id", nullable=True),
    text("template", 64),
    text("category", 32),
    text("language", 8),
    instant("valid_until"),
    text("cost", 32),  # in the aggregator's words
    instant("created_at"),
    instant("updated_at"),
    Column("private", Boolean, nullable=True),  # a code, or about a sensitive service: never shown again
    Column("mo_id", RowId, nullable=True),  # mos.id of the SMS it answers
    instant("resent_at", nullable=True),  # when it was sent once more because nobody knew what became of it
    Column("cost_f", Integer, nullable=True),  # F CFA, by our own count
    one_of("state", MtState),
    one_of("encoding", ("GSM-7", "UCS-2")),
    # Not unique: an aggregator that repeats an id must not undo the storing of its answer.
    Index("ix_mts_external_id", "channel", "external_id", **where("external_id IS NOT NULL")),
    Index("ix_mts_holding", "holding_id", "id"),
    Index("ix_mts_submission", "submission_id", **where("submission_id IS NOT NULL")),
    Index("ix_mts_state_valid_until", "state", "valid_until"),
)

mt_events = Table(
    "mt_events",
    metadata,
    row_id(),
    refers_to("mts", "mt_id"),
    instant("at"),
    text("state", 20),
    text("source", 8),
    text("code", 64),
    one_of("state", MtState),
    one_of("source", ("send", "dlr", "sweep", "person")),
    Index("ix_mt_events_mt", "mt_id", "id"),
)

mos = Table(
    "mos",
    metadata,
    row_id(),
    text("channel", 64),
    text("external_id", 128),
    binary("msisdn_digest"),
    binary("msisdn_sealed", nullable=True),  # null once erased, like the text
    text("short_code", 32),
    binary("text_sealed", nullable=True),
    text("network", 32),
    instant("sent_at", nullable=True),  # as the aggregator dates it; null when it says nothing readable
    instant("received_at"),
    text("state", 8),
    text("outcome", 64),
    instant("handled_at", nullable=True),
    one_of("state", MoState),
    Index("uq_mos_external_id", "channel", "external_id", unique=True),
    Index("ix_mos_received_at", "received_at"),
    Index("ix_mos_number", "msisdn_digest", "received_at"),
)

stray_dlrs = Table(
    "stray_dlrs",
    metadata,
    row_id(),
    text("channel", 64),
    text("external_id", 128),
    text("raw_status", 64),
    text("state", 20, nullable=True),
    text("code", 64),
    instant("received_at"),
    instant("matched_at", nullable=True),
    binary("msisdn_digest", nullable=True),  # the number it is about, when it names one
    one_of("state", MtState),
    Index("uq_stray_dlrs_report", "channel", "external_id", "raw_status", "code", unique=True),
    Index("ix_stray_dlrs_received_at", "received_at"),
)
