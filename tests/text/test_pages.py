"""Paging: what is on which page, and that nothing is lost."""

from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.text.pages import Footer, Page, cut, paginate
from gateway.text.segments import units

FOOT = Footer(back="0.Retour", more="98.Suite")
NO_FOOT = Footer()


@pytest.mark.parametrize(
    ("text", "size", "expected", "remark"),
    [
        ("Bonjour", 7, "Bonjour", "fits exactly"),
        ("Bonjour", 6, "Bonj..", "one too many"),
        ("Bon jour", 6, "Bon..", "no space before the dots"),
        ("a€b", 4, "a€b", "the euro counts two: fits exactly"),
        ("a€bc", 4, "a..", "and is not split"),
        ("abc", 2, "..", "room for the dots alone"),
        ("abc", 1, ".", "not even that"),
        ("abc", 0, "", "none"),
    ],
)
def test_cut(text: str, size: int, expected: str, remark: str) -> None:
    assert cut(text, size, "gsm7") == expected, remark
    assert units(expected, "gsm7") <= size


def test_cut_never_leaves_half_a_pair() -> None:
    assert cut("a😀😀", 4, "ucs2") == "a.."
    assert cut("😀😀", 4, "ucs2") == "😀😀"


@pytest.mark.parametrize(
    ("head", "lines", "foot", "size", "pages", "remark"),
    [
        ("Bonjour", [], NO_FOOT, 40, [("Bonjour", 0, 0)], "a last screen"),
        ("Nom ?", [], FOOT, 40, [("Nom ?\n0.Retour", 0, 0)], "a question: Back, no More"),
        ("Qui ?", ["1.Moi", "2.Enfant"], NO_FOOT, 20, [("Qui ?\n1.Moi\n2.Enfant", 0, 2)], "fits exactly"),
        (
            "Qui ?",
            ["1.Moi", "2.Enfant"],
            Footer(more="98.Suite"),
            20,
            [("Qui ?\n1.Moi\n2.Enfant", 0, 2)],
            "no More where nothing follows, so that it fits exactly",
        ),
        (
            "Qui ?",
            ["1.Moi", "2.Enfant"],
            Footer(more="98.Suite"),
            19,
            [("Qui ?\n98.Suite", 0, 0), ("1.Moi\n2.Enfant", 0, 2)],
            "one unit less: the first page needs More, and its room",
        ),
        (
            "Ou ?",
            ["1.Abomey", "2.Allada", "3.Banikoara"],
            FOOT,
            32,
            [("Ou ?\n1.Abomey\n0.Retour 98.Suite", 0, 1), ("2.Allada\n3.Banikoara\n0.Retour", 1, 2)],
            "More on the first page, Back on both, the question once",
        ),
        (
            "",
            ["1.Abomey", "2.Allada"],
            Footer(more="98.Suite", extra=("00.Accueil",)),
            28,
            [("1.Abomey\n2.Allada\n00.Accueil", 0, 2)],
            "no question; an extra key",
        ),
        (
            "un deux trois quatre cinq",
            ["1.A"],
            Footer(more="98.Suite"),
            20,
            [("un deux\n98.Suite", 0, 0), ("trois\n98.Suite", 0, 0), ("quatre cinq\n1.A", 0, 1)],
            "a question larger than a page is broken at words",
        ),
        (
            "un deux trois",
            [],
            Footer(more="98.Suite"),
            12,
            [("un\n98.Suite", 0, 0), ("deux trois", 0, 0)],
            "and its first part says More even where no line follows",
        ),
        (
            "anticonstitutionnellement",
            [],
            NO_FOOT,
            20,
            [("anticonstitutionnell", 0, 0), ("ement", 0, 0)],
            "a word larger than a page is broken",
        ),
        ("", [], FOOT, 40, [("", 0, 0)], "nothing to show is one empty page"),
    ],
)
def test_paginate(
    head: str, lines: list[str], foot: Footer, size: int, pages: list[tuple[str, int, int]], remark: str
) -> None:
    assert [tuple_of(page) for page in paginate(head, lines, foot, size, "gsm7")] == pages, remark


