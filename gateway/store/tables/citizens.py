"""What hangs on a number while one person holds it: her dialogues, choices and codes."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, Table

from gateway.store.columns import RowId, binary, instant, one_of, refers_to, row_id, text, where
from gateway.store.tables.base import metadata

holdings = Table(
    "holdings",
    metadata,
    row_id(),
    binary("msisdn_digest"),
    binary("msisdn_sealed"),
    instant("opened_at"),
    instant("closed_at", nullable=True),
    instant("last_seen_at"),
    text("network", 32, nullable=True),  # the operator's code as the last callback gave it
    binary("imsi_digest", nullable=True),  # of the SIM, where a channel names it
    instant("sim_changed_at", nullable=True),  # when the number was last given another SIM, as far as we know
    text("closed_why", 16, nullable=True),
    text("notice", 16, nullable=True),  # the version of the privacy notice that was shown
    instant("notice_at", nullable=True),
    Index("uq_holdings_open", "msisdn_digest", unique=True, **where("closed_at IS NULL")),
    Index("ix_holdings_seen", "last_seen_at", **where("closed_at IS NULL")),
)

saved_dialogues = Table(
    "saved_dialogues",
    metadata,
    row_id(),
    refers_to("holdings", "holding_id"),
    text("service", 64),
    text("channel", 64),
    text("language", 8),
    text("screen", 64),
    binary("state_sealed"),
    instant("saved_at"),
    instant("expires_at"),
    instant("taken_at", nullable=True),
    binary("code_digest", nullable=True),  # of the code that opens it from another number
    binary("reference_digest", nullable=True),  # of a submission made in it, which opens it too
    binary("settled_by", nullable=True),  # act key of the turn that settled it: the same turn gets the same answer
    text("outcome", 16, nullable=True),
    Index("uq_saved_dialogues_code", "code_digest", unique=True, **where("code_digest IS NOT NULL")),
    Index("ix_saved_dialogues_settled_by", "settled_by", **where("settled_by IS NOT NULL")),
    Index("ix_saved_dialogues_reference", "reference_digest", **where("reference_digest IS NOT NULL")),
    Index("uq_saved_dialogues_waiting", "holding_id", "service", unique=True, **where("taken_at IS NULL")),
    Index("ix_saved_dialogues_expires_at", "expires_at"),
)

conversations = Table(
    "conversations",
    metadata,
    Column("holding_id", RowId, ForeignKey("holdings.id"), primary_key=True, autoincrement=False),
    Column("version", Integer, nullable=False),
    text("channel", 64),
    text("short_code", 32),
    binary("state_sealed", nullable=True),  # the dialogue under way, null when there is none
    instant("dialogue_until", nullable=True),
    binary("proposal_sealed", nullable=True),  # what OUI would run
    instant("proposal_until", nullable=True),
    instant("helped_at", nullable=True),
    binary("last_digest", nullable=True),  # of the last text, to notice a machine
    Column("repeats", Integer, nullable=False),
    instant("repeats_since", nullable=True),
    instant("updated_at"),
    Index("ix_conversations_updated_at", "updated_at"),
)

preferences = Table(
    "preferences",
    metadata,
    row_id(),
    refers_to("holdings", "holding_id"),
    text("subject", 80),
    text("value", 16),
    instant("at"),
    text("source", 16),
    Column("mo_id", RowId, nullable=True),  # mos.id of the SMS that said so
    text("evidence", 80),
    one_of("source", ("sms", "ussd", "aggregator", "person")),
    Index("ix_preferences_holding", "holding_id", "subject", "id"),
)

sim_checks = Table(
    "sim_checks",
    metadata,
    row_id(),
    refers_to("holdings", "holding_id"),
    text("channel", 64),
    text("request_id", 128),
    instant("asked_at"),
    instant("answered_at", nullable=True),
    instant("swapped_at", nullable=True),
    Index("uq_sim_checks_request", "channel", "request_id", unique=True),
    Index("ix_sim_checks_holding", "holding_id", "id"),
)

codes = Table(
    "codes",
    metadata,
    row_id(),
    refers_to("holdings", "holding_id"),
    text("purpose", 80),
    binary("code_digest"),
    instant("created_at"),
    instant("expires_at"),
    Column("wrong", Integer, nullable=False),
    instant("proved_at", nullable=True),
    binary("proved_by", nullable=True),  # act key of the turn that typed it
    instant("used_at", nullable=True),  # by the act that it was for
    Index("ix_codes_holding", "holding_id", "purpose", "id"),
    Index("ix_codes_created_at", "created_at"),
)

agreements = Table(
    "agreements",
    metadata,
    row_id(),
    refers_to("submissions", "submission_id"),
    refers_to("holdings", "holding_id"),  # whose number is asked to agree
    binary("code_digest"),
    instant("created_at"),
    instant("expires_at"),
    Column("wrong", Integer, nullable=False),
    instant("settled_at", nullable=True),
    text("outcome", 16, nullable=True),
    Column("mo_id", RowId, nullable=True),  # mos.id of the SMS that agreed: its proof
    one_of("outcome", ("agreed", "expired", "withdrawn")),
    Index("ix_agreements_holding", "holding_id", "id"),
    Index("ix_agreements_expires_at", "expires_at", **where("settled_at IS NULL")),
    Index("ix_agreements_submission", "submission_id"),
)

erasures = Table(
    "erasures",
    metadata,
    row_id(),
    binary("msisdn_digest"),
    instant("at"),
    text("who", 64),
    instant("since", nullable=True),  # when the erased holding began; null: everybody who ever held the number
    Index("ix_erasures_digest", "msisdn_digest"),
)
