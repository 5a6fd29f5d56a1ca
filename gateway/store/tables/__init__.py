"""The tables. Times are aware UTC; `*_sealed` is encrypted (`sealed.py`); `*_digest` is a keyed digest, for search.

No table holds a number, an identifier or a text of a citizen in clear. States are written beside their moves in
messages.py (MT, submissions) and base.py; the database refuses any other word.
"""

from gateway.store.tables.base import KINDS, LANES, OPEN_OUTBOX, OPEN_SUBMISSION, MoState, OutboxState, metadata
from gateway.store.tables.citizens import (
    agreements,
    codes,
    conversations,
    erasures,
    holdings,
    preferences,
    saved_dialogues,
    sim_checks,
)
from gateway.store.tables.demands import (
    backoffice_events,
    cached_answers,
    checkpoints,
    endpoints,
    hooks,
    promised_answers,
    questions,
    statements,
    submission_events,
    submissions,
)
from gateway.store.tables.texts import mos, mt_events, mts, stray_dlrs
from gateway.store.tables.work import (
    acts,
    attempts,
    beats,
    breakers,
    counters,
    daily,
    menu_versions,
    operator_acts,
    outbox,
    stops,
)

__all__ = [
    "KINDS",
    "LANES",
    "OPEN_OUTBOX",
    "OPEN_SUBMISSION",
    "MoState",
    "OutboxState",
    "acts",
    "agreements",
    "attempts",
    "backoffice_events",
    "beats",
    "breakers",
    "cached_answers",
    "checkpoints",
    "codes",
    "conversations",
    "counters",
    "daily",
    "endpoints",
    "erasures",
    "holdings",
    "hooks",
    "menu_versions",
    "metadata",
    "mos",
    "mt_events",
    "mts",
    "operator_acts",
    "outbox",
    "preferences",
    "promised_answers",
    "questions",
    "saved_dialogues",
    "sim_checks",
    "statements",
    "stops",
    "stray_dlrs",
    "submission_events",
    "submissions",
]
