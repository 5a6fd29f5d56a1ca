"""API keys in the console: shown once, revoked at once."""

from __future__ import annotations

import re

import pytest

from gateway.messages import Role
from gateway.usecases import api_keys
from gateway.web.console.words.keys import WORDS
from tests.console.conftest import HOME, Office, text_of

NEW = f"/console/institutions/{HOME}/keys/new"
LIST = f"/console/institutions/{HOME}/keys"
GOOD = {"name": "logiciel", "kind": "trial", "guests": "+2290197000000\n96000001", "scopes": ["notifications:send"]}


def test_a_manager_makes_and_revokes_keys(office: Office) -> None:
    manager = office.signed_in("chef", Role.MANAGER)
    assert manager.get("/console/keys").location == LIST
    assert "Aucune clé" in text_of(manager.get(LIST))
    made = manager.post(NEW, **GOOD, per_minute="30", per_day="1 000")
    assert made.status_code == 200, made.text
    found = re.search(r'<textarea id="secret" readonly rows="2">(psl_test_[a-z2-7]{40})</textarea>', made.text)
    assert found is not None
    key = api_keys.find(office.gateway.parts, found[1])
    assert key is not None
    assert (key.per_minute, key.per_day, key.created_by, len(key.guests or ())) == (30, 1000, "chef", 2)
    listed = manager.get(LIST)
    assert found[1] not in listed.text, "shown once"
    assert found[1][:17] in listed.text
    assert "d'essai" in text_of(listed)
    page = f"/console/keys/{key.id}"
    assert "+229" not in manager.get(page).text, "how many guests, not who"
    assert "envoyer, et voir" in text_of(manager.page)
    assert manager.post(f"{page}/revoke", at=page).location == LIST
    assert "elle n'ouvre plus rien" in text_of(manager.get(LIST))
    assert api_keys.find(office.gateway.parts, found[1]) is None
    assert "retirée" in text_of(manager.get(LIST))
    assert f"{page}/revoke" not in manager.get(page).text


FAULTS = [
    ({"name": ""}, "Écrivez un nom"),
    ({"scopes": []}, "au moins un droit"),
    ({"scopes": ["all"]}, "au moins un droit"),
    ({"guests": ""}, "1 à 20 numéros"),
    ({"guests": "12"}, "1 à 20 numéros"),
    ({"guests": "\n".join(f"+22901970000{n:02}" for n in range(21))}, "1 à 20 numéros"),
    ({"per_minute": "6001"}, "1 à 6 000 appels"),
    ({"per_day": "beaucoup"}, "1 à 6 000 appels"),
]


@pytest.mark.parametrize(("changed", "said"), FAULTS, ids=[f"{row[0]}"[:40] for row in FAULTS])
def test_what_is_refused_is_said_at_its_field(office: Office, changed: dict[str, object], said: str) -> None:
    manager = office.signed_in("chef", Role.MANAGER)
    refused = manager.post(NEW, **{**GOOD, **changed})
    assert refused.status_code == 400
    assert said in text_of(refused)
    assert 'value="logiciel"' in refused.text or changed == {"name": ""}, "what was typed stays"


def test_pages_are_light_and_speak_two_languages(office: Office) -> None:
    manager = office.signed_in("chef", Role.MANAGER)
    for n in range(50):
        new = api_keys.NewKey(f"système {n}", tuple(api_keys.Scope), live=True)
        api_keys.create(office.gateway.parts, api_keys_manager(), HOME, new)
    for path in (LIST, NEW, "/console/keys/1"):
        assert len(manager.get(path).data) < 30_000, path
    manager.post("/console/language", at="/console/", language="en", next=NEW)
    assert "Make a key" in text_of(manager.get(NEW))


def api_keys_manager() -> object:
    from gateway.usecases.actors import Actor

    return Actor("chef", HOME, frozenset({Role.MANAGER}))


def test_every_word_is_in_both_languages() -> None:
    def shape(words: object) -> object:
        return {name: shape(one) for name, one in words.items()} if isinstance(words, dict) else ""

    assert shape(WORDS["fr"]) == shape(WORDS["en"])
    assert set(WORDS["fr"]["scope"]) == {scope.value for scope in api_keys.Scope}