def tuple_of(page: Page) -> tuple[str, int, int]:
    return page.text, page.first_line, page.line_count


def test_a_line_larger_than_a_page_is_visibly_cut() -> None:
    pages = paginate("Ou ?", ["1." + "x" * 50, "2.Oui"], FOOT, 40, "gsm7")
    assert [tuple_of(p) for p in pages] == [
        ("Ou ?\n0.Retour 98.Suite", 0, 0),
        ("1." + "x" * 18 + "..\n0.Retour 98.Suite", 0, 1),
        ("2.Oui\n0.Retour", 1, 1),
    ]


def test_a_short_question_heads_the_next_pages_where_it_leaves_room() -> None:
    lines = ["1.Abomey", "2.Abomey-Calavi", "3.Adjarra"]
    pages = paginate("Commune ?", lines, Footer(more="98.Suite"), 24, "gsm7", head_again="Ou?")
    assert [tuple_of(p) for p in pages] == [
        ("Commune ?\n98.Suite", 0, 0),
        ("Ou?\n1.Abomey\n98.Suite", 0, 1),
        ("2.Abomey-Calavi\n98.Suite", 1, 1),
        ("Ou?\n3.Adjarra", 2, 1),
    ]


def test_a_footer_that_fills_the_page_is_the_authors_fault() -> None:
    with pytest.raises(ValueError, match="footer"):
        paginate("a", [], Footer(back="0.Retour"), 10, "gsm7")


def test_a_list_of_1200_choices_takes_less_than_10_ms() -> None:
    lines = [f"{number}.Commune de {number}" for number in range(1200)]
    best = 1.0
    for _ in range(5):  # the best of five: the machine has other work
        start = perf_counter()
        pages = paginate("Commune ?", lines, FOOT, 160, "gsm7")
        best = min(best, perf_counter() - start)
    assert sum(page.line_count for page in pages) == 1200
    assert best < 0.010


WORDS = st.lists(st.text(alphabet="ab€é[", min_size=1, max_size=60), max_size=12).map(" ".join)
LINES = st.lists(st.text(alphabet="ab€é[ ", min_size=1, max_size=70).filter(str.strip), max_size=12)
FEET = st.builds(
    Footer,
    back=st.sampled_from([None, "0.Retour"]),
    more=st.sampled_from([None, "98.Suite"]),
    extra=st.sampled_from([(), ("00.Accueil",)]),
)


@given(WORDS, LINES, FEET, st.integers(40, 182), st.sampled_from(["gsm7", "ucs2"]), st.sampled_from(["", "Ou?"]))
def test_every_page_fits_and_nothing_is_lost(
    head: str, lines: list[str], foot: Footer, size: int, alphabet: str, again: str
) -> None:
    pages = paginate(head, lines, foot, size, alphabet, head_again=again)  # type: ignore[arg-type]
    place = 0
    shown = ""
    for number, page in enumerate(pages, 1):
        last = number == len(pages)
        assert units(page.text, alphabet) <= size  # type: ignore[arg-type]
        assert page.first_line == place
        feet = foot.text(last=last)
        # An empty screen is the one page without its footer.
        body = page.text.removesuffix(feet).removesuffix("\n") if page.text else ""
        assert page.text.endswith(feet) or not page.text
        assert body or not (head.strip() or lines)  # never only the footer
        own = lines[place : place + page.line_count]
        tail = "\n".join(own)
        if page.line_count == 1 and body.endswith("..") and not own[0].endswith(".."):
            assert own[0].startswith(body[:-2])  # a cut line is alone on its page
        else:
            assert body.endswith(tail)
            shown += body.removesuffix(tail)
        place += page.line_count
    assert place == len(lines)
    without_again = shown.replace("Ou?", "")
    assert without_again.split() == head.split() or "".join(without_again.split()) == "".join(head.split())
