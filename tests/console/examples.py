"""For each thing that an address of the console can name: one of each kind that belongs to the other institution.

A new screen whose address names something new adds its maker here; tests/console/test_nothing_of_others.py then asks
for it as everybody who must not see it.
"""

from __future__ import annotations

from collections.abc import Callable

from gateway.messages import Category, Role
from gateway.usecases import api_keys, templates
from gateway.usecases.actors import Actor
from tests.console.conftest import OTHER, Office
from tests.console.furnishing import campaign, campaigns_of, demand, demands_of, template

#: Name of the argument in the address -> (office) -> values that name things of the other institution.
FOREIGN: dict[str, Callable[[Office], list[str]]] = {
    "institution": lambda _: [OTHER, "-", "nowhere"],
    "person_id": lambda office: [
        str(office.id_of("chef-la-bas")),
        str(office.id_of("envoi-la-bas")),
        str(office.id_of("racine")),
        "999999",
    ],
    "key_id": lambda office: [str(key_of(office)), "999999"],
    "public_id": lambda office: [*(one.public_id for one in campaigns_of(office, OTHER)), "0" * 32],
    "submission_id": lambda office: [*(str(one) for one in demands_of(office, OTHER)), "999999"],
    "template_id": lambda office: [str(template_of(office)), "999999"],
}
#: Arguments that name nothing of an institution: a secret, a file of ours.
OF_NOBODY = {"token", "name"}


def template_of(office: Office) -> int:
    """The template of the other institution."""
    author = Actor("auteur-la-bas", OTHER, frozenset({Role.AUTHOR}))
    found = templates.list_(office.gateway.parts, author, OTHER)
    if found:
        return found[0].id
    draft = templates.Draft("Là-bas", Category.PROCEDURE, {"fr": "Bonjour"})
    return templates.create(office.gateway.parts, author, OTHER, draft).id


def key_of(office: Office) -> int:
    """The API key of the other institution."""
    manager = Actor("chef-la-bas", OTHER, frozenset({Role.MANAGER}))
    found = api_keys.list_(office.gateway.parts, manager, OTHER)
    if found:
        return found[0].id
    new = api_keys.NewKey("Là-bas", (api_keys.Scope.SEND,), live=True)
    return api_keys.create(office.gateway.parts, manager, OTHER, new)[1].id


def furnish(office: Office) -> None:
    """What the other institution has, and the platform."""
    office.person("chef-la-bas", Role.MANAGER, institution=OTHER)
    office.person("envoi-la-bas", Role.SENDER, institution=OTHER)
    office.person("racine", Role.ADMINISTRATOR)
    chosen = template(office, institution=OTHER)
    campaign(office, "0197000001", template_id=chosen, institution=OTHER)
    demand(office, OTHER)
