"""What a citizen may ask about her own data: here, to be forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.store import erasures
from gateway.usecases.parts import Parts


@dataclass(frozen=True, slots=True)
class Counts:
    """What an erasure emptied."""

    submissions: int = 0


def erase_digest(parts: Parts, digest: bytes, now: datetime, who: str) -> Counts:
    """Erases what is personal of the number with this digest. Raises StoreUnavailable."""
    with parts.database.begin() as conn:
        return Counts(erasures.erase(conn, digest, now, who))
