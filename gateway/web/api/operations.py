"""What an operation of the API is: its address, its function, what it takes and answers. Subjects list theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from gateway.store.api_keys import StoredKey
from gateway.store.db import Connection
from gateway.usecases.api_keys import Scope
from gateway.usecases.parts import Parts

#: A call of a few values, and one of 500 recipients with long ones.
SMALL_BYTES, BULK_BYTES = 16_384, 1_048_576


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a key. `query` and `body` are what the operation declares, read and checked."""

    parts: Parts
    key: StoredKey
    query: Any = None
    body: Any = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call answers. `location`: the address of what was made. `lanes`: who has work now."""

    value: Any = field(repr=False)
    location: str = ""
    lanes: Iterable[str] = ()


@dataclass(frozen=True, slots=True)
class Write:
    """The transaction in which a call that writes is done, once for its Idempotency-Key."""

    conn: Connection
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """`view(call, **names in the path)` answers; one that `writes` gets a Write after the call.

    `path`: below /api/v1, names in braces. `names`: what each of them is. `query`, `body`, `answer`: their types.
    `refusals`: codes that are its own, beside those that any call may get.
    """

    method: str
    path: str
    view: Callable[..., Answer]
    scope: Scope | None
    subject: str
    summary: str
    description: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    query: type[msgspec.Struct] | None = None
    body: type[msgspec.Struct] | None = None
    answer: type[msgspec.Struct]
    status: int = 200
    writes: bool = False
    body_bytes: int = SMALL_BYTES
    refusals: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its operationId."""
        return self.view.__name__
