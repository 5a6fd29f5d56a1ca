"""What a text means: the shipped commands, near misses, STOP and what only looks like it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.engine import commands
from gateway.engine.commands import BadArgument, Near, Other, Run, Waiting
from gateway.menu.load import load, read_folder
from gateway.menu.model import Menus

REF = "482109375625"


@pytest.fixture(scope="module")
def menus() -> Menus:
    found = load(read_folder(Path(__file__).parents[2] / "menus"), ("fr", "en")).menus
    assert found is not None
    return found


def said(menus: Menus, text: str, waiting: Waiting = Waiting.NOTHING, labels: frozenset[str] = frozenset()) -> str:
    """The meaning in one word, with the arguments that were read."""
    match commands.read(menus, text, waiting, labels):
        case Run(command, _, values, complete, what):
            given = " ".join(str(value.raw) for value in values.values() if value.raw != "")
            asks = "" if complete or not command.takes else "?"
            return " ".join(word for word in (command.id, given, what) if word) + asks
        case BadArgument(command, _):
            return f"bad {command.id}"
        case Near(word, line):
            return f"near {word}: {line}"
        case other:
            return other.name.lower()


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("AIDE", "aide"),
        ("aide", "aide"),
        ("  Aide !", "aide"),
        ("help me", "aide"),
        ("AIDE statut", "aide statut"),
        ("AIDE bidule", "aide"),
        ("Menu", "menu"),
        ("menu svp merci", "menu"),
        ("menu du jour au restaurant", "unknown"),
        ("ACTE", "acte"),
        (f"STATUT {REF}", f"statut {REF}"),
        ("statut 4821 0937 5625", f"statut {REF}"),
        ("STATUT: 4821-0937.5625.", f"statut {REF}"),
        ("Statut n° 4821 0937 5625 svp", f"statut {REF}"),
        (f"STATUT{REF}", f"statut {REF}"),
        ("STATUT 482IO937S625", "bad statut"),
        ("STATUT 482lO9375625", f"statut {REF}"),
        ("statut 482IO9375625", f"statut {REF}"),
        ("STATUT 482109375626", "bad statut"),
        ("STATUT 4821", "bad statut"),
        (f"STATUT {REF} 99", "bad statut"),
        ("STATUT", "statut?"),
        (f"VERIF {REF} 123456", f"verif {REF} 123456"),
        (f"Vérif {REF} 12 34 56", f"verif {REF} 123456"),
        (f"VERIF {REF} 123456 7890", f"verif {REF} 123456 7890"),
        (f"VERIF {REF}", "bad verif"),
        (f"VERIF {REF} 123456 789", "bad verif"),
        ("INFOS passeport", "infos passeport"),
        ("info PASSEPORTT", "infos passeport"),
        ("INFOS bidule", "infos?"),
        ("langue anglais", "langue en"),
        ("LANGUE Français", "langue fr"),
        ("language english", "langue en"),
        ("LANGUE klingon", "bad langue"),
        ("REPRISE", "reprise"),
        (f"REPRISE {REF}", f"reprise {REF}"),
        ("REPRISE 12", "bad reprise"),
        ("ABONNE", "abonne"),
        ("ABONNE santé", "abonne sante"),
        ("abonné SANTE", "abonne sante"),
        ("DESABONNE sante", "desabonne sante"),
        ("DÉSABONNE", "desabonne?"),
        ("OUI", "yes"),
        ("oui merci", "yes"),
        ("oui mais je ne sais pas", "unknown"),
        ("12", "unknown"),
        ("", "unknown"),
        ("?!", "unknown"),
        ("Bonjour, comment faire ?", "unknown"),
    ],
)
def test_a_text_and_no_dialogue(menus: Menus, text: str, means: str) -> None:
    assert said(menus, text) == means


@pytest.mark.parametrize(
    ("text", "means", "remark"),
    [
        ("STAUT", "near STATUT: STATUT", "swapped; START is as near, and is English"),
        (f"STATU {REF}", f"near STATUT: STATUT {REF}", "a letter missing"),
        ("STATTUT", "near STATUT: STATUT", "a letter too many"),
        ("VERRIF", "near VERIF: VERIF", ""),
        ("SUIVIE", "near SUIVI: SUIVI", ""),
        ("RESPRISE", "near REPRISE: REPRISE", ""),
        ("ABONER sante", "near ABONNER: ABONNER sante", ""),
        ("DESSABONNER", "near DESABONNER: DESABONNER", "a long word"),
        ("STPO", "near STOP: STOP", "asked, not done"),
        ("STATION", "unknown", "three letters away"),
        ("ACTEUR", "unknown", "two letters away in a short word"),
        ("SUITE", "unknown", "two letters away"),
        ("INFORME", "unknown", ""),
        ("bonjour", "unknown", ""),
        ("merci", "unknown", ""),
        ("ou", "unknown", "too short to be near anything"),
        ("st0p", "unknown", "digits are no letters"),
    ],
)
def test_a_near_miss_is_only_asked_about(menus: Menus, text: str, means: str, remark: str) -> None:
    assert said(menus, text) == means, remark


@pytest.mark.parametrize(
    ("text", "nothing", "choice", "free_text"),
    [
        ("STOP", "stop all", "stop all", "stop all"),
        ("stop", "stop all", "stop all", "stop all"),
        ("Stop.", "stop all", "stop all", "stop all"),
        ("Arrêt", "stop all", "stop all", "stop all"),
        ("STOPALL", "stop all", "stop all", "stop all"),
        ("Stop. Merci", "stop all", "stop all", "answer"),
        ("stop sms merci", "stop all", "stop all", "answer"),
        ("STOP INFO", "stop information", "stop information", "answer"),
        ("STOP suivi", "stop procedure", "stop procedure", "answer"),
        ("stop santé", "stop sante", "stop sante", "answer"),
        ("arrêt de travail", "unknown", "answer", "answer"),
        ("arrêt de travail depuis lundi", "unknown", "answer", "answer"),
        ("stop au bruit", "unknown", "answer", "answer"),
        ("stop je ne veux plus rien", "unknown", "answer", "answer"),
        ("non stop", "unknown", "answer", "answer"),
        ("stopper", "unknown", "answer", "answer"),
    ],
)
def test_stop(menus: Menus, text: str, nothing: str, choice: str, free_text: str) -> None:
    assert said(menus, text) == nothing
    assert said(menus, text, Waiting.CHOICE) == choice
    assert said(menus, text, Waiting.FREE_TEXT) == free_text


@pytest.mark.parametrize(
    ("text", "choice", "free_text"),
    [
        ("1", "answer", "answer"),
        ("cotonou", "answer", "answer"),
        ("AIDE", "aide", "aide"),
        ("Menu", "menu", "menu"),
        ("menu du jour", "menu", "answer"),
        ("ACTE", "acte", "answer"),
        (f"STATUT {REF}", f"statut {REF}", "answer"),
        ("STATUT 12", "bad statut", "answer"),
        ("Acte de naissance", "answer", "answer"),
        ("OUI", "answer", "answer"),
        ("STAUT", "answer", "answer"),
        ("", "answer", "answer"),
    ],
)
def test_while_a_dialogue_waits(menus: Menus, text: str, choice: str, free_text: str) -> None:
    labels = frozenset({"acte de naissance"})
    assert said(menus, text, Waiting.CHOICE, labels) == choice
    assert said(menus, text, Waiting.FREE_TEXT, labels) == free_text


@pytest.mark.parametrize(("text", "language"), [("HELP", "en"), ("AIDE", "fr"), ("STOP", "fr"), ("HOME", "en")])
def test_the_language_of_a_word(menus: Menus, text: str, language: str) -> None:
    meant = commands.read(menus, text)
    assert isinstance(meant, Run)
    assert meant.language == language


@pytest.mark.parametrize(
    "text", ["A" * 100_000, "1 " * 50_000, "STATUT " + "O" * 90_000, "é" * 50_000, "\U0001f600" * 9000, "٣" * 99]
)
def test_any_text_means_something(menus: Menus, text: str) -> None:
    commands.read(menus, text)
    commands.read(menus, text, Waiting.CHOICE)


def test_without_commands_nothing_is_one(menus: Menus) -> None:
    from dataclasses import replace

    none = replace(menus, version="other", commands={}, yes_words={}, category_words={})
    assert commands.read(none, "AIDE") is Other.UNKNOWN
    assert commands.read(none, "STOP", Waiting.CHOICE) is Other.ANSWER


def test_what_accepts_a_proposal(menus: Menus) -> None:
    assert commands.is_yes(menus, "Oui !")
    assert commands.is_yes(menus, "yes please")
    assert not commands.is_yes(menus, "non")
    assert not commands.is_yes(menus, "")
    assert not commands.is_yes(menus, "oui mais non pas du tout")


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("REPONSE 482193 Afi Dossou, née à Parakou", "reponse 482193 Afi Dossou, née à Parakou"),
        ("Réponse: 482193 : l'acte n'est pas prêt.", "reponse 482193 l'acte n'est pas prêt."),
        ("answer 482193 12 rue du Port", "reponse 482193 12 rue du Port"),
        ("REPONSE 482 193 oui", "reponse 482193 oui"),
        ("REPONSE 482-193. oui", "reponse 482193 oui"),
        ("REPONSE482193 oui", "reponse 482193 oui"),
        ("REPONSE 48219O oui", "reponse 482190 oui"),
        ("REPONSE 482193Zongo", "reponse 482193 Zongo"),
        ("REPONSE 482193\nAfi\nDossou", "reponse 482193 Afi Dossou"),
        ("reply 482193 yes", "reponse 482193 yes"),
        ("REPONSE 482193 Af\u202ei\x00 \u200bD", "reponse 482193 Afi D"),
        ("REPONSE 482193", "bad reponse"),
        ("REPONSE 482193 ...", "bad reponse"),
        ("REPONSE 48219 oui", "bad reponse"),
        ("REPONSE 48219oui", "bad reponse"),
        ("REPONSE 48219 l'acte", "bad reponse"),
        ("REPONSE 4821934 oui", "bad reponse"),
        ("REPONSE oui", "bad reponse"),
        ("REPONSE", "reponse?"),
        ("REPONDRE", "reponse?"),
        ("REPONZE 482193 l'acte, né(e)", "near REPONSE: REPONSE 482193 l'acte, né(e)"),
    ],
)
def test_an_answer_to_a_question(menus: Menus, text: str, means: str) -> None:
    assert said(menus, text) == means


@pytest.mark.parametrize(
    ("text", "waiting", "means"),
    [
        ("REPONSE 482193 oui", Waiting.FREE_TEXT, "reponse 482193 oui"),
        ("réponse favorable", Waiting.FREE_TEXT, "answer"),
        ("REPONSE", Waiting.FREE_TEXT, "answer"),
        ("REPONSE 482193 oui", Waiting.CHOICE, "reponse 482193 oui"),
        ("Répondre", Waiting.CHOICE, "answer"),
        ("REPONSE oui", Waiting.CHOICE, "bad reponse"),
    ],
)
def test_an_answer_to_a_question_within_a_dialogue(menus: Menus, text: str, waiting: Waiting, means: str) -> None:
    assert said(menus, text, waiting) == means


def test_the_longest_answer_is_read_whole(menus: Menus) -> None:
    read = commands.read(menus, "REPONSE 482193 " + "é" * 1590)
    assert isinstance(read, Run)
    assert len(str(read.values["texte"].raw)) == 1590
