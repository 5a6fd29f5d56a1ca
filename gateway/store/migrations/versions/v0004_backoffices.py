"""Any institution: states, linked histories, questions, cached answers, hooks. A migration never reads tables.py."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from typing import Any

import sqlalchemy as sa
from alembic import op

from gateway.store import chain
from gateway.store.migrations.versions.v0002_sms import BYTES, INSTANT, ROW_ID, where

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

FORMER_KINDS = "'mt', 'submission', 'mo', 'withdrawal', 'sim_check'"
KINDS = f"{FORMER_KINDS}, 'statement', 'reminder', 'poll', 'lookup', 'hook', 'campaign'"
FORMER_STATES = "'proposed', 'received', 'acknowledged', 'granted', 'refused', 'dead', 'withdrawn'"
STATES = (
    "'proposed', 'received', 'queued', 'delivered', 'acknowledged', 'in_progress', 'more_needed', 'granted', "
    "'refused', 'dead', 'withdrawn'"
)
FORMER_OPEN = "'proposed', 'received', 'acknowledged', 'dead'"
OPEN = "'proposed', 'received', 'queued', 'delivered', 'acknowledged', 'in_progress', 'more_needed', 'dead'"
SUBMISSIONS: tuple[tuple[str, Any], ...] = (
    ("hand_over_by", INSTANT),
    ("late_told_at", INSTANT),
    ("assignee", sa.String(length=64)),
    ("assigned_at", INSTANT),
    ("read_number", sa.Integer()),
    ("salt_sealed", BYTES),
)
NOT_DONE = "state <> 'done'"
IN_FLIGHT = "state IN ('claimed') AND system IS NOT NULL"
CLAIMABLE = "state IN ('ready', 'claimed')"


def upgrade() -> None:
    change_words("outbox", "kind", FORMER_KINDS, KINDS)
    op.add_column("outbox", sa.Column("system", sa.String(length=96), nullable=True))
    op.execute(
        "UPDATE outbox SET system = (SELECT s.system FROM submissions s WHERE s.id = outbox.target_id) "
        "WHERE kind IN ('submission', 'withdrawal')"
    )
    index_outbox()
    change_words("submissions", "state", FORMER_STATES, STATES, index=(FORMER_OPEN, OPEN))
    for name, kind in SUBMISSIONS:
        op.add_column("submissions", sa.Column(name, kind, nullable=True))
    op.create_index("ix_submissions_system", "submissions", ["system", "state", "id"])
    op.create_index("ix_submissions_hand_over_by", "submissions", ["hand_over_by"], **where("state IN ('received')"))
    op.create_index("ix_submissions_state", "submissions", ["state", "promised_on"])
    op.create_index("ix_outbox_open", "outbox", ["lane", "state"], **where(NOT_DONE))
    op.add_column("erasures", sa.Column("since", INSTANT, nullable=True))
    op.create_index("ix_operator_acts_subject", "operator_acts", ["subject"])
    create_breakers()
    create_checkpoints()
    link_events()
    create_questions()
    create_answers()
    create_hooks()


def downgrade() -> None:
    for table in ("endpoints", "hooks", "promised_answers", "cached_answers", "statements", "questions"):
        op.drop_table(table)
    unlink_events()
    op.drop_table("checkpoints")
    op.drop_table("breakers")
    op.drop_column("erasures", "since")
    op.drop_index("ix_outbox_open", "outbox")
    op.drop_index("ix_submissions_state", "submissions")
    op.drop_index("ix_operator_acts_subject", "operator_acts")
    op.drop_index("ix_submissions_hand_over_by", "submissions")
    op.drop_index("ix_submissions_system", "submissions")
    for name, _ in SUBMISSIONS:
        op.drop_column("submissions", name)
    # What the earlier version has no word for: handed over, or taken.
    op.execute(
        "UPDATE submissions SET state = 'acknowledged' WHERE state IN ('delivered', 'in_progress', 'more_needed')"
    )
    op.execute("UPDATE submissions SET state = 'received' WHERE state = 'queued'")
    change_words("submissions", "state", STATES, FORMER_STATES, index=(OPEN, FORMER_OPEN))
    for name in ("ix_outbox_dead", "ix_outbox_in_flight", "ix_outbox_calls", "ix_outbox_claim"):
        op.drop_index(name, "outbox")
    op.create_index("ix_outbox_claim", "outbox", ["lane", "priority", "due_at", "id"], **where(CLAIMABLE))
    op.drop_column("outbox", "system")
    later = f"kind NOT IN ({FORMER_KINDS})"
    op.execute(f"DELETE FROM attempts WHERE outbox_id IN (SELECT id FROM outbox WHERE {later})")  # noqa: S608 - our words
    op.execute(f"DELETE FROM outbox WHERE {later}")  # noqa: S608 - our words
    change_words("outbox", "kind", KINDS, FORMER_KINDS)


def index_outbox() -> None:
    """Rows that call a system are found by it; the others as before."""
    order = ["priority", "due_at", "id"]
    op.drop_index("ix_outbox_claim", "outbox")
    op.create_index("ix_outbox_claim", "outbox", ["lane", *order], **where(f"{CLAIMABLE} AND system IS NULL"))
    op.create_index(
        "ix_outbox_calls", "outbox", ["lane", "system", *order], **where(f"{CLAIMABLE} AND system IS NOT NULL")
    )
    op.create_index("ix_outbox_in_flight", "outbox", ["system", "lease_until"], **where(IN_FLIGHT))
    op.create_index("ix_outbox_dead", "outbox", ["kind", "updated_at"], **where("state IN ('dead')"))


def change_words(table: str, column: str, former: str, words: str, index: tuple[str, str] | None = None) -> None:
    """Other words in a CHECK of `table`, and in the condition of its index.

    SQLite cannot change a CHECK: the table is made anew from its own declaration, with other words in it, under the
    same name. Rows of other tables that refer to its rows are checked when the migration ends.
    """
    if op.get_bind().dialect.name == "postgresql":
        name = f"ck_{table}_{column}"
        op.drop_constraint(op.f(name), table, type_="check")
        op.create_check_constraint(op.f(name), table, f"{column} IN ({words})")
        if index is not None:
            op.drop_index("uq_submissions_open_subject", table)
            create_subject_index(index[1])
        return
    declared = "SELECT sql FROM sqlite_master WHERE tbl_name = :table AND sql IS NOT NULL ORDER BY type = 'index'"
    made, *indexes = op.get_bind().execute(sa.text(declared), {"table": table}).scalars()
    op.execute("PRAGMA defer_foreign_keys = ON")
    op.execute(f"CREATE TABLE kept_rows AS SELECT * FROM {table}")  # noqa: S608 - our words
    op.drop_table(table)
    replaced(made, former, words)
    for one in indexes:
        replaced(one, *(index if index is not None and index[0] in one else ()))
    op.execute(f"INSERT INTO {table} SELECT * FROM kept_rows")  # noqa: S608 - our words
    op.drop_table("kept_rows")


def replaced(declaration: str, former: str = "", words: str = "") -> None:
    """Runs a declaration of SQLite's own, with other words in it."""
    if former not in declaration:
        raise RuntimeError(f"not as an earlier migration made it: {declaration}")
    op.get_bind().exec_driver_sql(declaration.replace(former, words) if former else declaration)


