"""An operator's bill beside our own counts: sessions opened and segments accepted, by month and operator."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal

from gateway.settings import Settings
from gateway.store import daily, mts
from gateway.store.db import Connection
from gateway.text import transliterate
from gateway.usecases.parts import Parts

Kind = Literal["sessions", "sms"]

#: Column -> how bills head it, folded: no accents, no case, letters and digits only.
_HEADERS: Mapping[str, frozenset[str]] = {
    "month": frozenset({"month", "mois", "periode", "period"}),
    "operator": frozenset({"operator", "operateur", "reseau", "network"}),
    "kind": frozenset({"kind", "type", "nature", "service", "produit"}),
    "quantity": frozenset({"quantity", "quantite", "qte", "nombre", "volume"}),
    "amount_f": frozenset({"amountf", "amount", "montant", "montantf", "montantfcfa", "montanttotal", "total"}),
}
_KINDS: Mapping[str, Kind] = {
    "sessions": "sessions",
    "session": "sessions",
    "ussd": "sessions",
    "sessionsussd": "sessions",
    "sms": "sms",
    "segments": "sms",
    "smsmt": "sms",
}
_MONTH = re.compile(
    r"(?P<year>20\d\d)[-/.](?P<month>\d{1,2})(?:[-/.]\d{1,2})?|(?P<month2>\d{1,2})[-/.](?P<year2>20\d\d)", re.ASCII
)
_AMOUNT = re.compile(r"\d{1,15}([.,]\d{1,3})?", re.ASCII)
_GROUPED = re.compile(r"(?P<whole>\d{1,3}([.,]\d{3})+)(?P<part>[.,]\d{1,2})?", re.ASCII)


class NotABill(Exception):
    """The file has no line of headers that names what is needed."""


@dataclass(frozen=True, slots=True)
class Billed:
    """One line of the bill. `operator` is its key in gateway.yaml; `amount_f` F CFA."""

    month: date  #: its first day
    operator: str
    kind: Kind
    quantity: int
    amount_f: int


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a line of the file, which counts from 1."""

    line: int
    said: str


@dataclass(frozen=True, slots=True)
class Compared:
    """What we counted and what was billed."""

    month: date
    operator: str
    kind: Kind
    ours: int
    theirs: int
    amount_f: int

    @property
    def percent(self) -> float | None:
        """Of our count, how much more they bill; None when we counted nothing and they did."""
        if self.ours == 0:
            return 0.0 if self.theirs == 0 else None
        return (self.theirs - self.ours) * 100 / self.ours

    def within(self, tolerance_percent: float) -> bool:
        return self.percent is not None and abs(self.percent) <= tolerance_percent


def read_bill(content: bytes, settings: Settings) -> tuple[tuple[Billed, ...], tuple[Fault, ...]]:
    """The lines of a CSV (UTF-8 with or without BOM, else cp1252; `;` or `,`), and what is wrong with the others.

    Raises NotABill.
    """
    try:
        return _lines(_decoded(content), settings)
    except csv.Error as error:
        raise NotABill(f"the file cannot be read as CSV: {error}") from None


def _lines(text: str, settings: Settings) -> tuple[tuple[Billed, ...], tuple[Fault, ...]]:
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    columns: dict[str, int] | None = None
    billed: list[Billed] = []
    faults: list[Fault] = []
    for row in rows:
        if not any(cell.strip() for cell in row):
            continue
        if columns is None:
            columns = _columns(row)
            continue
        read = _read(row, columns, settings)
        if isinstance(read, Billed):
            billed.append(read)
        else:
            faults.append(Fault(rows.line_num, read))
    if columns is None:
        raise NotABill("the file is empty")
    return tuple(billed), tuple(faults)


def compare(parts: Parts, billed: tuple[Billed, ...]) -> tuple[Compared, ...]:
    """Each month, operator and kind of the bill beside our count; lines about the same are added up.

    Raises StoreUnavailable.
    """
    sums: dict[tuple[date, str, Kind], tuple[int, int]] = {}
    for line in billed:
        quantity, amount_f = sums.get((line.month, line.operator, line.kind), (0, 0))
        sums[line.month, line.operator, line.kind] = quantity + line.quantity, amount_f + line.amount_f
    with parts.database.read() as conn:
        counted = {(month, kind): _counted(conn, parts, month, kind) for month, _, kind in sums}
    return tuple(
        Compared(month, operator, kind, counted[month, kind].get(operator, 0), quantity, amount_f)
        for (month, operator, kind), (quantity, amount_f) in sorted(sums.items())
    )


