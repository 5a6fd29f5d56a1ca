"""Agents: people and sign-in, templates, campaigns, budgets, API keys, events. A migration never reads tables.py."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gateway.store.migrations.versions.v0002_sms import BYTES, INSTANT, ROW_ID, where

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLES = (
    "people",
    "person_roles",
    "invitations",
    "card_codes",
    "sign_ins",
    "templates",
    "template_versions",
    "audiences",
    "api_keys",
    "campaigns",
    "campaign_files",
    "campaign_rows",
    "budgets",
    "idempotency_keys",
    "event_positions",
    "events",
)


def upgrade() -> None:
    create_people()
    create_templates()
    create_campaigns()
    create_api()
    op.add_column("operator_acts", sa.Column("institution", sa.String(length=64), nullable=True))
    op.create_index("ix_operator_acts_institution", "operator_acts", ["institution", "id"])


def downgrade() -> None:
    op.execute("DELETE FROM attempts WHERE outbox_id IN (SELECT id FROM outbox WHERE kind = 'campaign')")
    op.execute("DELETE FROM outbox WHERE kind = 'campaign'")
    op.drop_index("ix_operator_acts_institution", "operator_acts")
    op.drop_column("operator_acts", "institution")
    for table in reversed(TABLES):
        op.drop_table(table)


def create_people() -> None:
    op.create_table(
        "people",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("institution", sa.String(length=64), nullable=True),
        sa.Column("login", sa.String(length=120), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=True),
        sa.Column("totp_sealed", BYTES, nullable=True),
        sa.Column("totp_step", sa.BigInteger(), nullable=True),
        sa.Column("disabled_at", INSTANT, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.Column("signed_in_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_people"),
        sa.UniqueConstraint("login", name="uq_people_login"),
    )
    op.create_index("ix_people_institution", "people", ["institution", "id"])
    op.create_table(
        "person_roles",
        sa.Column("person_id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.CheckConstraint(
            "role IN ('reader', 'sender', 'author', 'approver', 'case_worker', 'manager', 'administrator', 'auditor')",
            name="ck_person_roles_role",
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_person_roles_person_id"),
        sa.PrimaryKeyConstraint("person_id", "role", name="pk_person_roles"),
    )
    op.create_table(
        "invitations",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("person_id", ROW_ID, nullable=False),
        sa.Column("token_digest", BYTES, nullable=False),
        sa.Column("purpose", sa.String(length=8), nullable=False),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT, nullable=True),
        sa.CheckConstraint("purpose IN ('join', 'reset')", name="ck_invitations_purpose"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_invitations_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_invitations"),
        sa.UniqueConstraint("token_digest", name="uq_invitations_token_digest"),
    )
    op.create_index("ix_invitations_person", "invitations", ["person_id", "id"])
    op.create_table(
        "card_codes",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("person_id", ROW_ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("code_digest", BYTES, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_card_codes_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_card_codes"),
    )
    op.create_index("uq_card_codes_number", "card_codes", ["person_id", "number"], unique=True)
    op.create_table(
        "sign_ins",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("token_digest", BYTES, nullable=False),
        sa.Column("person_id", ROW_ID, nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("seen_at", INSTANT, nullable=False),
        sa.Column("proved_at", INSTANT, nullable=True),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_sign_ins_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_sign_ins"),
        sa.UniqueConstraint("token_digest", name="uq_sign_ins_token_digest"),
    )
    op.create_index("ix_sign_ins_person", "sign_ins", ["person_id", "id"])
    op.create_index("ix_sign_ins_seen_at", "sign_ins", ["seen_at"])


def create_templates() -> None:
    op.create_table(
        "templates",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("retired_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_templates"),
    )
    op.create_index("uq_templates_name", "templates", ["institution", "name"], unique=True)
    op.create_table(
        "template_versions",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("template_id", ROW_ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("category", sa.String(length=16), nullable=False),
        sa.Column("sender", sa.String(length=32), nullable=True),
        sa.Column("policy", sa.String(length=8), nullable=False),
        sa.Column("body", BYTES, nullable=False),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "category IN ('vital', 'reply', 'procedure', 'information')", name="ck_template_versions_category"
        ),
        sa.CheckConstraint("policy IN ('exact', 'plain', 'shortest')", name="ck_template_versions_policy"),
        sa.ForeignKeyConstraint(["template_id"], ["templates.id"], name="fk_template_versions_template_id"),
        sa.PrimaryKeyConstraint("id", name="pk_template_versions"),
    )
    op.create_index("uq_template_versions_number", "template_versions", ["template_id", "number"], unique=True)
    op.create_table(
        "audiences",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("definition_sealed", BYTES, nullable=True),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint("kind IN ('numbers', 'state', 'topic')", name="ck_audiences_kind"),
        sa.PrimaryKeyConstraint("id", name="pk_audiences"),
    )
    op.create_index("uq_audiences_name", "audiences", ["institution", "name"], unique=True)


def create_campaigns() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("prefix", sa.String(length=24), nullable=False),
        sa.Column("key_digest", BYTES, nullable=False),
        sa.Column("scopes", sa.String(length=200), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("guests_sealed", BYTES, nullable=True),
        sa.Column("per_minute", sa.Integer(), nullable=False),
        sa.Column("per_day", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT, nullable=True),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("key_digest", name="uq_api_keys_key_digest"),
    )
    op.create_index("ix_api_keys_institution", "api_keys", ["institution", "id"])
    op.create_table(
        "campaigns",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("version_id", ROW_ID, nullable=False),
        sa.Column("source", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("own_reference", sa.String(length=64), nullable=True),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.Column("api_key_id", ROW_ID, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("start_at", INSTANT, nullable=True),
        sa.Column("sent_by", sa.String(length=64), nullable=True),
        sa.Column("sent_at", INSTANT, nullable=True),
        sa.Column("approved_by", sa.String(length=64), nullable=True),
        sa.Column("approved_at", INSTANT, nullable=True),
        sa.Column("stopped_by", sa.String(length=64), nullable=True),
        sa.Column("stopped_at", INSTANT, nullable=True),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("part_allowed", sa.Boolean(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("checked", sa.Integer(), nullable=False),
        sa.Column("expanded", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("segments", sa.Integer(), nullable=False),
        sa.Column("cost_f", sa.BigInteger(), nullable=False),
        sa.Column("budget_month", sa.Date(), nullable=True),
        sa.Column("options_sealed", BYTES, nullable=True),
        sa.Column("why", sa.String(length=64), nullable=True),
        sa.Column("erased_at", INSTANT, nullable=True),
        sa.CheckConstraint("source IN ('single', 'list', 'file', 'state', 'topic')", name="ck_campaigns_source"),
        sa.CheckConstraint(
            "state IN ('checking', 'ready', 'refused', 'waiting', 'sending', 'done', 'stopped')",
            name="ck_campaigns_state",
        ),
        sa.ForeignKeyConstraint(["api_key_id"], ["api_keys.id"], name="fk_campaigns_api_key_id"),
        sa.ForeignKeyConstraint(["version_id"], ["template_versions.id"], name="fk_campaigns_version_id"),
        sa.PrimaryKeyConstraint("id", name="pk_campaigns"),
        sa.UniqueConstraint("public_id", name="uq_campaigns_public_id"),
    )
    op.create_index("ix_campaigns_institution", "campaigns", ["institution", "id"])
    op.create_index(
        "ix_campaigns_own_reference",
        "campaigns",
        ["institution", "own_reference"],
        **where("own_reference IS NOT NULL"),
    )
    op.create_index("ix_campaigns_state", "campaigns", ["state", "start_at"])
    op.create_index("ix_campaigns_ended_at", "campaigns", ["ended_at"], **where("erased_at IS NULL"))
    op.create_table(
        "campaign_files",
        sa.Column("campaign_id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=160), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("content_sealed", BYTES, nullable=True),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name="fk_campaign_files_campaign_id"),
        sa.PrimaryKeyConstraint("campaign_id", name="pk_campaign_files"),
    )
    op.create_table(
        "campaign_rows",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("campaign_id", ROW_ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("msisdn_digest", BYTES, nullable=True),
        sa.Column("msisdn_sealed", BYTES, nullable=True),
        sa.Column("values_sealed", BYTES, nullable=True),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("cell", sa.String(length=16), nullable=False),
        sa.Column("segments", sa.Integer(), nullable=False),
        sa.Column("cost_f", sa.Integer(), nullable=False),
        sa.Column("own_reference", sa.String(length=64), nullable=True),
        sa.Column("mt_id", ROW_ID, nullable=True),
        sa.CheckConstraint(
            "state IN ('good', 'wrong', 'duplicate', 'left_out', 'written')", name="ck_campaign_rows_state"
        ),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name="fk_campaign_rows_campaign_id"),
        sa.ForeignKeyConstraint(["mt_id"], ["mts.id"], name="fk_campaign_rows_mt_id"),
        sa.PrimaryKeyConstraint("id", name="pk_campaign_rows"),
    )
    op.create_index("ix_campaign_rows_msisdn", "campaign_rows", ["msisdn_digest", "campaign_id"])
    op.create_index("ix_campaign_rows_mt", "campaign_rows", ["mt_id"], **where("mt_id IS NOT NULL"))
    op.create_index(
        "ix_campaign_rows_own_reference", "campaign_rows", ["own_reference"], **where("own_reference IS NOT NULL")
    )
    op.create_index("ix_campaign_rows_state", "campaign_rows", ["campaign_id", "state", "number"])
    op.create_index("uq_campaign_rows_number", "campaign_rows", ["campaign_id", "number"], unique=True)
    op.create_table(
        "budgets",
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("limit_f", sa.BigInteger(), nullable=True),
        sa.Column("used_f", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("institution", "month", name="pk_budgets"),
    )


def create_api() -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("key_digest", BYTES, nullable=False),
        sa.Column("request_digest", BYTES, nullable=False),
        sa.Column("token", sa.String(length=40), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("answer_sealed", BYTES, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("institution", "key_digest", name="pk_idempotency_keys"),
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"])
    op.create_table(
        "events",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("event_id", sa.String(length=64), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("submission_id", ROW_ID, nullable=True),
        sa.Column("campaign_row_id", ROW_ID, nullable=True),
        sa.Column("payload_sealed", BYTES, nullable=True),
        sa.ForeignKeyConstraint(["campaign_row_id"], ["campaign_rows.id"], name="fk_events_campaign_row_id"),
        sa.ForeignKeyConstraint(["submission_id"], ["submissions.id"], name="fk_events_submission_id"),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
        sa.UniqueConstraint("event_id", name="uq_events_event_id"),
    )
    op.create_index("ix_events_at", "events", ["at"])
    op.create_index("ix_events_submission", "events", ["submission_id"], **where("submission_id IS NOT NULL"))
    op.create_index("ix_events_unplaced", "events", ["institution", "id"], **where("position IS NULL"))
    op.create_index("uq_events_position", "events", ["institution", "position"], unique=True)
    op.create_table(
        "event_positions",
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("institution", name="pk_event_positions"),
    )
