"""Submissions, and what institutions said about them."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Date, Index, Integer, LargeBinary, Table

from gateway.messages import Decision, OnBehalf, StatementKind, SubmissionState
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
    instant("hand_over_by", nullable=True),  # past it, an institution that never took it is given up
    instant("late_told_at", nullable=True),  # when citizen and institution were told that the promised date passed
    text("assignee", 64, nullable=True),  # who has it in hand, where an institution works at our desk
    instant("assigned_at", nullable=True),
    Column("read_number", Integer, nullable=True),  # the last entry of its history that an agent has seen
    binary("salt_sealed", nullable=True),  # of the digests in its history; erased with the personal data
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
    Index("ix_submissions_system", "system", "state", "id"),
    Index("ix_submissions_state", "state", "promised_on"),
    Index("ix_submissions_hand_over_by", "hand_over_by", **where("state IN ('received')")),
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
    Column("number", Integer, nullable=False),  # from 1 within its submission
    binary("data_digest", nullable=True),  # salted, of the personal data it is about
    binary("link", nullable=False),  # SHA-256 over the link before and this row: chain.py
    refers_to("checkpoints", "checkpoint_id", nullable=True),  # the first one whose root covers it
    Index("uq_submission_events_number", "submission_id", "number", unique=True),
    Index("ix_submission_events_checkpoint", "checkpoint_id", "submission_id", "number"),
)

checkpoints = Table(
    "checkpoints",
    metadata,
    row_id(),
    instant("at"),
    Column("heads", Integer, nullable=False),  # how many chains had grown
    binary("root"),  # over their heads
    binary("previous"),  # over the checkpoint before, so that none can be left out
    text("key_id", 32),
    binary("signature"),
)

questions = Table(
    "questions",
    metadata,
    row_id(),
    refers_to("submissions", "submission_id"),
    text("event_id", 128),  # the institution's own id of the event that asked
    binary("text_sealed", nullable=True),  # by language; null once erased
    binary("code_digest"),  # of what is typed back with the answer
    Column("wrong", Integer, nullable=False),
    instant("asked_at"),
    instant("said_at", nullable=True),  # by the institution's clock; null: it said none
    instant("expires_at", nullable=True),  # null: as long as the demand is open
    instant("shown_until", nullable=True),  # until when a code that was typed back lets a sensitive one be read
    instant("settled_at", nullable=True),
    text("outcome", 16, nullable=True),
    one_of("outcome", ("answered", "expired", "closed")),
    Index("ix_questions_submission", "submission_id", "id"),
    Index("ix_questions_expires_at", "expires_at", **where("settled_at IS NULL AND expires_at IS NOT NULL")),
)

statements = Table(
    "statements",
    metadata,
    row_id(),
    refers_to("submissions", "submission_id"),
    refers_to("questions", "question_id", nullable=True),  # what it answers
    text("kind", 16),
    binary("text_sealed", nullable=True),  # null once erased
    text("channel", 64),
    text("idempotency_key", 64, unique=True),
    instant("said_at"),
    one_of("kind", StatementKind),
    Index("ix_statements_submission", "submission_id", "id"),
)

cached_answers = Table(
    "cached_answers",
    metadata,
    Column("key_digest", LargeBinary, primary_key=True),  # of system, source, holding, language and arguments
    refers_to("holdings", "holding_id"),
    binary("answer_sealed"),
    instant("answered_at"),
    instant("forget_at"),
    Index("ix_cached_answers_holding", "holding_id"),
    Index("ix_cached_answers_forget_at", "forget_at"),
)

promised_answers = Table(
    "promised_answers",
    metadata,
    row_id(),
    refers_to("holdings", "holding_id"),
    text("service", 64),
    text("screen", 64),
    text("menu_version", 16),
    text("source", 64),
    binary("args_sealed", nullable=True),  # null once erased
    text("channel", 64),
    text("network", 32),
    text("language", 8),
    instant("asked_at"),
    instant("valid_until"),
    instant("settled_at", nullable=True),
    text("outcome", 40, nullable=True),
    Index("ix_promised_answers_holding", "holding_id", "id"),
    Index("ix_promised_answers_asked_at", "asked_at"),
)

hooks = Table(
    "hooks",
    metadata,
    row_id(),
    text("endpoint", 64),
    text("webhook_id", 64, unique=True),
    text("type", 64),
    refers_to("submissions", "submission_id", nullable=True),
    binary("payload_sealed", nullable=True),  # null once erased
    instant("created_at"),
    instant("settled_at", nullable=True),
    text("outcome", 16, nullable=True),
    one_of("outcome", ("taken", "given_up", "disabled")),
    Index("ix_hooks_endpoint", "endpoint", "id"),
    Index("ix_hooks_submission", "submission_id", **where("submission_id IS NOT NULL")),
    Index("ix_hooks_created_at", "created_at"),
)

endpoints = Table(
    "endpoints",
    metadata,
    text("name", 64, primary_key=True),
    instant("failing_since", nullable=True),
    instant("disabled_at", nullable=True),  # by 410, or by an operator
    text("why", 64),
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
