"""The first tables. A migration is a record: it keeps its own words and never reads tables.py."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
BYTES = sa.LargeBinary()
MT_STATES = (
    "'created', 'sending', 'accepted', 'sent', 'delivered', 'failed_temporary', 'failed_permanent', "
    "'rejected', 'expired', 'no_report', 'unknown', 'suppressed'"
)


def where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def upgrade() -> None:
    create_people()
    create_messages()
    create_work()
    create_rest()


def downgrade() -> None:
    for table in (
        "beats",
        "menu_versions",
        "backoffice_events",
        "attempts",
        "outbox",
        "stray_dlrs",
        "mt_events",
        "mts",
        "saved_dialogues",
        "submission_events",
        "submissions",
        "acts",
        "holdings",
    ):
        op.drop_table(table)


def create_people() -> None:
    op.create_table(
        "holdings",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("msisdn_digest", BYTES, nullable=False),
        sa.Column("msisdn_sealed", BYTES, nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("closed_at", INSTANT, nullable=True),
        sa.Column("last_seen_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_holdings"),
    )
    op.create_index("uq_holdings_open", "holdings", ["msisdn_digest"], unique=True, **where("closed_at IS NULL"))
    op.create_table(
        "acts",
        sa.Column("act_key", BYTES, nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("outcome", sa.String(length=64), nullable=False),
        sa.Column("values_sealed", BYTES, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("act_key", name="pk_acts"),
    )
    op.create_index("ix_acts_created_at", "acts", ["created_at"])
    op.create_table(
        "submissions",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("reference", sa.String(length=12), nullable=False),
        sa.Column("service", sa.String(length=64), nullable=False),
        sa.Column("menu_version", sa.String(length=16), nullable=False),
        sa.Column("system", sa.String(length=64), nullable=False),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("holding_id", ROW_ID, nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("assurance", sa.String(length=16), nullable=False),
        sa.Column("sensitive", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("fields_sealed", BYTES, nullable=True),
        sa.Column("subject_digest", BYTES, nullable=True),
        sa.Column("label_sealed", BYTES, nullable=True),
        sa.Column("idempotency_key", sa.String(length=64), nullable=False),
        sa.Column("case_number", sa.String(length=128), nullable=False),
        sa.Column("decision", sa.String(length=16), nullable=True),
        sa.Column("message_sealed", BYTES, nullable=True),
        sa.Column("promised_on", sa.Date(), nullable=True),
        sa.Column("receipt_key_id", sa.String(length=32), nullable=False),
        sa.Column("keep_s", sa.Integer(), nullable=True),
        sa.Column("submitted_at", INSTANT, nullable=False),
        sa.Column("acknowledged_at", INSTANT, nullable=True),
        sa.Column("decided_at", INSTANT, nullable=True),
        sa.Column("closed_at", INSTANT, nullable=True),
        sa.Column("erase_after", INSTANT, nullable=True),
        sa.CheckConstraint("decision IN ('granted', 'refused')", name="ck_submissions_decision"),
        sa.CheckConstraint(
            "state IN ('received', 'acknowledged', 'granted', 'refused', 'dead')", name="ck_submissions_state"
        ),
        sa.ForeignKeyConstraint(["holding_id"], ["holdings.id"], name="fk_submissions_holding_id"),
        sa.PrimaryKeyConstraint("id", name="pk_submissions"),
        sa.UniqueConstraint("idempotency_key", name="uq_submissions_idempotency_key"),
        sa.UniqueConstraint("reference", name="uq_submissions_reference"),
    )
    op.create_index("ix_submissions_erase_after", "submissions", ["erase_after"], **where("erase_after IS NOT NULL"))
    op.create_index("ix_submissions_holding", "submissions", ["holding_id", "id"])
    op.create_index(
        "uq_submissions_open_subject",
        "submissions",
        ["service", "subject_digest"],
        unique=True,
        **where("subject_digest IS NOT NULL AND state IN ('received', 'acknowledged', 'dead')"),
    )
    op.create_table(
        "submission_events",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("submission_id", ROW_ID, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("event_id", sa.String(length=128), nullable=True),
        sa.ForeignKeyConstraint(["submission_id"], ["submissions.id"], name="fk_submission_events_submission_id"),
        sa.PrimaryKeyConstraint("id", name="pk_submission_events"),
    )
    op.create_index("ix_submission_events_submission", "submission_events", ["submission_id", "id"])
    op.create_table(
        "saved_dialogues",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("holding_id", ROW_ID, nullable=False),
        sa.Column("service", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("screen", sa.String(length=64), nullable=False),
        sa.Column("state_sealed", BYTES, nullable=False),
        sa.Column("saved_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("taken_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["holding_id"], ["holdings.id"], name="fk_saved_dialogues_holding_id"),
        sa.PrimaryKeyConstraint("id", name="pk_saved_dialogues"),
    )
    op.create_index("ix_saved_dialogues_expires_at", "saved_dialogues", ["expires_at"])
    op.create_index(
        "uq_saved_dialogues_waiting",
        "saved_dialogues",
        ["holding_id", "service"],
        unique=True,
        **where("taken_at IS NULL"),
    )


def create_messages() -> None:
    op.create_table(
        "mts",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("holding_id", ROW_ID, nullable=False),
        sa.Column("msisdn_sealed", BYTES, nullable=True),
        sa.Column("msisdn_digest", BYTES, nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("sender", sa.String(length=32), nullable=False),
        sa.Column("text_sealed", BYTES, nullable=True),
        sa.Column("encoding", sa.String(length=8), nullable=False),
        sa.Column("segments", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("external_id", sa.String(length=128), nullable=True),
        sa.Column("submission_id", ROW_ID, nullable=True),
        sa.Column("template", sa.String(length=64), nullable=False),
        sa.Column("category", sa.String(length=32), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("valid_until", INSTANT, nullable=False),
        sa.Column("cost", sa.String(length=32), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.CheckConstraint("encoding IN ('GSM-7', 'UCS-2')", name="ck_mts_encoding"),
        sa.CheckConstraint(
            f"state IN ({MT_STATES})",
            name="ck_mts_state",
        ),
        sa.ForeignKeyConstraint(["holding_id"], ["holdings.id"], name="fk_mts_holding_id"),
        sa.ForeignKeyConstraint(["submission_id"], ["submissions.id"], name="fk_mts_submission_id"),
        sa.PrimaryKeyConstraint("id", name="pk_mts"),
    )
    op.create_index("ix_mts_external_id", "mts", ["channel", "external_id"], **where("external_id IS NOT NULL"))
    op.create_index("ix_mts_holding", "mts", ["holding_id", "id"])
    op.create_index("ix_mts_state_valid_until", "mts", ["state", "valid_until"])
    op.create_index("ix_mts_submission", "mts", ["submission_id"], **where("submission_id IS NOT NULL"))
    op.create_table(
        "mt_events",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("mt_id", ROW_ID, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("source", sa.String(length=8), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.CheckConstraint("source IN ('send', 'dlr', 'sweep', 'person')", name="ck_mt_events_source"),
        sa.CheckConstraint(
            f"state IN ({MT_STATES})",
            name="ck_mt_events_state",
        ),
        sa.ForeignKeyConstraint(["mt_id"], ["mts.id"], name="fk_mt_events_mt_id"),
        sa.PrimaryKeyConstraint("id", name="pk_mt_events"),
    )
    op.create_index("ix_mt_events_mt", "mt_events", ["mt_id", "id"])
    op.create_table(
        "stray_dlrs",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("external_id", sa.String(length=128), nullable=False),
        sa.Column("raw_status", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=True),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("matched_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            f"state IN ({MT_STATES})",
            name="ck_stray_dlrs_state",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_stray_dlrs"),
    )
    op.create_index("ix_stray_dlrs_received_at", "stray_dlrs", ["received_at"])
    op.create_index("uq_stray_dlrs_report", "stray_dlrs", ["channel", "external_id", "raw_status", "code"], unique=True)


def create_work() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("lane", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("target_id", ROW_ID, nullable=False),
        sa.Column("order_key", sa.String(length=64), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("token", sa.String(length=64), nullable=True),
        sa.Column("lease_until", INSTANT, nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_code", sa.String(length=64), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.CheckConstraint("kind IN ('mt', 'submission')", name="ck_outbox_kind"),
        sa.CheckConstraint("lane IN ('urgent', 'bulk', 'backoffice', 'upkeep')", name="ck_outbox_lane"),
        sa.CheckConstraint(
            "state IN ('ready', 'claimed', 'sending', 'done', 'unknown', 'dead')", name="ck_outbox_state"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
    )
    op.create_index(
        "ix_outbox_claim", "outbox", ["lane", "priority", "due_at", "id"], **where("state IN ('ready', 'claimed')")
    )
    op.create_index(
        "ix_outbox_order",
        "outbox",
        ["order_key", "id"],
        **where("order_key IS NOT NULL AND state IN ('ready', 'claimed', 'sending')"),
    )
    op.create_index("ix_outbox_sending", "outbox", ["lease_until"], **where("state = 'sending'"))
    op.create_index("ix_outbox_target", "outbox", ["kind", "target_id"])
    op.create_table(
        "attempts",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("outbox_id", ROW_ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.Column("outcome", sa.String(length=8), nullable=True),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.CheckConstraint("outcome IN ('done', 'retry', 'unknown', 'dead')", name="ck_attempts_outcome"),
        sa.ForeignKeyConstraint(["outbox_id"], ["outbox.id"], name="fk_attempts_outbox_id"),
        sa.PrimaryKeyConstraint("id", name="pk_attempts"),
    )
    op.create_index("ix_attempts_outbox", "attempts", ["outbox_id"])


def create_rest() -> None:
    op.create_table(
        "backoffice_events",
        sa.Column("system", sa.String(length=64), nullable=False),
        sa.Column("event_id", sa.String(length=128), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("outcome", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("system", "event_id", name="pk_backoffice_events"),
    )
    op.create_index("ix_backoffice_events_received_at", "backoffice_events", ["received_at"])
    op.create_table(
        "menu_versions",
        sa.Column("version", sa.String(length=16), nullable=False),
        sa.Column("published_at", INSTANT, nullable=False),
        sa.Column("files", BYTES, nullable=False),
        sa.PrimaryKeyConstraint("version", name="pk_menu_versions"),
    )
    op.create_index("ix_menu_versions_published_at", "menu_versions", ["published_at"])
    op.create_table(
        "beats",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_beats"),
    )