def _counted(conn: Connection, parts: Parts, month: date, kind: Kind) -> dict[str, int]:
    """Our count of a month by operator; "" for networks that we do not know."""
    if kind == "sessions":
        found = ((subject.rpartition("|")[2], n) for subject, n in daily.of_month(conn, month, daily.SESSIONS).items())
    else:
        after = daily.next_month(month)
        since, until = (datetime(day.year, day.month, 1, tzinfo=parts.zone).astimezone(UTC) for day in (month, after))
        found = ((network, n) for network, n in mts.segments_by_network(conn, since, until).items())
    totals: dict[str, int] = {}
    for network, count in found:
        operator = parts.settings.operator_id(network) or ""
        totals[operator] = totals.get(operator, 0) + count
    return totals


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _delimiter(text: str) -> str:
    first = next((line for line in text.splitlines() if line.strip()), "")
    return ";" if first.count(";") >= first.count(",") else ","


def _columns(row: list[str]) -> dict[str, int]:
    folded = [_folded(cell) for cell in row]
    columns = {
        name: next((place for place, cell in enumerate(folded) if cell in words), -1)
        for name, words in _HEADERS.items()
    }
    missing = [name for name, place in columns.items() if place < 0]
    if missing:
        raise NotABill(f"the first line names no column {', '.join(missing)}")
    return columns


def _read(row: list[str], columns: Mapping[str, int], settings: Settings) -> Billed | str:
    """The line, or what is wrong with it."""
    if len(row) <= max(columns.values()):
        return f"has {len(row)} cells, needs {max(columns.values()) + 1}"
    cell = {name: row[place].strip() for name, place in columns.items()}
    month, operator = _month(cell["month"]), _operator(cell["operator"], settings)
    kind = _KINDS.get(_folded(cell["kind"]))
    quantity, amount_f = _number(cell["quantity"]), _number(cell["amount_f"])
    if month is None:
        return f"month: {cell['month'] or 'nothing'} is not like 2026-11"
    if operator is None:
        return f"operator: {cell['operator'] or 'nothing'} is none of {', '.join(settings.operators)}"
    if kind is None:
        return f"kind: {cell['kind'] or 'nothing'} is neither sessions nor sms"
    if quantity is None or quantity != int(quantity):
        return f"quantity: {cell['quantity'] or 'nothing'} is not a whole number"
    if amount_f is None:
        return f"amount_f: {cell['amount_f'] or 'nothing'} is not an amount"
    return Billed(month, operator, kind, int(quantity), round(amount_f))


def _month(written: str) -> date | None:
    found = _MONTH.fullmatch(written)
    if found is None:
        return None
    year, month = found["year"] or found["year2"], found["month"] or found["month2"]
    return date(int(year), int(month), 1) if 1 <= int(month) <= 12 else None


def _operator(written: str, settings: Settings) -> str | None:
    """The operator whose key, name or network code this is; a name may be followed by more ("MTN Bénin")."""
    folded = _folded(written)
    for key, operator in settings.operators.items():
        if written in operator.networks or folded in {_folded(key), _folded(operator.name)}:
            return key
    first = _folded(written.split(maxsplit=1)[0]) if written.split() else ""
    return next((key for key, one in settings.operators.items() if first in {_folded(key), _folded(one.name)}), None)


def _number(written: str) -> float | None:
    """What 12 345, 12.345,50, 12345.5 and 9 F CFA say; groups of three digits are thousands. None: no number."""
    plain = re.sub(r"(fcfa|xof|f)$", "", re.sub(r"[\s']", "", written).casefold())
    grouped = _GROUPED.fullmatch(plain)
    if grouped is not None:
        plain = re.sub(r"\D", "", grouped["whole"]) + (grouped["part"] or "")
    return float(plain.replace(",", ".")) if _AMOUNT.fullmatch(plain) else None


def _folded(written: str) -> str:
    return "".join(letter for letter in transliterate.fold(written) if letter.isalnum())


def table(compared: tuple[Compared, ...]) -> Iterator[tuple[str, ...]]:
    """The lines of a table, headers first: ours, theirs, difference, per cent, and the amount billed."""
    yield ("month", "operator", "kind", "ours", "theirs", "difference", "%", "F CFA")
    for one in compared:
        percent = "-" if one.percent is None else f"{one.percent:+.1f}"
        yield (
            f"{one.month:%Y-%m}",
            one.operator,
            one.kind,
            str(one.ours),
            str(one.theirs),
            f"{one.theirs - one.ours:+d}",
            percent,
            str(one.amount_f),
        )
