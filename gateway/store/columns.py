"""How columns are declared: the types that both databases share, under short names for tables.py."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ColumnElement,
    DateTime,
    Dialect,
    ForeignKey,
    Integer,
    LargeBinary,
    String,
    TypeDecorator,
    literal_column,
)
from sqlalchemy import text as sql

#: Row ids: 64 bits. SQLite numbers its rows by itself only under the name INTEGER.
RowId = BigInteger().with_variant(Integer, "sqlite")


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime on both databases; SQLite keeps it as naive UTC text of one fixed, sortable form."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - its form
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        return value.astimezone(UTC)  # SQLite's form then leaves the zone out

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


def row_id() -> Column[int]:
    return Column("id", RowId, primary_key=True)


def refers_to(target: str, name: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, RowId, ForeignKey(f"{target}.id"), nullable=nullable)


def text(name: str, size: int, **more: Any) -> Column[str]:
    return Column(name, String(size), nullable=more.pop("nullable", False), **more)


def binary(name: str, *, nullable: bool = False, unique: bool = False) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=nullable, unique=unique)


def instant(name: str, *, nullable: bool = False) -> Column[datetime]:
    return Column(name, Instant, nullable=nullable)


def one_of(column: str, words: Iterable[str]) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({words_of(words)})", name=column)


def is_in(column: ColumnElement[Any], words: Iterable[str]) -> Any:
    """`column` is one of our own `words`, written out in the SQL: with a bound value no partial index would be used."""
    return column.in_([literal_column(f"'{word}'") for word in words])


def where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sql(condition), "postgresql_where": sql(condition)}


def words_of(words: Iterable[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)


def bounded(value: str, size: int) -> str:
    """What a column of `size` can hold of a text from outside: PostgreSQL takes neither more nor a NUL."""
    return value.replace("\0", "")[:size]
