"""Erasing what SMS said and to whom; the rows and their moves stay, for the counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import or_, select, update

from gateway.messages import MtState
from gateway.store.columns import is_in
from gateway.store.db import Connection
from gateway.store.tables import mts, submissions

_M = MtState
#: Templates of SMS that hold a code which opens something: to read one is to hold it, and no operator needs to.
WITH_A_CODE = ("code_sms", "agree_ask", "resume_sms")
#: What is left of the text and the number.
_GONE = {"text_sealed": None, "msisdn_sealed": None, "msisdn_digest": b""}


def erase_of(conn: Connection, submission_ids: Sequence[int]) -> int:
    """How many SMS about these submissions lost their text and number; the rows and their moves stay."""
    about = update(mts).where(mts.c.submission_id.in_(submission_ids), mts.c.text_sealed.is_not(None))
    return conn.execute(about.values(_GONE)).rowcount


def erase_older(conn: Connection, before: datetime, limit: int) -> int:
    """How many SMS written before then, at most `limit`, lost their text and number.

    Those about a demand that is erased itself go with it (`erase_of`); one that has not left yet is still needed, one
    of which nobody ever learned whether it left is not.
    """
    over = tuple(state for state in _M if state not in (_M.CREATED, _M.SENDING))
    kept_without_end = select(submissions.c.id).where(submissions.c.keep_s.is_(None)).scalar_subquery()
    old = (
        select(mts.c.id)
        .where(mts.c.created_at < before, mts.c.text_sealed.is_not(None), is_in(mts.c.state, over))
        .where(or_(mts.c.submission_id.is_(None), mts.c.submission_id.in_(kept_without_end)))
        .limit(limit)
    )
    ids = list(conn.execute(old).scalars())
    erased = update(mts).where(mts.c.id.in_(ids)).values(_GONE)
    return conn.execute(erased).rowcount


def erase_over(conn: Connection, template: str, now: datetime, limit: int) -> int:
    """How many SMS of a template whose validity is over lost their text and number: a code that opens nothing more."""
    over = select(mts.c.id).where(mts.c.template == template, mts.c.valid_until <= now, mts.c.text_sealed.is_not(None))
    ids = list(conn.execute(over.limit(limit)).scalars())
    return conn.execute(update(mts).where(mts.c.id.in_(ids)).values(_GONE)).rowcount
