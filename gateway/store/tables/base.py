"""What the tables share: the words of their states, and the one MetaData."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import MetaData

from gateway.messages import SubmissionState

#: The lanes of the outbox, one worker process each. `upkeep` holds no rows: its work is found by date.
LANES = ("urgent", "bulk", "backoffice", "upkeep")
#: A submission in one of these still waits for an answer: another one about the same subject is a duplicate.
#: `dead` is one: the citizen holds its reference, and a person will hand it over again.
OPEN_SUBMISSION = (
    SubmissionState.PROPOSED,
    SubmissionState.RECEIVED,
    SubmissionState.QUEUED,
    SubmissionState.DELIVERED,
    SubmissionState.ACKNOWLEDGED,
    SubmissionState.IN_PROGRESS,
    SubmissionState.MORE_NEEDED,
    SubmissionState.DEAD,
)
#: What a row of the outbox is about: see the docstring of each use case that handles it.
KINDS = (
    "mt", "submission", "mo", "withdrawal", "sim_check", "statement", "reminder", "poll", "lookup", "hook", "campaign",
)  # fmt: skip


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
