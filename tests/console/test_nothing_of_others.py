"""Every address of the console, as every role of one institution, for everything of another: there is no such thing.

The addresses are those that the site has: a screen that is added is asked too.
"""

from __future__ import annotations

import itertools

import pytest
from flask import Flask
from werkzeug.routing import Rule

from gateway.messages import Role
from gateway.usecases.actors import INSTITUTION_ROLES, RIGHTS
from gateway.web.console import shell
from gateway.web.console.screens import Access, Screen
from tests.console.conftest import HOME, Office, text_of
from tests.console.examples import FOREIGN, OF_NOBODY, furnish

WITH_THEIR_FORM = ("GET", "POST")


def rules(office: Office) -> list[Rule]:
    """Every address under /console."""
    found: list[Rule] = []
    app = _flask(office)
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/console"):
            found.append(rule)
    assert len(found) >= len(shell.screens())
    return found


def _flask(office: Office) -> Flask:
    """The application within all that stands in front of it."""
    seen: list[object] = [office.application]
    while seen:
        one = seen.pop()
        owner = getattr(one, "__self__", None)
        if isinstance(owner, Flask):
            return owner
        seen += [cell.cell_contents for cell in getattr(one, "__closure__", None) or ()]
        seen += [getattr(one, name) for name in getattr(type(one), "__slots__", ()) if hasattr(one, name)]
    raise AssertionError("no Flask application")


def screen_of(rule: Rule) -> Screen | None:
    name = rule.endpoint.partition(".")[2]
    return next((screen for screen in shell.screens() if screen.view.__name__ == name), None)


def addresses(office: Office, rule: Rule) -> list[str]:
    """The addresses of a rule for everything that is of the other institution."""
    names = sorted(rule.arguments)
    unknown = set(names) - set(FOREIGN) - OF_NOBODY
    assert not unknown, f"{rule.rule}: add an example of {unknown} to tests/console/examples.py"
    if not names or set(names) & OF_NOBODY:
        return []
    found = []
    for values in itertools.product(*(FOREIGN[name](office) for name in names)):
        built = rule.build(dict(zip(names, values, strict=True)), append_unknown=False)
        assert built is not None
        found.append(built[1])
    return found


@pytest.mark.parametrize("role", sorted(INSTITUTION_ROLES))
def test_as_each_role(office: Office, role: Role) -> None:
    furnish(office)
    browser = office.signed_in("moi", role)
    token = browser.token("/console/")
    asked = 0
    for rule in rules(office):
        for address in addresses(office, rule):
            for method in set(WITH_THEIR_FORM) & (rule.methods or set()):
                form = {"csrf_token": token, "roles": "reader"} if method == "POST" else None
                answer = browser.client.open(address, method=method, data=form)
                assert answer.status_code == 404, (method, address, answer.status_code)
                assert "Page introuvable" in text_of(answer)
                asked += 1
    assert asked >= 20
    other = office.browser()
    assert other.sign_in("chef-la-bas").status_code == 303  # nothing was changed


def test_without_signing_in(office: Office) -> None:
    furnish(office)
    token = (browser := office.browser()).token("/console/sign-in")
    asked = 0
    for rule in rules(office):
        screen = screen_of(rule)
        if screen is None or screen.access is Access.OPEN:
            continue
        for address in addresses(office, rule) or [rule.rule]:
            for method in set(WITH_THEIR_FORM) & (rule.methods or set()):
                for more in ({}, {"HX-Request": "true"}):
                    form = {"csrf_token": token} if method == "POST" else None
                    answer = browser.client.open(address, method=method, data=form, headers=more)
                    assert answer.status_code == (401 if more else 303), (method, address)
                    where = answer.headers.get("HX-Redirect") if more else answer.location
                    assert (where or "").startswith("/console/sign-in")
                    asked += 1
    assert asked >= 40


def test_the_screens_of_anybody_are_these() -> None:
    """A screen that is open to anybody is a decision."""
    assert {screen.view.__name__ for screen in shell.screens() if screen.access is Access.OPEN} == {
        "static", "sign_in", "invitation", "join", "language",
    }  # fmt: skip


def test_every_form_needs_its_token(office: Office) -> None:
    furnish(office)
    everybody = {role: office.signed_in(f"moi-{role.value}".replace("_", "-"), role, institution=HOME) for role in Role}
    asked = 0
    for rule in rules(office):
        screen = screen_of(rule)
        if screen is None or "POST" not in screen.methods or screen.access is Access.HALF:
            continue
        for browser in everybody.values():
            for address in addresses(office, rule) or [rule.rule.replace("<token>", "x")]:
                for form in ({}, {"csrf_token": "wrong"}):
                    answer = browser.client.post(address, data=form)
                    assert answer.status_code == 400, address
                    asked += 1
    assert asked >= 100
    assert all(browser.get("/console/").status_code == 200 for browser in everybody.values())


@pytest.mark.parametrize("role", sorted(Role))
def test_what_one_has_no_right_to_is_not_there(office: Office, role: Role) -> None:
    """Of one's own institution, too; and what the navigation shows opens."""
    browser = office.signed_in("moi", role)
    home = browser.get("/console/").text
    for screen in shell.screens():
        if screen.access is not Access.SIGNED_IN or "<" in screen.path or "GET" not in screen.methods:
            continue
        address = f"/console{screen.path}"
        answer = browser.get(address)
        shown = f'href="{address}"' in home
        if shown:
            assert answer.status_code in (200, 303), address
        if screen.right is not None and role not in RIGHTS[screen.right]:
            assert answer.status_code == 404, address
