import pytest

from gateway.simulator.handset import show


@pytest.mark.parametrize(
    ("text", "shown", "units", "cut", "foreign"),
    [
        ("", "", 0, False, ()),
        ("Bonjour é", "Bonjour é", 9, False, ()),
        ("a" * 181, "a" * 181, 181, False, ()),
        ("a" * 182, "a" * 182, 182, False, ()),  # a full page
        ("a" * 183, "a" * 182, 183, True, ()),  # one too many
        ("a" * 180 + "€", "a" * 180 + "€", 182, False, ()),  # an extension character is two septets
        ("a" * 181 + "€", "a" * 181, 183, True, ()),  # and is not cut in half
        ("a" * 181 + "€b", "a" * 181, 184, True, ()),  # nor does what follows slip in before it
        ("Votre être", "Votre ?tre", 10, False, ("ê",)),  # ê is not in the default alphabet
        ("ɖɔɖ", "???", 3, False, ("ɖ", "ɔ")),  # each named once
        ("😀", "?", 1, False, ("😀",)),
        ("1.Oui\n2.Non", "1.Oui\n2.Non", 11, False, ()),
    ],
)
def test_screen(text: str, shown: str, units: int, cut: bool, foreign: tuple[str, ...]) -> None:
    screen = show(text)
    assert (screen.text, screen.units, screen.cut, screen.foreign) == (shown, units, cut, foreign)
