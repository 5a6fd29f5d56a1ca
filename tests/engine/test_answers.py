"""Typed answers: both sides of each boundary of each type, and the sentence of each mistake."""

from __future__ import annotations

from datetime import date

import pytest

from gateway.engine.answers import MAX_TYPED, Bad, Good, clean, could_be, parse
from gateway.engine.surface import Rules
from gateway.menu.model import Ask, Mark

TODAY = date(2026, 11, 23)
RULES = Rules()


def ask(kind, **more):
    return Ask(kind, "x", "y", Mark("t.yaml", 1), **more)


NAME = ask("text", minimum=2, maximum=10)
TABLE = ask("digits", minimum=1, maximum=6)
EIGHT = ask("digits", minimum=8, maximum=8)
MONEY = ask("amount", minimum=100, maximum=5000)
ANY_MONEY = ask("amount")
BIRTH = ask("date", precisions=("day", "month", "year"))
DAY = ask("date")
PLATE = ask("pattern", pattern="[A-Z]{2} ?[0-9]{4}", maximum=10)
NPI = ask("npi")
IFU = ask("ifu")
PHONE = ask("msisdn")
RECEIPT = ask("reference")
PIN = ask("secret", minimum=4, maximum=6)


@pytest.mark.parametrize(
    ("question", "typed", "raw", "shown", "remark"),
    [
        (NAME, "Al", "Al", "", "the shortest"),
        (NAME, "Alidou Ba.", "Alidou Ba.", "", "the longest"),
        (NAME, "Aïcha", "Aïcha", "", "letters that GSM-7 has not are kept"),
        (NAME, "rue 12 n°3", "rue 12 n°3", "", "a sign of Latin-1 is writing"),
        (NAME, "a*b", "a*b", "", "a star"),
        (TABLE, "0", "0", "", "one digit"),
        (TABLE, "012345", "012345", "", "leading zeros are kept"),
        (TABLE, "12-34.56", "123456", "", "separators"),
        (EIGHT, "12345678", "12345678", "", "the exact length"),
        (MONEY, "100", 100, "100", "the least"),
        (MONEY, "5000", 5000, "5 000", "the most"),
        (MONEY, "1 900", 1900, "1 900", "a space for thousands"),
        (MONEY, "1.900", 1900, "1 900", "a dot for thousands"),
        (MONEY, "1900 FCFA", 1900, "1 900", "the currency"),
        (MONEY, "1900f", 1900, "1 900", "the currency in short"),
        (ANY_MONEY, "0", 0, "0", "nothing"),
        (ANY_MONEY, "999999999", 999_999_999, "999 999 999", "nine digits"),
        (BIRTH, "12051990", "1990-05-12", "12/05/1990", "a day"),
        (BIRTH, "12/05/1990", "1990-05-12", "12/05/1990", "separators"),
        (BIRTH, "12 05 1990", "1990-05-12", "12/05/1990", "spaces"),
        (BIRTH, "051990", "1990-05", "05/1990", "a month"),
        (BIRTH, "1990", "1990", "1990", "a year"),
        (BIRTH, "29022000", "2000-02-29", "29/02/2000", "a leap day"),
        (BIRTH, "23112026", "2026-11-23", "23/11/2026", "today"),
        (BIRTH, "112026", "2026-11", "11/2026", "this month"),
        (BIRTH, "2026", "2026", "2026", "this year"),
        (BIRTH, "1900", "1900", "1900", "the first year"),
        (PLATE, "AB 1234", "AB 1234", "", "matches"),
        (NPI, "1234567890", "1234567890", "", "10 digits"),
        (NPI, "123 456 789 0", "1234567890", "", "spaces"),
        (IFU, "3200901353510", "3200901353510", "", "a company of 2009"),
        (PHONE, "0197000000", "+2290197000000", "", "ten digits"),
        (PHONE, "97000000", "+2290197000000", "", "the eight digits of before"),
        (RECEIPT, "4821 0937 5625", "482109375625", "4821 0937 5625", "as printed"),
        (RECEIPT, "482109375625", "482109375625", "4821 0937 5625", "in one go"),
        (PIN, "0042", "0042", "", "the shortest"),
        (PIN, "123456", "123456", "", "the longest"),
    ],
)
def test_an_answer_that_is_kept(question, typed, raw, shown, remark):
    assert parse(question, typed, RULES, TODAY) == Good(raw, shown), remark


