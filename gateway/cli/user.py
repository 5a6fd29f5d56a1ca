"""`gateway user add|reset|list|disable|enable`: people of the console, by whoever has a shell on the gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import click

from gateway.messages import Role

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.store.people import Person
    from gateway.usecases.actors import Actor
    from gateway.usecases.people import Invited
    from gateway.wiring import Gateway

_T = TypeVar("_T")
_ROLES = [role.value for role in Role]


@click.group()
def user() -> None:
    """People of the console: the first administrator, and whoever lost everything."""


@user.command()
@click.argument("login")
@click.option("--name", default="", help="As colleagues know the person; the login when left out.")
@click.option("--institution", help="Its id in gateway.yaml; left out: of the platform.")
@click.option("--role", "roles", type=click.Choice(_ROLES), multiple=True, required=True, help="May be repeated.")
@click.option("--language", type=click.Choice(("fr", "en")), default="fr", show_default=True)
def add(login: str, name: str, institution: str | None, roles: tuple[str, ...], language: str) -> None:
    """Invite LOGIN, and show the link once: it sets the password and the second factor."""
    from gateway.cli.submissions import opened
    from gateway.usecases import people

    gateway = opened()
    if institution is not None and institution not in gateway.settings.institutions:
        known = ", ".join(gateway.settings.institutions)
        raise click.ClickException(f"{institution}: no such institution; there are {known}")
    new = people.NewPerson(login, name or login, frozenset(map(Role, roles)), language)
    _show(gateway, _refusable(lambda: people.invite(gateway.parts, _actor(), institution, new)))


@user.command()
@click.argument("login")
def reset(login: str) -> None:
    """Erase LOGIN's password and second factor, close the sessions, and show a new link once."""
    from gateway.cli.submissions import opened
    from gateway.usecases import people

    gateway = opened()
    person = _person(gateway, login)
    _show(gateway, _refusable(lambda: people.reset(gateway.parts, _actor(), person.id)))


@user.command()
@click.argument("login")
def disable(login: str) -> None:
    """Let LOGIN in no more: out of every session at once."""
    _set_enabled(login, enabled=False)


@user.command()
@click.argument("login")
def enable(login: str) -> None:
    """Let LOGIN in again."""
    _set_enabled(login, enabled=True)


@user.command("list")
@click.option("--institution", help="Only the people of one institution; left out: everybody.")
def list_(institution: str | None) -> None:
    """Everybody, with institution, roles and state."""
    from gateway.cli.submissions import opened
    from gateway.store import people

    gateway = opened()
    places = [institution] if institution is not None else [None, *gateway.settings.institutions]
    with gateway.database.read() as conn:
        for place in places:
            after = 0
            while found := people.list_(conn, place, after, 200):
                for one in found:
                    click.echo(_line(one))
                after = found[-1].id


def _set_enabled(login: str, *, enabled: bool) -> None:
    from gateway.cli.submissions import opened
    from gateway.usecases import people

    gateway = opened()
    person = _person(gateway, login)
    _refusable(lambda: people.set_enabled(gateway.parts, _actor(), person.id, enabled))
    click.echo(f"{person.login}: {'enabled' if enabled else 'disabled'}")


def _actor() -> Actor:
    from gateway.cli.stops import who
    from gateway.usecases import people

    return people.operator(who())


def _person(gateway: Gateway, login: str) -> Person:
    from gateway.store import people
    from gateway.usecases import sign_in

    with gateway.database.read() as conn:
        person = people.by_login(conn, sign_in.normal(login))
    if person is None:
        raise click.ClickException(f"{login}: nobody has this login; see `gateway user list`")
    return person


_WHY = {
    "login": "a login has 3 to 64 letters without accents, digits or . _ - + @, and does not begin with demo-",
    "taken": "somebody has this login; `gateway user reset` shows a new link",
    "name": "a name has 1 to 80 characters",
    "roles": "the platform has the roles administrator and auditor, an institution all others",
    "last": "nobody else with this role could sign in; invite another first",
    "disabled": "enable it first: `gateway user enable`",
}


def _refusable(do: Callable[[], _T]) -> _T:
    from gateway.usecases.people import PeopleRefused

    try:
        return do()
    except PeopleRefused as refused:
        raise click.ClickException("; ".join(_WHY.get(fault, fault) for fault in refused.faults)) from None


def _show(gateway: Gateway, invited: Invited) -> None:
    base = gateway.settings.public_url.rstrip("/") or f"http://{gateway.settings.bind}"
    until = invited.expires_at.astimezone(gateway.parts.zone)
    click.echo(f"{base}/console/invitation/{invited.token}")
    click.echo(f"Opens once, until {until:%Y-%m-%d %H:%M}. It is a secret, and is not shown again.", err=True)


def _line(one: Person) -> str:
    state = "disabled" if not one.enabled else "active" if one.ready else "invited"
    return f"{one.login:<32} {one.institution or '(platform)':<16} {state:<9} {' '.join(sorted(one.roles))}"
