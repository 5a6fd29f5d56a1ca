"""SMS from citizens, their conversations and preferences, ceilings, stops. A migration never reads tables.py."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
BYTES = sa.LargeBinary()
#: table -> columns that rows of the first version do not have
COLUMNS: dict[str, tuple[tuple[str, Any], ...]] = {
    "holdings": (("network", sa.String(length=32)),),
    "mts": (("private", sa.Boolean()), ("mo_id", ROW_ID), ("resent_at", INSTANT), ("cost_f", sa.Integer())),
    "stray_dlrs": (("msisdn_digest", BYTES),),
    "saved_dialogues": (
        ("code_digest", BYTES),
        ("reference_digest", BYTES),
        ("settled_by", BYTES),
        ("outcome", sa.String(length=16)),
    ),
}
#: What an SMS was called -> what it is to the citizen. A decision cannot be refused, an acknowledgement can.
VITAL = "category = 'receipt' OR template LIKE 'decided%' OR template LIKE 'not_accepted%'"
RECEIPT = "template LIKE 'receipt%'"


def where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def upgrade() -> None:
    for table, columns in COLUMNS.items():
        for name, kind in columns:
            op.add_column(table, sa.Column(name, kind, nullable=True))
    op.create_index(
        "uq_saved_dialogues_code", "saved_dialogues", ["code_digest"], unique=True, **where("code_digest IS NOT NULL")
    )
    op.create_index(
        "ix_saved_dialogues_settled_by", "saved_dialogues", ["settled_by"], **where("settled_by IS NOT NULL")
    )
    op.create_index(
        "ix_saved_dialogues_reference", "saved_dialogues", ["reference_digest"], **where("reference_digest IS NOT NULL")
    )
    op.execute(f"UPDATE mts SET category = CASE WHEN {VITAL} THEN 'vital' ELSE 'procedure' END")  # noqa: S608 - our words
    op.execute(
        "UPDATE mts SET private = (SELECT s.sensitive FROM submissions s WHERE s.id = mts.submission_id) "
        "WHERE submission_id IS NOT NULL"
    )
    change_kinds("'mt', 'submission', 'mo'")
    create_mos()
    create_conversations()
    create_preferences()
    create_bounds()


def downgrade() -> None:
    for table in ("operator_acts", "stops", "counters", "preferences", "conversations", "mos"):
        op.drop_table(table)
    op.execute("DELETE FROM attempts WHERE outbox_id IN (SELECT id FROM outbox WHERE kind = 'mo')")
    op.execute("DELETE FROM outbox WHERE kind = 'mo'")
    change_kinds("'mt', 'submission'")
    op.execute(f"UPDATE mts SET category = CASE WHEN {RECEIPT} THEN 'receipt' ELSE 'notice' END")  # noqa: S608 - our words
    for index in ("uq_saved_dialogues_code", "ix_saved_dialogues_settled_by", "ix_saved_dialogues_reference"):
        op.drop_index(index, "saved_dialogues")
    for table, columns in COLUMNS.items():
        for name, _ in columns:
            op.drop_column(table, name)


def change_kinds(words: str) -> None:
    """Other kinds of work in the outbox. SQLite cannot change a CHECK: the table is made anew, and its attempts."""
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint(op.f("ck_outbox_kind"), "outbox", type_="check")
        op.create_check_constraint(op.f("ck_outbox_kind"), "outbox", f"kind IN ({words})")
        return
    op.execute("CREATE TABLE kept_attempts AS SELECT * FROM attempts")
    op.execute("CREATE TABLE kept_outbox AS SELECT * FROM outbox")
    op.drop_table("attempts")
    op.drop_table("outbox")
    create_outbox(words)
    op.execute("INSERT INTO outbox SELECT * FROM kept_outbox")
    op.execute("INSERT INTO attempts SELECT * FROM kept_attempts")
    op.drop_table("kept_attempts")
    op.drop_table("kept_outbox")


def create_outbox(kinds: str) -> None:
    """As the first migration made it, in the same order of columns."""
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
        sa.CheckConstraint(f"kind IN ({kinds})", name="ck_outbox_kind"),
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


def create_mos() -> None:
    op.create_table(
        "mos",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("external_id", sa.String(length=128), nullable=False),
        sa.Column("msisdn_digest", BYTES, nullable=False),
        sa.Column("msisdn_sealed", BYTES, nullable=True),
        sa.Column("short_code", sa.String(length=32), nullable=False),
        sa.Column("text_sealed", BYTES, nullable=True),
        sa.Column("network", sa.String(length=32), nullable=False),
        sa.Column("sent_at", INSTANT, nullable=True),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("outcome", sa.String(length=64), nullable=False),
        sa.Column("handled_at", INSTANT, nullable=True),
        sa.CheckConstraint("state IN ('received', 'handled', 'ignored')", name="ck_mos_state"),
        sa.PrimaryKeyConstraint("id", name="pk_mos"),
    )
    op.create_index("uq_mos_external_id", "mos", ["channel", "external_id"], unique=True)
    op.create_index("ix_mos_received_at", "mos", ["received_at"])
    op.create_index("ix_mos_number", "mos", ["msisdn_digest", "received_at"])


def create_conversations() -> None:
    op.create_table(
        "conversations",
        sa.Column("holding_id", ROW_ID, nullable=False, autoincrement=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("short_code", sa.String(length=32), nullable=False),
        sa.Column("state_sealed", BYTES, nullable=True),
        sa.Column("dialogue_until", INSTANT, nullable=True),
        sa.Column("proposal_sealed", BYTES, nullable=True),
        sa.Column("proposal_until", INSTANT, nullable=True),
        sa.Column("helped_at", INSTANT, nullable=True),
        sa.Column("last_digest", BYTES, nullable=True),
        sa.Column("repeats", sa.Integer(), nullable=False),
        sa.Column("repeats_since", INSTANT, nullable=True),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["holding_id"], ["holdings.id"], name="fk_conversations_holding_id"),
        sa.PrimaryKeyConstraint("holding_id", name="pk_conversations"),
    )
    op.create_index("ix_conversations_updated_at", "conversations", ["updated_at"])


def create_preferences() -> None:
    op.create_table(
        "preferences",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("holding_id", ROW_ID, nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("value", sa.String(length=16), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("mo_id", ROW_ID, nullable=True),
        sa.Column("evidence", sa.String(length=80), nullable=False),
        sa.CheckConstraint("source IN ('sms', 'ussd', 'aggregator', 'person')", name="ck_preferences_source"),
        sa.ForeignKeyConstraint(["holding_id"], ["holdings.id"], name="fk_preferences_holding_id"),
        sa.PrimaryKeyConstraint("id", name="pk_preferences"),
    )
    op.create_index("ix_preferences_holding", "preferences", ["holding_id", "subject", "id"])


def create_bounds() -> None:
    op.create_table(
        "counters",
        sa.Column("scope", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("window_at", INSTANT, nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.Column("noted_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("scope", "subject", "window_at", name="pk_counters"),
    )
    op.create_index("ix_counters_noted_at", "counters", ["noted_at"])
    op.create_table(
        "stops",
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.String(length=160), nullable=False),
        sa.Column("who", sa.String(length=64), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("subject", name="pk_stops"),
    )
    op.create_table(
        "operator_acts",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("who", sa.String(length=64), nullable=False),
        sa.Column("act", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("detail", sa.String(length=160), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_operator_acts"),
    )
