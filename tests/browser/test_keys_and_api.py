"""Screens of API keys, and the page of the API, in a real browser: no barrier, nothing too wide or too small."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from gateway.messages import Role
from tests.browser.test_console import Office, _judged, _looked_at, office, page, sign_in

pytestmark = pytest.mark.browser
__all__ = ["office", "page"]


def test_no_barrier_on_keys(page: Page, office: Office) -> None:
    office.person("chef", Role.MANAGER)
    sign_in(page, office, "chef")
    _looked_at(page, office, "keys_none", "/console/institutions/anip/keys")
    page.get_by_role("link", name="Faire une clé").click()
    _judged(page, "key_new")
    page.get_by_label("Nom").fill("logiciel d'état civil")
    page.get_by_role("button", name="Faire une clé").click()
    _judged(page, "key_wrong")
    page.get_by_label("Numéros d'essai").fill("+2290197000000")
    page.get_by_label("envoyer, et voir").check()
    page.get_by_role("button", name="Faire une clé").click()
    _judged(page, "key_made")
    assert page.get_by_label("Clé: logiciel").input_value().startswith("psl_test_")
    page.get_by_role("link", name="Retour").click()
    _judged(page, "keys")
    page.get_by_role("link", name="logiciel").click()
    _judged(page, "key")
    page.get_by_role("button", name="Retirer cette clé").click()
    _judged(page, "key_revoked")


def test_no_barrier_on_the_page_of_the_api(page: Page, office: Office) -> None:
    _looked_at(page, office, "api", "/api/v1/")
