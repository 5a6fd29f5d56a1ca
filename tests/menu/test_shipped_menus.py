"""The menus that ship: without fault, complete, and true to what the project promises."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.menu.check import World, check, world_of
from gateway.menu.longest import filled
from gateway.menu.message_keys import MESSAGES
from gateway.menu.model import Ask, CallHandler, Menus, Submit
from gateway.menu.report import check_folder, report
from gateway.settings import load as load_settings
from gateway.text import segments, transliterate

ROOT = Path(__file__).parents[2]
UNVERIFIED = "à confirmer en mairie"


@pytest.fixture(scope="module")
def menus() -> Menus:
    settings = load_settings({"GATEWAY_CONFIG": str(ROOT / "config" / "gateway.yaml")})
    found, faults = check_folder(ROOT / "menus", ("fr", "en"), world_of(settings, {}))
    assert report(faults, "en") == ""
    assert found is not None
    return found


def test_the_services_of_this_version(menus: Menus) -> None:
    ours = {"main", "acte-naissance", "suivi", "infos", "verifier", "mes-messages", "preferences"}
    ours |= {"mon-espace", "mes-donnees"}
    assert set(menus.services) == ours
    assert menus.shortcuts == {
        "21": "acte-naissance",
        "22": "suivi",
        "23": "infos",
        "24": "verifier",
        "25": "mes-messages",
        "26": "preferences",
        "27": "mes-donnees",
    }


def test_checking_again_without_the_files_finds_nothing(menus: Menus, world: World) -> None:
    assert check(menus, world) == ()


def test_communes_are_the_77(menus: Menus) -> None:
    communes = menus.lists["communes"]
    names = [item.label.by_language["fr"] for item in communes]

    assert len(communes) == len(set(names)) == 77
    assert [transliterate.fold(name) for name in names] == sorted(transliterate.fold(name) for name in names)
    assert {"Cotonou", "Porto-Novo", "Parakou", "N'Dali"} <= set(names)


def test_an_unverified_fact_is_never_shown(menus: Menus) -> None:
    acte = menus.catalogue["acte-naissance"]
    assert acte.verified == frozenset()
    assert {text.by_language["fr"] for text in (acte.fee, acte.delay, acte.pieces, acte.where)} == {UNVERIFIED}
    assert acte.delay_days is None
    # What is noted for whoever will confirm it does not leak.
    assert "2930" in menus.files["catalogue.yaml"]


def test_a_verified_fact_is_shown(menus: Menus) -> None:
    b3 = menus.catalogue["casier-judiciaire"]
    assert b3.fee.by_language["fr"].startswith("1900 FCFA")
    assert b3.delay_days == 3
    assert menus.catalogue["carte-identite"].fee.by_language == {"fr": "6000 FCFA", "en": "6000 FCFA"}
    assert menus.catalogue["carte-identite"].delay_days is None


def test_every_entry_says_where_and_when_it_was_read(menus: Menus) -> None:
    for entry in menus.catalogue.values():
        assert entry.source
        assert re.fullmatch(r"20\d\d-\d\d-\d\d", entry.checked_on)


def test_birth_certificate_needs_no_python(menus: Menus) -> None:
    screens = menus.services["acte-naissance"].screens.values()
    assert not any(isinstance(screen.verb, CallHandler) for screen in screens)


def test_every_npi_question_has_a_way_out(menus: Menus) -> None:
    questions = [
        screen
        for screen in menus.services["acte-naissance"].screens.values()
        if isinstance(screen.verb, Ask) and screen.verb.type == "npi"
    ]
    assert len(questions) == 3
    assert all([choice.go for choice in screen.choices] == ["orientation_npi"] for screen in questions)


def test_what_is_sent(menus: Menus) -> None:
    submit = menus.services["acte-naissance"].screens["envoi"].verb
    assert isinstance(submit, Submit)
    assert (submit.system, submit.fields, submit.duplicate_by) == ("etat-civil", ("pour", "npi", "commune"), ("npi",))


def test_the_receipt_is_the_promised_sentence(menus: Menus) -> None:
    values = {
        "reference": "4821 0937 5628",
        "service": "Acte de naissance",
        "date": "23/11/2026",
        "time": "14:05",
        "promised_date": "26/11",
        "verification": "472913",
        "code": "*229#",
    }
    assert menus.messages["receipt"].by_language["fr"].format_map(values) == (
        "Récépissé 4821 0937 5628. Acte de naissance, demande déposée le 23/11/2026 à 14:05. "
        "Réponse avant le 26/11. Code de vérification 472913. Suivi: *229#"
    )


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("key", [key for key in MESSAGES if key.startswith("receipt")])
def test_a_receipt_is_one_segment_with_the_longest_values(menus: Menus, key: str, language: str) -> None:
    measured = segments.measure(filled(menus.messages[key].by_language[language], MESSAGES[key].sizes))
    assert (measured.encoding, measured.segments) == ("GSM-7", 1)


@pytest.mark.parametrize("key", [key for key in MESSAGES if key.endswith(("_sensitive", "_sensitive_no_promise"))])
def test_a_sensitive_message_names_neither_service_nor_decision(menus: Menus, key: str) -> None:
    assert not {"service", "message", "reason"} & MESSAGES[key].sizes.keys()
    for said in menus.messages[key].by_language.values():
        assert not re.search(r"accept|refus|grant|not take|pas pu", said)


def test_errors_say_it_as_the_issue_wants(menus: Menus) -> None:
    assert menus.messages["unavailable"].by_language["fr"] == (
        "Service momentanément indisponible. Rien n'a été envoyé. Réessayez plus tard."
    )
