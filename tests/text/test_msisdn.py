"""Phone numbers as typed and as callbacks give them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import is_valid_number, parse

from gateway.text import gsm7
from gateway.text.msisdn import MsisdnError, MsisdnFault, mask, normalise, region_of


@pytest.mark.parametrize(
    ("raw", "expected", "remark"),
    [
        ("+2290197000000", "+2290197000000", "as it should be"),
        ("0197000000", "+2290197000000", "national"),
        ("01 97 00 00 00", "+2290197000000", "with spaces"),
        ("01-97.00/00(00)", "+2290197000000", "with every separator"),
        ("2290197000000", "+2290197000000", "without its plus"),
        ("22901 97000000", "+2290197000000", "without its plus, a space inside"),
        (" 2290197000000", "+2290197000000", "a plus that was not percent-encoded"),
        ("  2290197000000", "+2290197000000", "two spaces"),
        (" 0197000000", "+2290197000000", "a space typed before a national number"),
        ("002290197000000", "+2290197000000", "international prefix"),
        ("97000000", "+2290197000000", "old number of 8 digits"),
        ("+22997000000", "+2290197000000", "old number, international"),
        ("0022997000000", "+2290197000000", "old number, international prefix"),
        ("22997000000", "+2290197000000", "old number without its plus"),
        (" 22997000000", "+2290197000000", "old number, lost plus"),
        ("0120211234", "+2290120211234", "fixed line"),
        ("+33612345678", "+33612345678", "another country's is read; the caller decides"),
        ("0197000000\n", "+2290197000000", "a trailing newline"),
        ("٠١٩٧٠٠٠٠٠٠", "+2290197000000", "Arabic-Indic digits"),
        ("\uff0b2290197000000", "+2290197000000", "full-width plus"),
    ],
)
def test_normalise(raw: str, expected: str, remark: str) -> None:
    assert normalise(raw) == expected, remark


def test_national_numbers_are_those_of_the_region() -> None:
    assert normalise("0271000001", "GH") == "+233271000001"
    assert normalise("233271000001", "GH") == "+233271000001"


@pytest.mark.parametrize(
    ("raw", "code", "remark"),
    [
        ("", MsisdnFault.MISSING, "nothing"),
        ("   ", MsisdnFault.MISSING, "only spaces"),
        ("+", MsisdnFault.UNREADABLE, "no digit"),
        ("ANONYMOUS", MsisdnFault.UNREADABLE, "a word"),
        ("0197ABCDEF", MsisdnFault.UNREADABLE, "letters of a keypad"),
        ("0197000000;ext=4", MsisdnFault.UNREADABLE, "an extension"),
        ("++2290197000000", MsisdnFault.UNREADABLE, "two plus signs"),
        ("1" * 41, MsisdnFault.UNREADABLE, "too long to be read"),
        ("\ud800197000000", MsisdnFault.UNREADABLE, "half a surrogate pair"),
        ("81000000", MsisdnFault.INVALID, "old, and 0181 is no range"),
        ("0181000000", MsisdnFault.INVALID, "possible, used by no network"),
        ("0202000000", MsisdnFault.INVALID, "not 01"),
        ("+229019700000", MsisdnFault.INVALID, "a digit short"),
        ("+22901970000000", MsisdnFault.INVALID, "a digit long"),
        ("9700000", MsisdnFault.INVALID, "old, a digit short"),
        ("970000000", MsisdnFault.INVALID, "old, a digit long"),
        ("+999123456789", MsisdnFault.INVALID, "no such country"),
    ],
)
def test_refused(raw: str, code: MsisdnFault, remark: str) -> None:
    with pytest.raises(MsisdnError) as caught:
        normalise(raw)
    assert caught.value.code is code, remark
    assert raw.strip() == "" or raw not in repr(caught.value)


@given(st.text(max_size=45) | st.text(alphabet="+0123456789 ", max_size=20))
def test_nothing_but_a_valid_number_comes_out(raw: str) -> None:
    try:
        e164 = normalise(raw)
    except MsisdnError:
        return
    assert is_valid_number(parse(e164))
    assert normalise(e164) == e164


@given(st.from_regex(r"\+22901[0-9]{8}", fullmatch=True))
def test_the_quick_way_agrees_with_the_library(raw: str) -> None:
    try:
        accepted = normalise(raw) == raw
    except MsisdnError:
        accepted = False
    assert accepted == is_valid_number(parse(raw))


@pytest.mark.parametrize(
    ("e164", "region", "remark"),
    [
        ("+2290197000000", "BJ", "Bénin"),
        ("+22997000000", "BJ", "the country is told even of an old form"),
        ("+33612345678", "FR", "France shares its code with nobody"),
        ("+14155552671", "US", "a code of several regions"),
        ("+883510000000000", None, "no country"),
        ("+999123456789", None, "no such code"),
        ("0197000000", None, "not E.164"),
        ("", None, "nothing"),
    ],
)
def test_region_of(e164: str, region: str | None, remark: str) -> None:
    assert region_of(e164) == region, remark


@pytest.mark.parametrize(
    ("e164", "masked", "remark"),
    [
        ("+2290197000012", "+22901******12", "Bénin"),
        ("+33612345678", "+3361*****78", "France"),
        ("+2291234", "+229****", "too short to show its ends"),
        ("+22912345", "+229*****", "one hidden digit would be a guess"),
        ("+229123456", "+22912**56", "two are hidden"),
        ("0197000012", "***", "not E.164"),
        ("", "***", "nothing"),
    ],
)
def test_mask(e164: str, masked: str, remark: str) -> None:
    assert mask(e164) == masked, remark
    assert gsm7.encodable(masked)
