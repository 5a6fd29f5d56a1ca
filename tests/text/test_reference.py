"""References and verification codes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.text.reference import code, code_is_genuine, make, parse, show

REFERENCE = "482109375625"
KEYS = {"2026": b"n" * 32, "2025": b"o" * 32}
MADE = st.binary(min_size=16, max_size=16).map(lambda entropy: make(lambda count: entropy[:count]))
OF = ("acte-naissance", "2026-11-23")


@given(MADE)
def test_made_ones_are_read_back(reference: str) -> None:
    assert len(reference) == 12
    assert reference.isascii()
    assert reference.isdigit()
    assert parse(reference) == reference
    assert parse(show(reference)) == reference


def test_the_example_of_the_thesis() -> None:
    # 572 has the check digit 4 (Damm 2004); leading zeros change nothing.
    assert parse("000000005724") == "000000005724"


@given(MADE)
def test_every_single_error_is_caught(reference: str) -> None:
    for place, digit in enumerate(reference):
        for other in "0123456789":
            wrong = reference[:place] + other + reference[place + 1 :]
            assert (parse(wrong) is not None) == (other == digit)


@given(MADE)
def test_every_adjacent_swap_is_caught(reference: str) -> None:
    for place in range(11):
        first, second = reference[place], reference[place + 1]
        swapped = reference[:place] + second + first + reference[place + 2 :]
        assert (parse(swapped) is not None) == (first == second)


@pytest.mark.parametrize(
    ("typed", "remark"),
    [
        (f" {show(REFERENCE)}\n", "spaces around"),
        ("-".join((REFERENCE[:4], REFERENCE[4:8], REFERENCE[8:])), "dashes"),
        ("\u2013".join((REFERENCE[:4], REFERENCE[4:])), "a long dash"),
        (".".join(REFERENCE), "dots"),
        ("\u00a0".join((REFERENCE[:6], REFERENCE[6:])), "a no-break space"),
        (REFERENCE.replace("0", "O"), "O for zero"),
        (REFERENCE.replace("0", "o"), "o for zero"),
        (REFERENCE.replace("1", "l"), "l for one"),
        (REFERENCE.replace("1", "I"), "I for one"),
        (REFERENCE.translate({48 + d: 0x660 + d for d in range(10)}), "Arabic-Indic digits"),
    ],
)
def test_typed_by_people(typed: str, remark: str) -> None:
    assert parse(typed) == REFERENCE, remark


@pytest.mark.parametrize(
    ("typed", "remark"),
    [
        ("", "nothing"),
        (REFERENCE[:11], "one digit short"),
        (REFERENCE + "0", "one digit long, and its check still holds"),
        ("0" + REFERENCE, "a zero in front, and its check still holds"),
        ("0197000000", "a phone number"),
        ("3200901353510", "an IFU"),
        (REFERENCE[:-1] + "x", "a letter"),
        (REFERENCE[:-1] + "²", "a digit of a power is none"),
        (" " * 60 + REFERENCE, "too long to be read"),
        ("\ud800", "half a surrogate pair"),
    ],
)
def test_not_a_reference(typed: str, remark: str) -> None:
    assert parse(typed) is None, remark


def test_code_is_six_digits_of_the_newest_key() -> None:
    made = code(KEYS, REFERENCE, *OF)
    assert len(made) == 6
    assert made.isdigit()
    assert made == code({"only": KEYS["2026"]}, REFERENCE, *OF)
    assert made != code({"only": KEYS["2025"]}, REFERENCE, *OF)


def test_code_is_pinned() -> None:
    # Printed récépissés must verify for ever: this value never changes.
    assert code({"k": bytes(32)}, "482109375625", "acte-naissance", "2026-11-23") == "511036"


@pytest.mark.parametrize(
    ("keys", "typed", "genuine", "remark"),
    [
        (KEYS, code(KEYS, REFERENCE, *OF), True, "the newest key"),
        (KEYS, code({"2025": KEYS["2025"]}, REFERENCE, *OF), True, "an earlier key"),
        ({"2026": KEYS["2026"]}, code({"2025": KEYS["2025"]}, REFERENCE, *OF), False, "a key no longer kept"),
        (KEYS, " ".join(code(KEYS, REFERENCE, *OF)), True, "spaces"),
        (KEYS, code(KEYS, REFERENCE, *OF)[:5], False, "five digits"),
        (KEYS, code(KEYS, REFERENCE, *OF) + "0", False, "seven digits"),
        (KEYS, "", False, "nothing"),
        (KEYS, "é" * 6, False, "no digits"),
        ({}, "000000", False, "no key at all"),
    ],
)
def test_code_is_genuine(keys: dict[str, bytes], typed: str, genuine: bool, remark: str) -> None:
    assert code_is_genuine(keys, REFERENCE, *OF, typed) is genuine, remark


@pytest.mark.parametrize(
    ("reference", "service", "date"),
    [
        ("000000000000", *OF),
        (REFERENCE, "casier", OF[1]),
        (REFERENCE, OF[0], "2026-11-24"),
    ],
)
def test_code_is_of_this_recepisse_alone(reference: str, service: str, date: str) -> None:
    assert not code_is_genuine(KEYS, reference, service, date, code(KEYS, REFERENCE, *OF))
