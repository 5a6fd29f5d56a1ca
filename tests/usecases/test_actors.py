"""Rights: what each role may do, where; nobody reads contents and administers, nobody approves alone."""

from __future__ import annotations

import pytest

from gateway.messages import Role
from gateway.usecases.actors import GIVEN_BY, INSTITUTION_ROLES, PLATFORM_ROLES, RIGHTS, Absent, Actor, Right


def actor(*roles: Role, institution: str | None = "anip") -> Actor:
    return Actor("a", institution, frozenset(roles))


@pytest.mark.parametrize("right", list(Right))
@pytest.mark.parametrize("role", list(Role))
def test_a_right_is_its_own_institution_s(right: Right, role: Role) -> None:
    has = role in RIGHTS[right]
    if role in PLATFORM_ROLES:
        somebody = actor(role, institution=None)
        assert somebody.may(right, "anip") == somebody.may(right, None) == has
    else:
        somebody = actor(role)
        assert somebody.may(right, "anip") == has
        assert not somebody.may(right, "mairie")
        assert not somebody.may(right, None)


def test_every_right_is_somebody_s() -> None:
    assert set(RIGHTS) == set(Right)
    assert all(RIGHTS.values())


@pytest.mark.parametrize(
    "right", [Right.HANDLE_DEMANDS, Right.SEE_DEMANDS, Right.APPROVE, Right.SEND, Right.SEE_NOTIFICATIONS]
)
def test_an_administrator_reads_and_approves_nothing(right: Right) -> None:
    assert not actor(Role.ADMINISTRATOR, institution=None).may(right, "anip")


def test_a_role_of_an_institution_is_worth_nothing_without_one() -> None:
    assert not actor(Role.SENDER, institution=None).may(Right.SEND, None)


def test_who_gives_which_role() -> None:
    assert frozenset().union(*GIVEN_BY.values()) == frozenset(Role)
    assert GIVEN_BY[Role.MANAGER] < INSTITUTION_ROLES
    assert Role.MANAGER not in GIVEN_BY[Role.MANAGER]


def test_what_he_may_not_is_not_there() -> None:
    actor(Role.SENDER).must(Right.SEND, "anip")
    with pytest.raises(Absent):
        actor(Role.SENDER).must(Right.SEND, "mairie")
