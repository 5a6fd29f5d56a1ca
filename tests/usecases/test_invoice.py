"""An operator's bill: read as it is written, compared with what we counted."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from gateway.messages import MtState
from gateway.settings import Operator
from gateway.store import daily, mts
from gateway.usecases.caller import Caller
from gateway.usecases.invoice import Billed, NotABill, _number, compare, read_bill
from gateway.usecases.submissions import submit

NOVEMBER = date(2026, 11, 1)
HEAD = "month;operator;kind;quantity;amount_f\n"


@pytest.fixture
def settings(delivery_settings):
    operators = {"mtn": Operator(name="MTN", networks=("61603",)), "moov": Operator(name="Moov", networks=("61602",))}
    return delivery_settings.model_copy(update={"operators": operators})


@pytest.fixture
def parts(bench, settings):
    return replace(bench.parts, settings=settings)


@pytest.mark.parametrize(
    "content",
    [
        b"month;operator;kind;quantity;amount_f\n2026-11;mtn;sessions;1200;6000\n",
        b"month,operator,kind,quantity,amount_f\r\n2026-11-01,MTN,USSD,1200,6000\r\n",
        "\ufeffMois;Opérateur;Type;Quantité;Montant F CFA\n11/2026;MTN Bénin;Sessions USSD;1 200;6 000,00\n".encode(),
        "N°;Période;Réseau;Nature;Qté;Montant\n1;2026/11;61603;session;1.200;6.000 F CFA\n".encode("cp1252"),
        'Mois,Opérateur,Type,Quantité,Montant\n2026-11,MTN,sessions,"1,200","6,000.00"\n\n'.encode(),
    ],
    ids=[
        "as documented",
        "commas, CRLF, a whole date",
        "BOM, French",
        "cp1252, other columns",
        "quoted, an empty line",
    ],
)
def test_bills_as_they_are_written(settings, content):
    assert read_bill(content, settings) == ((Billed(NOVEMBER, "mtn", "sessions", 1200, 6000),), ())


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("2026-13;mtn;sms;1;1", "month: 2026-13 is not like 2026-11"),
        ("9999-12;mtn;sms;1;1", "month: 9999-12 is not like 2026-11"),
        ("novembre;mtn;sms;1;1", "month: novembre is not like 2026-11"),
        ("2026-11;orange;sms;1;1", "operator: orange is none of mtn, moov"),
        ("2026-11;;sms;1;1", "operator: nothing is none of mtn, moov"),
        ("2026-11;mtn;voix;1;1", "kind: voix is neither sessions nor sms"),
        ("2026-11;mtn;sms;1,5;1", "quantity: 1,5 is not a whole number"),
        ("2026-11;mtn;sms;-1;1", "quantity: -1 is not a whole number"),
        ("2026-11;mtn;sms;1;beaucoup", "amount_f: beaucoup is not an amount"),
        ("2026-11;mtn;sms;1", "has 4 cells, needs 5"),
    ],
)
def test_each_wrong_line_is_named_and_the_others_are_read(settings, line, said):
    billed, faults = read_bill(f"{HEAD}2026-11;mtn;sms;1;1\n\n{line}\n2026-11;moov;sms;2;2\n".encode(), settings)
    assert [one.operator for one in billed] == ["mtn", "moov"]
    assert [(fault.line, fault.said) for fault in faults] == [(4, said)]


@pytest.mark.parametrize(
    "content",
    [b"", b"\n \n", b"a;b\n1;2\n", b"x" * 200_000],
    ids=["empty", "blank", "other headers", "no CSV"],
)
def test_a_file_that_is_no_bill(settings, content):
    with pytest.raises(NotABill):
        read_bill(content, settings)


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("12", 12),
        ("12 345", 12345),
        ("12\u00a0345", 12345),
        ("12.345", 12345),
        ("12,345,678", 12345678),
        ("12.345,50", 12345.5),
        ("12345.5", 12345.5),
        ("1234.500", 1234.5),
        ("9 XOF", 9),
        ("", None),
        ("1.2.3", None),
        ("٣", None),
    ],
)
def test_numbers(written, number):
    assert _number(written) == number


def test_sessions_are_compared_by_operator(bench, parts):
    with bench.parts.database.begin() as conn:
        daily.add(conn, date(2026, 11, 3), "sessions", {"at|61603": 60, "madapi|61603": 38, "at|61602": 7, "at|": 4})
        daily.add(conn, date(2026, 10, 31), "sessions", {"at|61603": 1000})
    billed = (
        Billed(NOVEMBER, "mtn", "sessions", 60, 300),
        Billed(NOVEMBER, "mtn", "sessions", 40, 200),
        Billed(NOVEMBER, "moov", "sessions", 7, 35),
        Billed(date(2026, 12, 1), "moov", "sessions", 1, 5),
    )
    mtn, moov, never = sorted(compare(parts, billed), key=lambda one: (one.month, one.operator != "mtn"))
    assert (mtn.ours, mtn.theirs, mtn.amount_f) == (98, 100, 500)
    assert mtn.within(2.05)
    assert not mtn.within(2)
    assert (moov.ours, moov.theirs, moov.percent) == (7, 7, 0)
    assert (never.ours, never.percent) == (0, None)
    assert not never.within(100)


def test_segments_that_an_aggregator_took(bench, parts, act):
    """A month begins in Porto-Novo, an hour before it does in UTC; what never left is not billed."""
    for number, at in enumerate(
        (datetime(2026, 10, 31, 22, 59, tzinfo=UTC), datetime(2026, 10, 31, 23, 1, tzinfo=UTC))
    ):
        bench.time = at
        for network in ("61603", "61602"):
            caller = Caller(f"+229019700{number}{network[-3:]}", "at", network, "fr")
            submit(parts, act(npi=f"12345{network}"[:9] + str(number)), caller, f"{number}{network}".encode() * 5)
    with bench.parts.database.begin() as conn:
        for mt_id in (1, 2, 3):
            mts.move(conn, mt_id, MtState.SENDING, "send", "", bench.time)
            mts.set_external(conn, mt_id, f"ATX_{mt_id}", "", bench.time)
    billed = (Billed(NOVEMBER, "mtn", "sms", 1, 12), Billed(NOVEMBER, "moov", "sms", 1, 12))
    moov, mtn = compare(parts, billed)
    assert (mtn.operator, mtn.ours) == ("mtn", 1)
    assert (moov.operator, moov.ours) == ("moov", 0), "its SMS has not left"
