"""Enumeration: asking about references in a row tells nobody which of them exist, nor whose they are."""

from __future__ import annotations

from itertools import count

import pytest

from gateway.text import reference
from tests.security.conftest import ussd
from tests.web.conftest import Answer, Site
from tests.web.test_verify import deposit, post, wrong

STRANGER = "+2290166000000"


def unknown(*known: str) -> str:
    """A well-formed reference of no submission."""
    made = (reference.make(lambda size, n=n: n.to_bytes(size)) for n in count(1))
    return next(number for number in made if number not in known)


def shape(answer: Answer, typed: str) -> tuple[int, dict[str, str], bytes]:
    """An answer without what was typed, which the page shows again; its length follows from that."""
    status, headers, body = answer
    return status, {**headers, "Content-Length": ""}, body.replace(f'value="{typed}"'.encode(), b"")


def test_the_page_answers_unknown_and_wrong_alike(site: Site) -> None:
    number, code = deposit(site)
    typed = [number, unknown(number), "482109375620", "x", "0" * 12]
    shapes = [shape(post(site, reference=one, code=wrong(code)), one) for one in typed]
    assert all(one == shapes[0] for one in shapes)
    assert len({len(post(site, reference=one, code=wrong(code))[2]) for one in (number, unknown(number))}) == 1


def test_waiting_comes_as_soon_for_references_that_do_not_exist(site: Site) -> None:
    number, code = deposit(site)

    def answers(one: str) -> list[int]:
        return [post(site, reference=one, code=wrong(code))[0] for _ in range(8)]

    assert answers(number) == answers(unknown(number))


def test_a_stranger_learns_the_state_of_a_demand_and_nothing_else(site: Site) -> None:
    number, _ = deposit(site)
    said = ussd(site, f"2*2*{number}", phoneNumber=STRANGER)[2].decode()
    assert said == "END Demande recue. Le détail n'est dit qu'au téléphone qui l'a envoyée."


@pytest.mark.parametrize("typed", ["482109375620", "000000000001", "123456789012"])
def test_a_number_with_a_wrong_check_digit_is_refused_before_anything_is_asked(site: Site, typed: str) -> None:
    assert reference.parse(typed) is None
    assert ussd(site, f"2*2*{typed}")[2].startswith(b"CON ")


def test_list_of_demands_is_the_callers_own(site: Site) -> None:
    deposit(site)
    assert "Aucune demande" in ussd(site, "2*1", phoneNumber=STRANGER)[2].decode()


def test_numbers_cannot_be_foretold(site: Site) -> None:
    """Guessing one of a million demands takes about 100,000 tries on average, each of which is a call."""
    made = {reference.make(site.gateway.random_bytes)[:11] for _ in range(500)}
    assert len(made) == 500
    firsts = sorted(int(number) for number in made)
    assert firsts[0] < 10**10
    assert firsts[-1] > 9 * 10**10


@pytest.mark.parametrize("path", ["/channels/africastalking/wrong/ussd", "/channels/nobody/local/ussd", "/channels//"])
def test_channels_cannot_be_listed(site: Site, path: str) -> None:
    assert site.call("POST", path) == site.call("POST", "/channels/x/y/z")
