"""An operator's bill beside our own counts: sessions opened and segments accepted, by month and operator."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal

from gateway.settings import Settings
from gateway.store import daily, mts
from gateway.store.db import Connection
from gateway.text import tables, transliterate
from gateway.usecases.parts import Parts

Kind = Literal["sessions", "sms"]

#: Column -> how bills head it (text/tables.py).
_HEADINGS: Mapping[str, tuple[str, ...]] = {
    "month": ("month", "mois", "periode", "period"),
    "operator": ("operator", "operateur", "reseau", "network"),
    "kind": ("kind", "type", "nature", "service", "produit", "product", "designation", "libelle", "prestation"),
    "quantity": ("quantity", "quantite", "qte", "qty", "nombre", "nbre", "nb", "volume"),
    "amount_f": ("amount", "montant", "total"),
}
#: How a line begins that adds up others.
_TOTALS = ("total", "soustotal", "montanttotal")
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
    r"(?P<y1>20\d\d)[-/.](?P<m1>\d{1,2})(?:[-/.]\d{1,2}(?:[ T][\d:.]+Z?)?)?"  # 2026-11, 2026-11-01, with an hour
    r"|(?:\d{1,2}[-/.])?(?P<m2>\d{1,2})[-/.](?P<y2>20\d\d)"  # 11/2026, and 01/11/2026: the day stands first
    r"|(?P<y3>20\d\d)(?P<m3>[01]\d)"
    r"|(?P<word>[a-z]{3,9})\.?[ -]?(?:20)?(?P<y4>\d\d)",  # novembre 2026, nov-26, folded
    re.ASCII,
)
_MONTHS = (
    ("janvier", "january"), ("fevrier", "february"), ("mars", "march"), ("avril", "april"), ("mai", "may"),
    ("juin", "june"), ("juillet", "july"), ("aout", "august"), ("septembre", "september"), ("octobre", "october"),
    ("novembre", "november"), ("decembre", "december"),
)  # fmt: skip
_DAY = re.compile(r"\d{1,2}[-/.]\d{1,2}[-/.]20\d\d|20\d\d-\d{1,2}-\d{1,2}", re.ASCII)
_AMOUNT = re.compile(r"-?\d{1,15}([.,]\d{1,3})?", re.ASCII)
_GROUPED = re.compile(r"(?P<sign>-?)(?P<whole>\d{1,3}([.,]\d{3})+)(?P<part>[.,]\d{1,2})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Billed:
    """One line of the bill; a credit is negative. `operator` is its key in gateway.yaml; `amount_f` F CFA."""

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
    nobodys: int = 0  #: of that month and kind, what came without a network that we know

    @property
    def percent(self) -> float | None:
        """Of our count, how much more they bill; None when we counted nothing and they did."""
        if self.ours == 0:
            return 0.0 if self.theirs == 0 else None
        return (self.theirs - self.ours) * 100 / self.ours

    def within(self, tolerance_percent: float) -> bool:
        return self.percent is not None and abs(self.percent) <= tolerance_percent


def read_bill(content: bytes, settings: Settings) -> tuple[tuple[Billed, ...], tuple[Fault, ...]]:
    """The lines of a CSV, and what is wrong with the others; sums and remarks are left out. Raises NotATable."""
    billed: list[Billed] = []
    faults: list[Fault] = []
    for row in tables.read(content, _HEADINGS):
        read = _read(row, settings)
        if isinstance(read, Billed):
            billed.append(read)
        elif read:
            faults.append(Fault(row.line, read))
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
        Compared(
            month,
            operator,
            kind,
            ours=counted[month, kind].get(operator, 0),
            theirs=quantity,
            amount_f=amount_f,
            nobodys=counted[month, kind].get("", 0),
        )
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


def _read(row: tables.Row, settings: Settings) -> Billed | str:
    """The line, or what is wrong with it and what to write instead; "" for a sum and for a remark."""
    cell = row.cells
    month, operator = _month(cell["month"]), _operator(cell["operator"], settings)
    kind = _KINDS.get(tables.fold(cell["kind"]))
    quantity, amount_f = _number(cell["quantity"]), _number(cell["amount_f"])
    if (month is None or operator is None) and any(tables.fold(one).startswith(_TOTALS) for one in row.others):
        return ""
    if all(one is None for one in (month, operator, kind, quantity)):
        return ""
    if month is None:
        return f"month: {cell['month'] or 'nothing'} is no month; write it like 2026-11"
    if operator is None:
        known = ", ".join(settings.operators)
        return f"operator: {cell['operator'] or 'nothing'} is none of gateway.yaml; write one of {known}"
    if kind is None:
        return f"kind: {cell['kind'] or 'nothing'} is neither sessions nor sms; write one of them"
    if quantity is None or quantity != int(quantity):
        return f"quantity: {cell['quantity'] or 'nothing'} is not a whole number; write it like 1200"
    if amount_f is None:
        return f"amount_f: {cell['amount_f'] or 'nothing'} is not an amount; write it like 6000"
    return Billed(month, operator, kind, int(quantity), round(amount_f))


def _month(written: str) -> date | None:
    """The first day of the month; of a stretch of time ("du 01/11/2026 au 30/11/2026") when it lies in one month."""
    dates = _DAY.findall(written)
    if len(dates) > 1:
        return _month(dates[0]) if len({_month(day) for day in dates}) == 1 else None
    found = _MONTH.fullmatch(transliterate.fold(written) if written[:1].isalpha() else written)
    if found is None:
        return None
    year = found["y1"] or found["y2"] or found["y3"] or f"20{found['y4']}"
    number = int(found["m1"] or found["m2"] or found["m3"] or _named(found["word"]))
    return date(int(year), number, 1) if 1 <= number <= 12 else None


def _named(word: str) -> int:
    """The number of the month whose name begins so, in French or English; 0: of none, or of several."""
    meant = [number for number, names in enumerate(_MONTHS, 1) if any(name.startswith(word) for name in names)]
    return meant[0] if len(meant) == 1 else 0


def _operator(written: str, settings: Settings) -> str | None:
    """The operator whose key, name or network code this is; a name may be followed by more ("MTN Bénin")."""
    folded = tables.fold(written)
    for key, operator in settings.operators.items():
        if written in operator.networks or folded in {tables.fold(key), tables.fold(operator.name)}:
            return key
    first = tables.fold(written.split(maxsplit=1)[0]) if written.split() else ""
    known = settings.operators.items()
    return next((key for key, one in known if first in {tables.fold(key), tables.fold(one.name)}), None)


def _number(written: str) -> float | None:
    """What 12 345, 12.345,50, 12345.5, -20 and 9 F CFA say; groups of three digits are thousands. None: no number."""
    plain = re.sub(r"[\s'\u2019]", "", written).casefold().replace("\N{MINUS SIGN}", "-")
    plain = re.sub(r"(fcfa|xof|f)$", "", plain)
    grouped = _GROUPED.fullmatch(plain)
    if grouped is not None:
        plain = grouped["sign"] + re.sub(r"\D", "", grouped["whole"]) + (grouped["part"] or "")
    return float(plain.replace(",", ".")) if _AMOUNT.fullmatch(plain) else None


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
