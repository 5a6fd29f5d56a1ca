"""Those who send: people and their sign-in, templates, campaigns and their rows, budgets, API keys, events to pull."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Date, ForeignKey, Index, Integer, LargeBinary, Table

from gateway.messages import CampaignState, Category, Role, RowState
from gateway.store.columns import RowId, binary, instant, one_of, refers_to, row_id, text, where
from gateway.store.tables.base import metadata

people = Table(
    "people",
    metadata,
    row_id(),
    text("institution", 64, nullable=True),  # null: of the platform
    text("login", 120, unique=True),  # lower case
    text("name", 80),
    text("language", 8),
    text("password_hash", 200, nullable=True),  # null until the invitation is used
    binary("totp_sealed", nullable=True),
    Column("totp_step", BigInteger, nullable=True),  # the last one used: a code opens once
    instant("disabled_at", nullable=True),
    instant("created_at"),
    text("created_by", 64),
    instant("signed_in_at", nullable=True),
    Index("ix_people_institution", "institution", "id"),
)

person_roles = Table(
    "person_roles",
    metadata,
    Column("person_id", RowId, ForeignKey("people.id"), primary_key=True, autoincrement=False),
    text("role", 16, primary_key=True),
    one_of("role", Role),
)

invitations = Table(
    "invitations",
    metadata,
    row_id(),
    refers_to("people", "person_id"),
    binary("token_digest", unique=True),
    text("purpose", 8),
    text("created_by", 64),
    instant("created_at"),
    instant("expires_at"),
    instant("used_at", nullable=True),
    one_of("purpose", ("join", "reset")),
    Index("ix_invitations_person", "person_id", "id"),
)

card_codes = Table(
    "card_codes",
    metadata,
    row_id(),
    refers_to("people", "person_id"),
    Column("number", Integer, nullable=False),  # as printed on the card
    binary("code_digest"),
    instant("created_at"),
    instant("used_at", nullable=True),
    Index("uq_card_codes_number", "person_id", "number", unique=True),
)

sign_ins = Table(
    "sign_ins",
    metadata,
    row_id(),
    binary("token_digest", unique=True),
    refers_to("people", "person_id"),
    instant("started_at"),
    instant("seen_at"),
    instant("proved_at", nullable=True),  # when the second factor was given; null: not yet
    instant("ended_at", nullable=True),
    Index("ix_sign_ins_person", "person_id", "id"),
    Index("ix_sign_ins_seen_at", "seen_at"),
)

templates = Table(
    "templates",
    metadata,
    row_id(),
    text("institution", 64),
    text("name", 64),
    text("created_by", 64),
    instant("created_at"),
    instant("retired_at", nullable=True),
    Index("uq_templates_name", "institution", "name", unique=True),
)

template_versions = Table(
    "template_versions",
    metadata,
    row_id(),
    refers_to("templates", "template_id"),
    Column("number", Integer, nullable=False),  # from 1
    text("category", 16),
    text("sender", 32, nullable=True),  # its key in gateway.yaml; null: the default one
    text("policy", 8),
    binary("body"),  # JSON: texts by language, order of fallback, placeholders with their greatest size and an example
    text("created_by", 64),
    instant("created_at"),
    one_of("category", Category),
    one_of("policy", ("exact", "plain", "shortest")),
    Index("uq_template_versions_number", "template_id", "number", unique=True),
)

audiences = Table(
    "audiences",
    metadata,
    row_id(),
    text("institution", 64),
    text("name", 64),
    text("kind", 8),
    binary("definition_sealed", nullable=True),  # JSON: numbers, a service and state, or a topic
    text("created_by", 64),
    instant("created_at"),
    one_of("kind", ("numbers", "state", "topic")),
    Index("uq_audiences_name", "institution", "name", unique=True),
)

api_keys = Table(
    "api_keys",
    metadata,
    row_id(),
    text("institution", 64),
    text("name", 64),
    text("prefix", 24),  # shown, so that people know which is which
    binary("key_digest", unique=True),
    text("scopes", 200),  # separated by spaces
    Column("live", Boolean, nullable=False),  # false: reaches only its guests
    binary("guests_sealed", nullable=True),  # JSON: the numbers that a trial key reaches
    Column("per_minute", Integer, nullable=False),
    Column("per_day", Integer, nullable=False),
    text("created_by", 64),
    instant("created_at"),
    instant("used_at", nullable=True),
    instant("revoked_at", nullable=True),
    Index("ix_api_keys_institution", "institution", "id"),
)

campaigns = Table(
    "campaigns",
    metadata,
    row_id(),
    text("public_id", 40, unique=True),
    text("institution", 64),
    refers_to("template_versions", "version_id"),
    text("source", 8),
    text("state", 12),
    Column("live", Boolean, nullable=False),  # false: of a trial key
    text("own_reference", 64, nullable=True),  # the client's own
    text("created_by", 64),
    refers_to("api_keys", "api_key_id", nullable=True),
    instant("created_at"),
    instant("start_at", nullable=True),  # null: as soon as it may
    text("sent_by", 64, nullable=True),  # who gave the word; never the one who approves
    instant("sent_at", nullable=True),
    text("approved_by", 64, nullable=True),
    instant("approved_at", nullable=True),
    text("stopped_by", 64, nullable=True),
    instant("stopped_at", nullable=True),
    instant("ended_at", nullable=True),
    Column("part_allowed", Boolean, nullable=False),  # whether good rows may leave although others are wrong
    Column("rows", Integer, nullable=False),  # how many there are; while they are checked, about how many
    Column("checked", Integer, nullable=False),  # number of the last row that was checked
    Column("expanded", Integer, nullable=False),  # number of the last row that became an SMS, or never will
    Column("position", BigInteger, nullable=False),  # of an audience: the last id that was looked at
    Column("segments", Integer, nullable=False),
    Column("cost_f", BigInteger, nullable=False),
    Column("budget_month", Date, nullable=True),  # whose budget pays it, its first day; null: nothing is taken
    binary("options_sealed", nullable=True),  # JSON: the audience's definition, the guests of a trial key
    text("why", 64, nullable=True),
    instant("erased_at", nullable=True),  # when its rows lost their numbers and values
    one_of("source", ("single", "list", "file", "state", "topic")),
    one_of("state", CampaignState),
    Index("ix_campaigns_institution", "institution", "id"),
    Index("ix_campaigns_own_reference", "institution", "own_reference", **where("own_reference IS NOT NULL")),
    Index("ix_campaigns_state", "state", "start_at"),
    Index("ix_campaigns_ended_at", "ended_at", **where("erased_at IS NULL")),
)

campaign_files = Table(
    "campaign_files",
    metadata,
    Column("campaign_id", RowId, ForeignKey("campaigns.id"), primary_key=True, autoincrement=False),
    text("name", 160),
    Column("size", BigInteger, nullable=False),
    binary("content_sealed", nullable=True),  # null once erased
)

campaign_rows = Table(
    "campaign_rows",
    metadata,
    row_id(),
    refers_to("campaigns", "campaign_id"),
    Column("number", Integer, nullable=False),  # from 1, as in the file without its head
    binary("msisdn_digest", nullable=True),
    binary("msisdn_sealed", nullable=True),  # null once erased, or when there is none
    binary("values_sealed", nullable=True),
    text("language", 8),
    text("state", 10),
    text("code", 64),  # why it is wrong or left out
    text("cell", 16),  # where in the file
    Column("segments", Integer, nullable=False),
    Column("cost_f", Integer, nullable=False),
    text("own_reference", 64, nullable=True),
    refers_to("mts", "mt_id", nullable=True),
    one_of("state", RowState),
    Index("uq_campaign_rows_number", "campaign_id", "number", unique=True),
    Index("ix_campaign_rows_msisdn", "msisdn_digest", "campaign_id"),
    Index("ix_campaign_rows_state", "campaign_id", "state", "number"),
    Index("ix_campaign_rows_mt", "mt_id", **where("mt_id IS NOT NULL")),
    Index("ix_campaign_rows_own_reference", "own_reference", **where("own_reference IS NOT NULL")),
)

budgets = Table(
    "budgets",
    metadata,
    text("institution", 64, primary_key=True),
    Column("month", Date, primary_key=True),  # its first day
    Column("limit_f", BigInteger, nullable=True),  # from this month on; null: that of the months before
    Column("used_f", BigInteger, nullable=False),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    text("institution", 64, primary_key=True),
    Column("key_digest", LargeBinary, primary_key=True),
    binary("request_digest"),
    text("token", 40),  # of whoever runs the request: one whose lease ended cannot finish it
    Column("status", Integer, nullable=True),  # null while the first request runs
    binary("answer_sealed", nullable=True),
    instant("created_at"),
    Index("ix_idempotency_keys_created_at", "created_at"),
)

events = Table(
    "events",
    metadata,
    row_id(),
    text("institution", 64),
    text("event_id", 64, unique=True),
    Column("position", BigInteger, nullable=True),  # its place in the institution's list; null: nobody asked since
    text("type", 64),
    Column("live", Boolean, nullable=False),  # false: of a trial key's notification
    instant("at"),
    refers_to("submissions", "submission_id", nullable=True),
    refers_to("campaign_rows", "campaign_row_id", nullable=True),
    binary("payload_sealed", nullable=True),  # null once erased
    Index("uq_events_position", "institution", "position", unique=True),
    Index("ix_events_unplaced", "institution", "id", **where("position IS NULL")),
    Index("ix_events_submission", "submission_id", **where("submission_id IS NOT NULL")),
    Index("ix_events_at", "at"),
)

event_positions = Table(
    "event_positions",
    metadata,
    text("institution", 64, primary_key=True),
    Column("last", BigInteger, nullable=False),  # outlives the events: a position is given once
)