def create_subject_index(open_states: str) -> None:
    op.create_index(
        "uq_submissions_open_subject",
        "submissions",
        ["service", "subject_digest"],
        unique=True,
        **where(f"subject_digest IS NOT NULL AND state IN ({open_states})"),
    )


def create_breakers() -> None:
    op.create_table(
        "breakers",
        sa.Column("system", sa.String(length=96), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("opened_at", INSTANT, nullable=True),
        sa.Column("ask_at", INSTANT, nullable=True),
        sa.Column("last_code", sa.String(length=64), nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("system", name="pk_breakers"),
    )


def create_checkpoints() -> None:
    op.create_table(
        "checkpoints",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("heads", sa.Integer(), nullable=False),
        sa.Column("root", BYTES, nullable=False),
        sa.Column("previous", BYTES, nullable=False),
        sa.Column("key_id", sa.String(length=32), nullable=False),
        sa.Column("signature", BYTES, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_checkpoints"),
    )


def events_table(*more: Any) -> sa.Table:
    """The history of submissions as the first migration made it, with `more` columns and keys."""
    return op.create_table(
        "submission_events",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("submission_id", ROW_ID, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("event_id", sa.String(length=128), nullable=True),
        *more,
        sa.ForeignKeyConstraint(["submission_id"], ["submissions.id"], name="fk_submission_events_submission_id"),
        sa.PrimaryKeyConstraint("id", name="pk_submission_events"),
    )


def link_events() -> None:
    """Every history becomes a chain. What was altered before cannot be found any more; what is from now on, is."""
    rows = kept_events()
    op.drop_table("submission_events")
    made = events_table(
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("data_digest", BYTES, nullable=True),
        sa.Column("link", BYTES, nullable=False),
        sa.Column("checkpoint_id", ROW_ID, nullable=True),
        sa.ForeignKeyConstraint(["checkpoint_id"], ["checkpoints.id"], name="fk_submission_events_checkpoint_id"),
    )
    op.create_index("uq_submission_events_number", "submission_events", ["submission_id", "number"], unique=True)
    op.create_index(
        "ix_submission_events_checkpoint", "submission_events", ["checkpoint_id", "submission_id", "number"]
    )
    heads: dict[int, tuple[int, bytes]] = {}
    for row in rows:
        number, previous = heads.get(row["submission_id"], (0, chain.START))
        at = row["at"] if row["at"].tzinfo is not None else row["at"].replace(tzinfo=UTC)
        link = chain.link(
            previous, row["submission_id"], number + 1, at, row["kind"], row["code"], row["event_id"], None
        )
        heads[row["submission_id"]] = (number + 1, link)
        op.get_bind().execute(sa.insert(made), {**row, "number": number + 1, "link": link})
    set_sequence()


def unlink_events() -> None:
    rows = kept_events()
    op.drop_table("submission_events")
    made = events_table()
    op.create_index("ix_submission_events_submission", "submission_events", ["submission_id", "id"])
    if rows:
        op.get_bind().execute(sa.insert(made), rows)
    set_sequence()


def kept_events() -> list[Mapping[str, Any]]:
    """What both shapes hold, oldest first; times as they were stored."""
    t = sa.table(
        "submission_events", *(sa.column(name) for name in ("id", "submission_id", "kind", "code", "event_id"))
    )
    at = sa.column("at", INSTANT)
    chosen = sa.select(t.c.id, t.c.submission_id, at, t.c.kind, t.c.code, t.c.event_id).select_from(t).order_by(t.c.id)
    return [dict(row) for row in op.get_bind().execute(chosen).mappings()]


def set_sequence() -> None:
    """PostgreSQL numbers new rows after those that were put back; SQLite does so by itself."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "SELECT setval(pg_get_serial_sequence('submission_events', 'id'), "
            "(SELECT coalesce(max(id), 0) + 1 FROM submission_events), false)"
        )


def create_questions() -> None:
    op.create_table(
        "questions",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("submission_id", ROW_ID, nullable=False),
        sa.Column("event_id", sa.String(length=128), nullable=False),
        sa.Column("text_sealed", BYTES, nullable=True),
        sa.Column("code_digest", BYTES, nullable=False),
        sa.Column("wrong", sa.Integer(), nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=True),
        sa.Column("shown_until", INSTANT, nullable=True),
        sa.Column("settled_at", INSTANT, nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.CheckConstraint("outcome IN ('answered', 'expired', 'closed')", name="ck_questions_outcome"),
        sa.ForeignKeyConstraint(["submission_id"], ["submissions.id"], name="fk_questions_submission_id"),
        sa.PrimaryKeyConstraint("id", name="pk_questions"),
    )
    op.create_index("ix_questions_submission", "questions", ["submission_id", "id"])
    op.create_index(
        "ix_questions_expires_at",
        "questions",
        ["expires_at"],
        **where("settled_at IS NULL AND expires_at IS NOT NULL"),
    )
    op.create_table(
        "statements",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("submission_id", ROW_ID, nullable=False),
        sa.Column("question_id", ROW_ID, nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("text_sealed", BYTES, nullable=True),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("idempotency_key", sa.String(length=64), nullable=False),
        sa.Column("said_at", INSTANT, nullable=False),
        sa.CheckConstraint("kind IN ('answer', 'correction')", name="ck_statements_kind"),
        sa.ForeignKeyConstraint(["submission_id"], ["submissions.id"], name="fk_statements_submission_id"),
        sa.ForeignKeyConstraint(["question_id"], ["questions.id"], name="fk_statements_question_id"),
        sa.PrimaryKeyConstraint("id", name="pk_statements"),
        sa.UniqueConstraint("idempotency_key", name="uq_statements_idempotency_key"),
    )
    op.create_index("ix_statements_submission", "statements", ["submission_id", "id"])


def create_answers() -> None:
    op.create_table(
        "cached_answers",
        sa.Column("key_digest", BYTES, nullable=False),
        sa.Column("holding_id", ROW_ID, nullable=False),
        sa.Column("answer_sealed", BYTES, nullable=False),
        sa.Column("answered_at", INSTANT, nullable=False),
        sa.Column("forget_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["holding_id"], ["holdings.id"], name="fk_cached_answers_holding_id"),
        sa.PrimaryKeyConstraint("key_digest", name="pk_cached_answers"),
    )
    op.create_index("ix_cached_answers_holding", "cached_answers", ["holding_id"])
    op.create_index("ix_cached_answers_forget_at", "cached_answers", ["forget_at"])
    op.create_table(
        "promised_answers",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("holding_id", ROW_ID, nullable=False),
        sa.Column("service", sa.String(length=64), nullable=False),
        sa.Column("screen", sa.String(length=64), nullable=False),
        sa.Column("menu_version", sa.String(length=16), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("args_sealed", BYTES, nullable=True),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("network", sa.String(length=32), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("valid_until", INSTANT, nullable=False),
        sa.Column("settled_at", INSTANT, nullable=True),
        sa.Column("outcome", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(["holding_id"], ["holdings.id"], name="fk_promised_answers_holding_id"),
        sa.PrimaryKeyConstraint("id", name="pk_promised_answers"),
    )
    op.create_index("ix_promised_answers_holding", "promised_answers", ["holding_id", "id"])
    op.create_index("ix_promised_answers_asked_at", "promised_answers", ["asked_at"])


def create_hooks() -> None:
    op.create_table(
        "hooks",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("endpoint", sa.String(length=64), nullable=False),
        sa.Column("webhook_id", sa.String(length=64), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("submission_id", ROW_ID, nullable=True),
        sa.Column("payload_sealed", BYTES, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("settled_at", INSTANT, nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.CheckConstraint("outcome IN ('taken', 'given_up', 'disabled')", name="ck_hooks_outcome"),
        sa.ForeignKeyConstraint(["submission_id"], ["submissions.id"], name="fk_hooks_submission_id"),
        sa.PrimaryKeyConstraint("id", name="pk_hooks"),
        sa.UniqueConstraint("webhook_id", name="uq_hooks_webhook_id"),
    )
    op.create_index("ix_hooks_endpoint", "hooks", ["endpoint", "id"])
    op.create_index("ix_hooks_submission", "hooks", ["submission_id"], **where("submission_id IS NOT NULL"))
    op.create_index("ix_hooks_created_at", "hooks", ["created_at"])
    op.create_table(
        "endpoints",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("failing_since", INSTANT, nullable=True),
        sa.Column("disabled_at", INSTANT, nullable=True),
        sa.Column("why", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_endpoints"),
    )
