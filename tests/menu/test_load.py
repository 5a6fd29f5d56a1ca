"""Menus from files: what the author wrote becomes what the engine walks; mistakes are faults, never exceptions."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.menu.check import World, check_loaded
from gateway.menu.load import load, read_folder, version
from gateway.menu.model import Ask, Branch, CallHandler, Do, End, Lookup, Pick, Submit
from gateway.menu.screens import VERBS

EXAMPLES = Path(__file__).parent / "examples"


def test_each_verb_is_read(sound: dict[str, str]) -> None:
    menus = load(sound, ("fr", "en")).menus
    assert menus is not None
    demo = menus.services["demo"]
    verbs = {screen.id: screen.verb for screen in demo.screens.values()}

    assert (demo.resume_s, demo.keep_s, demo.sensitive, demo.assurance) == (86_400, 7_776_000, True, "number+code")
    assert demo.promise_days == 3
    assert "plus_tard" in demo.screens, "a shared screen that it reaches"
    assert not demo.screens["recap"].back
    nom, naissance, ville, etat = verbs["nom"], verbs["naissance"], verbs["ville"], verbs["etat"]
    assert isinstance(nom, Ask)
    assert (nom.type, nom.minimum, nom.maximum, nom.personal, nom.go) == ("text", 2, 30, "yes", "age")
    assert isinstance(naissance, Ask)
    assert naissance.precisions == ("day", "month", "year")
    assert isinstance(ville, Pick)
    assert (ville.moving, ville.search) == (False, True)
    liste = verbs["liste"]
    assert isinstance(liste, Pick)
    assert (liste.moving, liste.empty, liste.unavailable) == (True, "plus_tard", "plus_tard")
    assert isinstance(etat, Lookup)
    assert (etat.args, etat.saves) == ({"reference": "{demande}"}, {"state_label": 30})
    assert isinstance(verbs["verif"], CallHandler)
    assert verbs["verif"].saves == {"niveau": 10}
    assert isinstance(verbs["tri"], Branch)
    assert [case.go for case in verbs["tri"].cases] == ["recap", "mineur"]
    assert isinstance(verbs["envoi"], Submit)
    suivre = verbs["suivre"]
    assert isinstance(suivre, Do)
    assert (suivre.action, suivre.args["value"]) == ("set_preference", "in")
    assert verbs["envoi"].duplicate_by == ("npi",)
    assert isinstance(verbs["ok"], End)
    assert {name for name in VERBS if name != "when"} == {"ask", "pick", "submit", "act", "lookup", "call", "end"}


def test_a_text_by_sms_may_differ(sound: dict[str, str]) -> None:
    say = load(sound, ("fr", "en")).draft.services["demo"].screens["debut"].say
    assert say is not None
    assert say.sms == {"fr": "Essai", "en": "Trial"}
    assert say.at("en").line == say.at("fr").line + 1


def test_the_list_of_procedures_is_made_of_the_catalogue(sound: dict[str, str]) -> None:
    menus = load(sound, ("fr", "en")).draft
    assert [item.id for item in menus.lists["catalogue"]] == ["demo", "autre"]


def test_the_version_names_the_files(sound: dict[str, str]) -> None:
    first = version(sound)
    assert len(first) == 16
    assert first == version(dict(reversed(sound.items()))), "in any order"
    assert first != version({**sound, "demo.yaml": sound["demo.yaml"] + "\n"})
    assert version({"a": "bc"}) != version({"ab": "c"})


def test_another_language_is_wanted_everywhere(sound: dict[str, str]) -> None:
    codes = {fault.code for fault in load(sound, ("fr", "en", "fon")).faults}
    assert codes == {"missing_language"}


def test_read_folder_names_files_from_the_folder() -> None:
    assert "lists/villes.yaml" in read_folder(EXAMPLES)
    with pytest.raises(NotADirectoryError):
        read_folder(EXAMPLES / "nowhere")


def test_every_file_is_read_whatever_the_others(sound: dict[str, str]) -> None:
    """One broken file hides no fault of another."""
    sound["main.yaml"] += "\n\tx"
    sound["demo.yaml"] = sound["demo.yaml"].replace("type: text", "type: texte")
    sound["catalogue.yaml"] = sound["catalogue.yaml"].replace("2026-11-23", "hier", 1)
    found = {(fault.code, fault.mark.file) for fault in load(sound, ("fr", "en")).faults}
    assert {("tab", "main.yaml"), ("not_one_of", "demo.yaml"), ("not_a_date", "catalogue.yaml")} <= found


def test_no_menus_with_faults(sound: dict[str, str]) -> None:
    loaded = load({**sound, "demo.yaml": sound["demo.yaml"].replace("type: text", "type: texte")}, ("fr", "en"))
    assert loaded.menus is None
    assert loaded.broken == {"demo.yaml"}


LINES = (EXAMPLES / "demo.yaml").read_text(encoding="utf-8").splitlines()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    place=st.integers(0, len(LINES) - 1),
    change=st.sampled_from(["drop", "twice", "indent", "dedent", "empty", "list", "word", "number", "braces"]),
    other=st.integers(0, len(LINES) - 1),
)
def test_a_changed_line_never_raises(place: int, change: str, other: int, sound: dict[str, str], world: World) -> None:
    """Whatever happens to a line, the author gets faults or sound menus, never a stack trace."""
    lines = list(LINES)
    key = lines[place].split(":")[0]
    changed = {
        "drop": [],
        "twice": [lines[place], lines[place]],
        "indent": ["  " + lines[place]],
        "dedent": [lines[place].removeprefix("  ")],
        "empty": [f"{key}:"],
        "list": [f"{key}: [a, b]"],
        "word": [f"{key}: mot"],
        "number": [f"{key}: 999999999999999"],
        "braces": [f"{key}: {{a: b}}"],
    }
    lines[place : place + 1] = changed[change]
    lines[min(other, len(lines) - 1)] = lines[min(other, len(lines) - 1)].replace("nom", "npi")
    for fault in check_loaded(load({**sound, "demo.yaml": "\n".join(lines)}, ("fr", "en")), world):
        assert fault.say("fr")
        assert fault.say("en")
