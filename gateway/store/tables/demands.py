"""Submissions, and what institutions said about them."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Date, Index, Integer, Table

from gateway.messages import Decision, OnBehalf, SubmissionState
from gateway.store.columns import binary, instant, one_of, refers_to, row_id, text, where, words_of
from gateway.store.tables.base import OPEN_SUBMISSION, metadata

submissions = Table(
    "submissions",
    metadata,
    row_id(),
    text("reference", 12, unique=True),
    text("service", 64),
    text("menu_version", 16),
    text("system", 64),
    text("institution", 64),
    refers_to("holdings", "holding_id"),
    text("channel", 64),
    text("language", 8),
    text("assurance", 16),
    Column("sensitive", Boolean, nullable=False),
    text("state", 16),
    binary("fields_sealed", nullable=True),  # null once erased
    binary("subject_digest", nullable=True),  # null: no duplicate is looked for, or erased
    binary("label_sealed", nullable=True),
    text("idempotency_key", 64, unique=True),
    text("case_number", 128),
    text("decision", 16, nullable=True),
    binary("message_sealed", nullable=True),
    Column("promised_on", Date, nullable=True),
    text("receipt_key_id", 32),
    Column("keep_s", Integer, nullable=True),  # the service's `keep` when it was submitted
    instant("submitted_at"),
    instant("acknowledged_at", nullable=True),
    instant("decided_at", nullable=True),
    instant("closed_at", nullable=True),
    instant("erase_after", nullable=True),
    text("on_behalf", 16, nullable=True),
    binary("relation_sealed", nullable=True),
    refers_to("holdings", "helper_id", nullable=True),  # the holding of who dialled for somebody else
    instant("moved_at", nullable=True),  # when another number took it over
    one_of("state", SubmissionState),
    one_of("on_behalf", OnBehalf),
    one_of("decision", Decision),
    Index(
        "uq_submissions_open_subject",
        "service",
        "subject_digest",
        unique=True,
        **where(f"subject_digest IS NOT NULL AND state IN ({words_of(OPEN_SUBMISSION)})"),
    ),
    Index("ix_submissions_holding", "holding_id", "id"),
    Index("ix_submissions_helper", "helper_id", "id", **where("helper_id IS NOT NULL")),
    Index("ix_submissions_erase_after", "erase_after", **where("erase_after IS NOT NULL")),
)

submission_events = Table(
    "submission_events",
    metadata,
    row_id(),
    refers_to("submissions", "submission_id"),
    instant("at"),
    text("kind", 32),
    text("code", 64),
    text("event_id", 128, nullable=True),
    Index("ix_submission_events_submission", "submission_id", "id"),
)

backoffice_events = Table(
    "backoffice_events",
    metadata,
    text("system", 64, primary_key=True),
    text("event_id", 128, primary_key=True),
    text("type", 64),
    instant("received_at"),
    text("outcome", 32),
    Index("ix_backoffice_events_received_at", "received_at"),
)
