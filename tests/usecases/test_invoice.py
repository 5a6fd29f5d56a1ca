"""An operator's bill: read as it is written, compared with what we counted."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from gateway.messages import MtState
from gateway.settings import Operator
from gateway.store import daily, mts
from gateway.text.tables import NotATable
from gateway.usecases.caller import Caller
from gateway.usecases.invoice import Billed, _month, _number, compare, read_bill
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
        "MTN Bénin;;;;\nFacture 2026/11-0042, du 3 décembre, page 1;;;;\n;;;;\n"
        "Mois;Opérateur;Désignation;Qté;Montant HT\nnov.-26;MTN;USSD;1 200,00;6 000 FCFA\n"
        ";;;Total HT;6 000\nTVA;;;18 %;1 080\nArrêtée à la somme de sept mille quatre-vingts francs.\n".encode(
            "cp1252"
        ),
        "Mois\tOpérateur\tType\tPrix unitaire\tQuantité\tMontant\n11-2026\tMTN\tUSSD\t5\t1200\t6000\n".encode("utf-16"),
        b"sep=;\nPeriode;Operateur;Type;Montant unitaire;Quantite;Montant total\n"
        b"du 01/11/2026 au 30/11/2026;MTN;USSD;5;1200;6000\nTotal;;;;1200;6000\n",
        b"Mois;Operateur;Type;Quantite;Montant\n2026-11;MTN;USSD;1300;6500\n2026-11;MTN;USSD;-100;(a)\n".replace(
            b"(a)", b"-500"
        ),
    ],
    ids=[
        "as documented",
        "commas, CRLF, a whole date",
        "BOM, French",
        "cp1252, other columns",
        "quoted, an empty line",
        "a letterhead, sums and remarks",
        "UTF-16 and tabs, a price of one",
        "sep=, a stretch of time, a sum",
        "a credit",
    ],
)
def test_bills_as_they_are_written(settings, content):
    billed, faults = read_bill(content, settings)
    assert faults == ()
    assert {(one.month, one.operator, one.kind) for one in billed} == {(NOVEMBER, "mtn", "sessions")}
    assert (sum(one.quantity for one in billed), sum(one.amount_f for one in billed)) == (1200, 6000)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("2026-13;mtn;sms;1;1", "month: 2026-13 is no month; write it like 2026-11"),
        ("9999-12;mtn;sms;1;1", "month: 9999-12 is no month; write it like 2026-11"),
        ("novembre;mtn;sms;1;1", "month: novembre is no month; write it like 2026-11"),
        ("2026-11;orange;sms;1;1", "operator: orange is none of gateway.yaml; write one of mtn, moov"),
        ("2026-11;;sms;1;1", "operator: nothing is none of gateway.yaml; write one of mtn, moov"),
        ("2026-11;mtn;voix;1;1", "kind: voix is neither sessions nor sms; write one of them"),
        ("2026-11;mtn;SMS MO;1;1", "kind: SMS MO is neither sessions nor sms; write one of them"),
        ("2026-11;mtn;sms;1,5;1", "quantity: 1,5 is not a whole number; write it like 1200"),
        ("2026-11;mtn;sms;--1;1", "quantity: --1 is not a whole number; write it like 1200"),
        ("2026-11;mtn;sms;1;beaucoup", "amount_f: beaucoup is not an amount; write it like 6000"),
        ("2026-11;mtn;sms;1", "amount_f: nothing is not an amount; write it like 6000"),
    ],
)
def test_each_wrong_line_is_named_and_the_others_are_read(settings, line, said):
    billed, faults = read_bill(f"{HEAD}2026-11;mtn;sms;1;1\n\n{line}\n2026-11;moov;sms;2;2\n".encode(), settings)
    assert [one.operator for one in billed] == ["mtn", "moov"]
    assert [(fault.line, fault.said) for fault in faults] == [(4, said)]


def test_a_file_that_is_no_bill(settings):
    with pytest.raises(NotATable, match=r"^line 2: no column amount_f; the headings must name month, operator, kind,"):
        read_bill(b"MTN\nmonth;operator;kind;quantity\n2026-11;mtn;sms;1\n", settings)


@pytest.mark.parametrize(
    ("written", "month"),
    [
        *((one, 11) for one in ("2026-11", "2026/11", "2026.11", "2026-11-01", "2026-11-30 00:00:00", "11/2026")),
        *((one, 11) for one in ("01/11/2026", "30.11.2026", "202611", "novembre 2026", "Nov-26", "NOV. 2026", "nov26")),
        *((one, 2) for one in ("Février 2026", "févr.-26", "feb 2026")),
        *((one, 8) for one in ("août 2026", "Aou-26")),
        *((one, 6) for one in ("juin 2026", "Jun-26")),
        *((one, 7) for one in ("juil. 2026", "jul-26")),
        ("du 01/11/2026 au 30/11/2026", 11),
        *((one, None) for one in ("01/11/2026 - 01/12/2026", "jui 2026", "11/30/2026", "13/2026", "2026-00", "202613")),
        *((one, None) for one in ("novembre", "brumaire 2026", "no 2026", "11/26", "2026", "", "١١/2026")),
    ],
)
def test_months(written, month):
    assert _month(written) == (None if month is None else date(2026, month, 1))


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
        ("1\u2019200", 1200),
        ("-20", -20),
        ("\N{MINUS SIGN}1 200,50 F", -1200.5),
        ("-1.200", -1200),
        ("--1", None),
        ("1-", None),
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
    assert (mtn.nobodys, never.nobodys) == (4, 0), "dialogues whose callback named no network"


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