@pytest.mark.parametrize(
    ("question", "typed", "key", "values", "remark"),
    [
        (NAME, "", "error_empty", {}, "nothing"),
        (NPI, "", "error_empty", {}, "nothing, whatever the type"),
        (NAME, "A", "error_too_short", {"minimum": "2"}, "one less"),
        (NAME, "Alidou Baba", "error_too_long", {"maximum": "10"}, "one more"),
        (NAME, "a" * (MAX_TYPED + 1), "error_too_long", {"maximum": "10"}, "not even looked at"),
        (NPI, "1" * (MAX_TYPED + 1), "error_too_long", {"maximum": str(MAX_TYPED)}, "the same for other types"),
        (NAME, "...", "error_text", {}, "no letter"),
        (NAME, "Ali \U0001f600", "error_text", {}, "an emoji"),
        (TABLE, "12a", "error_digits", {}, "a letter"),
        (TABLE, "---", "error_digits", {}, "separators alone"),
        (TABLE, "1234567", "error_digits_length", {"length": "1-6"}, "one more"),
        (EIGHT, "1234567", "error_digits_length", {"length": "8"}, "one less"),
        (MONEY, "99", "error_amount_low", {"minimum": "100"}, "one less"),
        (MONEY, "5001", "error_amount_high", {"maximum": "5 000"}, "one more"),
        (MONEY, "12,50", "error_amount", {}, "no cents in this currency"),
        (MONEY, "-100", "error_amount", {}, "a sign"),
        (MONEY, "cent", "error_amount", {}, "a word"),
        (ANY_MONEY, "1000000000", "error_amount_high", {"maximum": "999 999 999"}, "ten digits"),
        (BIRTH, "31021990", "error_date", {}, "no such day"),
        (BIRTH, "29022001", "error_date", {}, "no leap year"),
        (BIRTH, "00051990", "error_date", {}, "day 0"),
        (BIRTH, "131990", "error_date", {}, "month 13"),
        (BIRTH, "001990", "error_date", {}, "month 0"),
        (BIRTH, "1899", "error_date", {}, "before the first year"),
        (BIRTH, "0000", "error_date", {}, "year 0"),
        (BIRTH, "1251990", "error_date", {}, "seven digits could be two dates"),
        (BIRTH, "12 mai", "error_date", {}, "a word"),
        (BIRTH, "24112026", "error_date_future", {}, "tomorrow"),
        (BIRTH, "122026", "error_date_future", {}, "next month"),
        (BIRTH, "2027", "error_date_future", {}, "next year"),
        (DAY, "051990", "error_date", {}, "a month where a day is asked"),
        (PLATE, "ab 1234", "error_pattern", {}, "does not match"),
        (PLATE, "AB 12345", "error_pattern", {}, "matches only at its start"),
        (PLATE, "AB 1234 567", "error_too_long", {"maximum": "10"}, "one more"),
        (NPI, "123456789", "error_npi", {}, "nine digits"),
        (NPI, "12345678901", "error_npi", {}, "eleven digits"),
        (NPI, "12345678 9o", "error_npi", {}, "a letter"),
        (IFU, "320090135351", "error_ifu", {}, "twelve digits"),
        (IFU, "7200901353510", "error_ifu", {}, "a kind that does not exist"),
        (IFU, "3180001353510", "error_ifu", {}, "a year before any IFU"),
        (PHONE, "0202000000", "error_msisdn", {}, "no such range"),
        (PHONE, "bonjour", "error_msisdn", {}, "a word"),
        (RECEIPT, "482109375624", "error_reference", {}, "one wrong digit"),
        (RECEIPT, "48210937562", "error_reference", {}, "one digit less"),
        (PIN, "123", "error_secret", {}, "one less"),
        (PIN, "1234567", "error_secret", {}, "one more"),
        (PIN, "12 34", "error_secret", {}, "a space is no digit"),
    ],
)
def test_a_mistake_has_its_sentence(question, typed, key, values, remark):
    assert parse(question, typed, RULES, TODAY) == Bad(key, values), remark


def test_the_npi_pattern_is_the_operator_s():
    rules = Rules(npi_pattern=r"^\d{12}$")
    assert isinstance(parse(NPI, "123456789012", rules, TODAY), Good)
    assert isinstance(parse(NPI, "1234567890", rules, TODAY), Bad)


@pytest.mark.parametrize(
    ("typed", "cleaned", "remark"),
    [
        ("12", "12", "plain"),
        ("  a   b\t c\n", "a b c", "spaces are single"),
        ("a\u00a0b", "a b", "a no-break space"),
        ("\uff11\uff12", "12", "full-width digits"),
        ("\u0661\u0662", "12", "Arabic digits"),
        ("a\x00\x07b", "ab", "control characters"),
        ("a\u200b\u202eb", "ab", "invisible and direction marks"),
        ("e\u0301", "é", "composed"),
        ("\x00", "", "nothing left"),
        ("a\ud800b", "ab", "half a surrogate pair"),
    ],
)
def test_what_is_read_of_what_was_typed(typed, cleaned, remark):
    assert clean(typed) == cleaned, remark


@pytest.mark.parametrize(
    ("question", "key", "answer", "remark"),
    [
        (NAME, "0", False, "too short for a name"),
        (ask("text"), "0", True, "a text of one character"),
        (TABLE, "98", True, "a table number"),
        (EIGHT, "98", False, "eight digits are asked"),
        (ANY_MONEY, "0", True, "no franc"),
        (ANY_MONEY, "00", True, "no franc either"),
        (MONEY, "0", False, "under the least"),
        (NPI, "00", False, "not an NPI"),
        (BIRTH, "98", False, "not a year"),
        (PIN, "98", False, "too short a code"),
    ],
)
def test_keys_that_could_be_answers(question, key, answer, remark):
    assert could_be(question, key, RULES) is answer, remark


def test_an_answer_is_not_shown_by_its_repr():
    assert "1234567890" not in repr(parse(NPI, "1234567890", RULES, TODAY))
