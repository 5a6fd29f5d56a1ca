"""Holdings that close, codes, agreements, withdrawals, erasures, daily counts. A migration never reads tables.py."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from gateway.store.migrations.versions.v0002_sms import BYTES, INSTANT, ROW_ID, change_kinds, where

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

HOLDINGS: tuple[tuple[str, Any], ...] = (
    ("imsi_digest", BYTES),
    ("sim_changed_at", INSTANT),
    ("closed_why", sa.String(length=16)),
    ("notice", sa.String(length=16)),
    ("notice_at", INSTANT),
)
FIRST_STATES = "'received', 'acknowledged', 'granted', 'refused', 'dead'"
STATES = "'proposed', 'received', 'acknowledged', 'granted', 'refused', 'dead', 'withdrawn'"
FIRST_OPEN = "'received', 'acknowledged', 'dead'"
OPEN = "'proposed', 'received', 'acknowledged', 'dead'"
#: The columns of `submissions` in the first version, in its order.
SUBMISSIONS = (
    "id, reference, service, menu_version, system, institution, holding_id, channel, language, assurance, sensitive, "
    "state, fields_sealed, subject_digest, label_sealed, idempotency_key, case_number, decision, message_sealed, "
    "promised_on, receipt_key_id, keep_s, submitted_at, acknowledged_at, decided_at, closed_at, erase_after"
)


def upgrade() -> None:
    for name, kind in HOLDINGS:
        op.add_column("holdings", sa.Column(name, kind, nullable=True))
    op.create_index("ix_holdings_seen", "holdings", ["last_seen_at"], **where("closed_at IS NULL"))
    op.add_column("stops", sa.Column("until", INSTANT, nullable=True))
    change_kinds("'mt', 'submission', 'mo', 'withdrawal', 'sim_check'")
    change_submissions(STATES, OPEN, more=True)
    create_trust()


def downgrade() -> None:
    for table in ("daily", "erasures", "agreements", "codes", "sim_checks"):
        op.drop_table(table)
    later = "kind IN ('withdrawal', 'sim_check')"
    op.execute(f"DELETE FROM attempts WHERE outbox_id IN (SELECT id FROM outbox WHERE {later})")  # noqa: S608 - our words
    op.execute(f"DELETE FROM outbox WHERE {later}")  # noqa: S608 - our words
    change_kinds("'mt', 'submission', 'mo'")
    # What the earlier version has no word for: a demand that nobody will handle any more, and one not agreed to.
    op.execute("UPDATE submissions SET state = 'refused' WHERE state IN ('withdrawn', 'proposed')")
    change_submissions(FIRST_STATES, FIRST_OPEN, more=False)
    op.drop_column("stops", "until")
    op.drop_index("ix_holdings_seen", "holdings")
    for name, _ in HOLDINGS:
        op.drop_column("holdings", name)


def change_submissions(states: str, open_states: str, *, more: bool) -> None:
    """Other states, and the columns of demands for somebody else. SQLite cannot change a CHECK: made anew there."""
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint(op.f("ck_submissions_state"), "submissions", type_="check")
        op.create_check_constraint(op.f("ck_submissions_state"), "submissions", f"state IN ({states})")
        op.drop_index("uq_submissions_open_subject", "submissions")
        if more:
            for column in behalf_columns():
                op.add_column("submissions", column)
            op.create_check_constraint(
                op.f("ck_submissions_on_behalf"), "submissions", "on_behalf IN ('agreed', 'declared')"
            )
            op.create_foreign_key("fk_submissions_helper_id", "submissions", "holdings", ["helper_id"], ["id"])
            create_helper_index()
        else:
            op.drop_index("ix_submissions_helper", "submissions")
            for column in behalf_columns():
                op.drop_column("submissions", column.name)
        create_subject_index(open_states)
        return
    # Rows of other tables refer to these: checked when the migration ends, with every row in its place again.
    op.execute("PRAGMA defer_foreign_keys = ON")
    op.execute("CREATE TABLE kept_submissions AS SELECT * FROM submissions")
    op.drop_table("submissions")
    create_submissions(states, open_states, more=more)
    op.execute(f"INSERT INTO submissions ({SUBMISSIONS}) SELECT {SUBMISSIONS} FROM kept_submissions")  # noqa: S608 - our words
    op.drop_table("kept_submissions")


def behalf_columns() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("on_behalf", sa.String(length=16), nullable=True),
        sa.Column("relation_sealed", BYTES, nullable=True),
        sa.Column("helper_id", ROW_ID, nullable=True),
        sa.Column("moved_at", INSTANT, nullable=True),
    )


def create_submissions(states: str, open_states: str, *, more: bool) -> None:
    """As the first migration made it, in the same order of columns, and the later ones after them."""
    behalf: tuple[Any, ...] = behalf_columns() if more else ()
    if more:
        behalf = (
            *behalf,
            sa.CheckConstraint("on_behalf IN ('agreed', 'declared')", name="ck_submissions_on_behalf"),
            sa.ForeignKeyConstraint(["helper_id"], ["holdings.id"], name="fk_submissions_helper_id"),
        )
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
        *behalf,
        sa.CheckConstraint("decision IN ('granted', 'refused')", name="ck_submissions_decision"),
        sa.CheckConstraint(f"state IN ({states})", name="ck_submissions_state"),
        sa.ForeignKeyConstraint(["holding_id"], ["holdings.id"], name="fk_submissions_holding_id"),
        sa.PrimaryKeyConstraint("id", name="pk_submissions"),
        sa.UniqueConstraint("idempotency_key", name="uq_submissions_idempotency_key"),
        sa.UniqueConstraint("reference", name="uq_submissions_reference"),
    )
    op.create_index("ix_submissions_erase_after", "submissions", ["erase_after"], **where("erase_after IS NOT NULL"))
    op.create_index("ix_submissions_holding", "submissions", ["holding_id", "id"])
    create_subject_index(open_states)
    if more:
        create_helper_index()


def create_subject_index(open_states: str) -> None:
    op.create_index(
        "uq_submissions_open_subject",
        "submissions",
        ["service", "subject_digest"],
        unique=True,
        **where(f"subject_digest IS NOT NULL AND state IN ({open_states})"),
    )


def create_helper_index() -> None:
    op.create_index("ix_submissions_helper", "submissions", ["helper_id", "id"], **where("helper_id IS NOT NULL"))


def create_trust() -> None:
    op.create_table(
        "sim_checks",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("holding_id", ROW_ID, nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("request_id", sa.String(length=128), nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("answered_at", INSTANT, nullable=True),
        sa.Column("swapped_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["holding_id"], ["holdings.id"], name="fk_sim_checks_holding_id"),
        sa.PrimaryKeyConstraint("id", name="pk_sim_checks"),
    )
    op.create_index("uq_sim_checks_request", "sim_checks", ["channel", "request_id"], unique=True)
    op.create_index("ix_sim_checks_holding", "sim_checks", ["holding_id", "id"])
    op.create_table(
        "codes",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("holding_id", ROW_ID, nullable=False),
        sa.Column("purpose", sa.String(length=80), nullable=False),
        sa.Column("code_digest", BYTES, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("wrong", sa.Integer(), nullable=False),
        sa.Column("proved_at", INSTANT, nullable=True),
        sa.Column("proved_by", BYTES, nullable=True),
        sa.Column("used_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["holding_id"], ["holdings.id"], name="fk_codes_holding_id"),
        sa.PrimaryKeyConstraint("id", name="pk_codes"),
    )
    op.create_index("ix_codes_holding", "codes", ["holding_id", "purpose", "id"])
    op.create_index("ix_codes_created_at", "codes", ["created_at"])
    op.create_table(
        "agreements",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("submission_id", ROW_ID, nullable=False),
        sa.Column("holding_id", ROW_ID, nullable=False),
        sa.Column("code_digest", BYTES, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("wrong", sa.Integer(), nullable=False),
        sa.Column("settled_at", INSTANT, nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("mo_id", ROW_ID, nullable=True),
        sa.CheckConstraint("outcome IN ('agreed', 'expired', 'withdrawn')", name="ck_agreements_outcome"),
        sa.ForeignKeyConstraint(["holding_id"], ["holdings.id"], name="fk_agreements_holding_id"),
        sa.ForeignKeyConstraint(["submission_id"], ["submissions.id"], name="fk_agreements_submission_id"),
        sa.PrimaryKeyConstraint("id", name="pk_agreements"),
    )
    op.create_index("ix_agreements_holding", "agreements", ["holding_id", "id"])
    op.create_index("ix_agreements_submission", "agreements", ["submission_id"])
    op.create_index("ix_agreements_expires_at", "agreements", ["expires_at"], **where("settled_at IS NULL"))
    op.create_table(
        "erasures",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("msisdn_digest", BYTES, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("who", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_erasures"),
    )
    op.create_index("ix_erasures_digest", "erasures", ["msisdn_digest"])
    op.create_table(
        "daily",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "kind", "subject", name="pk_daily"),
    )
