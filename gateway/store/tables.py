"""The tables. Times are aware UTC; `*_sealed` is encrypted (`sealed.py`); `*_digest` is a keyed digest, for search.

No table holds a number, an identifier or a text of a citizen in clear. States are written beside their moves in
messages.py (MT, submissions) and outbox.py; the database refuses any other word.
"""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import BigInteger, Boolean, Column, Date, ForeignKey, Index, Integer, LargeBinary, MetaData, Table

from gateway.messages import Decision, MtState, SubmissionState
from gateway.store.columns import Instant, RowId, binary, instant, one_of, refers_to, row_id, text, where, words_of

#: The lanes of the outbox, one worker process each. `upkeep` holds no rows: its work is found by date.
LANES = ("urgent", "bulk", "backoffice", "upkeep")
#: A submission in one of these still waits for an answer: another one about the same subject is a duplicate.
#: `dead` is one: the citizen holds its reference, and a person will hand it over again.
OPEN_SUBMISSION = (SubmissionState.RECEIVED, SubmissionState.ACKNOWLEDGED, SubmissionState.DEAD)


class OutboxState(StrEnum):
    """The life of an outbox row. Beside each state, the move that leads to it."""

    READY = "ready"  #: new; claimed | sending -> ready: surely not done, tried again at `due_at`
    CLAIMED = "claimed"  #: ready -> claimed, or claimed -> claimed when the lease has ended
    SENDING = "sending"  #: claimed -> sending: the call is about to leave; never claimed again
    DONE = "done"  #: claimed | sending -> done; unknown -> done when a report or a late answer settles it
    UNKNOWN = "unknown"  #: sending -> unknown: the call may have had its effect; never repeated by itself
    DEAD = "dead"  #: claimed | sending | unknown -> dead: given up; a person looks, and may make it ready again


class MoState(StrEnum):
    """The life of one SMS that a citizen sent."""

    RECEIVED = "received"  #: stored; a worker will answer it
    HANDLED = "handled"  #: received -> handled: it had its effect, and its answer is stored
    IGNORED = "ignored"  #: stored and not answered: a foreign number, another machine, too old


#: A row in one of these holds back the later rows of its `order_key`.
OPEN_OUTBOX = (OutboxState.READY, OutboxState.CLAIMED, OutboxState.SENDING)


metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


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
    Index("uq_holdings_open", "msisdn_digest", unique=True, **where("closed_at IS NULL")),
)

acts = Table(
    "acts",
    metadata,
    Column("act_key", LargeBinary, primary_key=True),
    text("action", 64),
    text("outcome", 64),
    binary("values_sealed"),
    instant("created_at"),
    Index("ix_acts_created_at", "created_at"),
)

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
    one_of("state", SubmissionState),
    one_of("decision", Decision),
    Index(
        "uq_submissions_open_subject",
        "service",
        "subject_digest",
        unique=True,
        **where(f"subject_digest IS NOT NULL AND state IN ({words_of(OPEN_SUBMISSION)})"),
    ),
    Index("ix_submissions_holding", "holding_id", "id"),
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

outbox = Table(
    "outbox",
    metadata,
    row_id(),
    text("lane", 16),
    text("kind", 16),
    Column("target_id", RowId, nullable=False),  # mts.id, submissions.id or mos.id, as `kind` says
    text("order_key", 64, nullable=True),
    Column("priority", Integer, nullable=False),  # the smallest leaves first
    instant("due_at"),
    text("state", 8),
    text("token", 64, nullable=True),
    instant("lease_until", nullable=True),  # claimed: end of the lease; sending: when it becomes unknown
    Column("attempts", Integer, nullable=False),
    text("last_code", 64),
    instant("created_at"),
    instant("updated_at"),
    one_of("lane", LANES),
    one_of("kind", ("mt", "submission", "mo")),
    one_of("state", OutboxState),
    Index(
        "ix_outbox_claim",
        "lane",
        "priority",
        "due_at",
        "id",
        **where(f"state IN ({words_of((OutboxState.READY, OutboxState.CLAIMED))})"),
    ),
    Index(
        "ix_outbox_order",
        "order_key",
        "id",
        **where(f"order_key IS NOT NULL AND state IN ({words_of(OPEN_OUTBOX)})"),
    ),
    Index("ix_outbox_sending", "lease_until", **where("state = 'sending'")),
    Index("ix_outbox_target", "kind", "target_id"),
)

attempts = Table(
    "attempts",
    metadata,
    row_id(),
    refers_to("outbox", "outbox_id"),
    Column("number", Integer, nullable=False),  # from 1; a person who makes the row ready again starts a new count
    text("token", 64),
    instant("started_at"),
    instant("finished_at", nullable=True),
    text("outcome", 8, nullable=True),
    text("code", 64),
    one_of("outcome", ("done", "retry", "unknown", "dead")),
    Index("ix_attempts_outbox", "outbox_id"),
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

counters = Table(
    "counters",
    metadata,
    text("scope", 32, primary_key=True),
    text("subject", 80, primary_key=True),
    Column("window_at", Instant, primary_key=True),
    Column("used", BigInteger, nullable=False),
    instant("noted_at"),
    Index("ix_counters_noted_at", "noted_at"),
)

stops = Table(
    "stops",
    metadata,
    text("subject", 80, primary_key=True),
    text("reason", 160),
    text("who", 64),
    instant("at"),
)

operator_acts = Table(
    "operator_acts",
    metadata,
    row_id(),
    instant("at"),
    text("who", 64),
    text("act", 64),
    text("subject", 80),
    text("detail", 160),
)

menu_versions = Table(
    "menu_versions",
    metadata,
    text("version", 16, primary_key=True),
    instant("published_at"),
    binary("files"),  # JSON of name -> text, zlib
    Index("ix_menu_versions_published_at", "published_at"),
)

beats = Table("beats", metadata, text("name", 64, primary_key=True), instant("at"))
