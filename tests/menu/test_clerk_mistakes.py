"""Mistakes as clerks make them: exactly these faults, on these lines, and none that only follows from another."""

from __future__ import annotations

import pytest

from gateway.menu.check import World, check_loaded
from gateway.menu.load import load
from gateway.menu.report import report


def said(files: dict[str, str], world: World) -> list[tuple[str, str]]:
    """(code, the line of text that it names) of every fault."""
    found = check_loaded(load(files, ("fr", "en")), world)
    for fault in found:
        assert fault.say("fr") != fault.say("en")
    return [(fault.code, files[fault.mark.file].splitlines()[fault.mark.line - 1].strip()) for fault in found]


def changed(sound: dict[str, str], old: str, new: str) -> dict[str, str]:
    assert old in sound["demo.yaml"], "the row no longer changes anything"
    return {**sound, "demo.yaml": sound["demo.yaml"].replace(old, new, 1)}


@pytest.mark.parametrize(
    ("old", "new", "expected", "remark"),
    [
        ("    say:\n      fr: Age\n", "   say:\n      fr: Age\n", [("yaml_indent", "ask:")], "one space too few"),
        ("      fr: Age\n", "     fr: Age\n", [("yaml_indent", "en: Age")], "one space too few before a text"),
        ("      type: amount\n", "      type amount\n", [("yaml_colon", "type amount")], "no colon"),
        ("  montant:\n", "  montant\n", [("yaml_colon", "montant")], "no colon after a screen's name"),
        ("fr: Plaque", "fr:Plaque", [("yaml_colon", "fr:Plaque")], "no space after the colon"),
        ("fr: Age", "fr: 'L'age'", [("yaml_after_quote", "fr: 'L'age'")], "an apostrophe between single quotes"),
        ("'[A-Z]{2}\\d{4}'", '"\\d{4}"', [("yaml_escape", 'pattern: "\\d{4}"')], "a backslash between double quotes"),
        ("fr: Age", "fr: {nom} ?", [("braces_in_text", "fr: {nom} ?")], "a place without quotes"),
        ("fr: Age", "fr: Votre age #1", [("comment_in_text", "fr: Votre age #1")], "a # cuts the text"),
        ("'[A-Z]{2}\\d{4}'", "[A-Z]\\d{4}", [("yaml_quote", "pattern: [A-Z]\\d{4}")], "a bracket without quotes"),
        ("fr: Age", "fr: > 18", [("yaml_quote", "fr: > 18")], "a greater-than sign first"),
        ("      search: yes", "      search: yes\n      max: 41", [("max_too_large", "from: villes")], "long lines"),
        ("fr: Age", "fr: !Votre age", [("tag", "fr: !Votre age")], "an exclamation mark first"),
        ("    go: montant", "    va: montant", [("key_beside", "age:"), ("unknown_key", "va: montant")], "French"),
        ("    go: montant\n", "", [("key_beside", "age:")], "no go"),
        ("      max: 3\n", "      max: 3\n      go: montant\n", [("key_inside", "go: montant")], "go under ask too"),
        ("    ask:\n      type: amount", "    aks:\n      type: amount", [("unknown_key", "aks:")], "a typo in a verb"),
        ("max: 30", "max: trente", [("not_a_number", "max: trente")], "a number in words"),
        ("type: amount", "type: montant", [("not_one_of", "type: montant")], "a type in French"),
        ("    ask:\n      type: amount", "    end:\n      fr: a\n      en: a\n    ask:\n      type: amount",
         [("several_verbs", "ask:")], "two verbs"),
        ('reference: "{demande}"', "reference: {demande}", [("braces_in_text", "reference: {demande}")], "no quotes"),
        ("personal: yes\n      min: 2", "personal: oui\n      min: 2", [], "yes in French"),
        ("keep: 90d", "keep: 90j", [], "days in French"),
        ("age >= 18", "age = 18", [("bad_expression", 'x')], "one equals sign"),
    ],
)  # fmt: skip
def test_mistake(
    old: str, new: str, expected: list[tuple[str, str]], remark: str, sound: dict[str, str], world: World
) -> None:
    found = said(changed(sound, old, new), world)
    if expected == [("bad_expression", "x")]:
        assert [code for code, _ in found] == ["bad_expression"], remark
    else:
        assert found == expected, remark


def test_a_file_that_is_no_table_is_one_fault(sound: dict[str, str], world: World) -> None:
    for text in ("bonjour\n", "- a\n- b\n"):
        assert said({**sound, "demo.yaml": text}, world) == [("not_a_table", text.splitlines()[0])]


def test_a_file_of_comments_is_empty(sound: dict[str, str], world: World) -> None:
    assert said({**sound, "neuf.yaml": "# rien encore\n"}, world) == [("empty_file", "# rien encore")]


def test_a_service_without_id_is_one_fault(sound: dict[str, str], world: World) -> None:
    files = changed(sound, "service: demo\n", "")
    assert [code for code, _ in said(files, world)] == ["missing_key"]


def test_a_list_without_its_head(sound: dict[str, str], world: World) -> None:
    name = next(name for name in sound if name.startswith("lists/"))
    found = said({**sound, name: "matin: Matin\n"}, world)
    assert found == [("missing_key", "matin: Matin"), ("missing_key", "matin: Matin"), ("unknown_key", "matin: Matin")]


def test_a_copied_file_is_told_with_its_twin(sound: dict[str, str], world: World) -> None:
    files = {**sound, "copie.yaml": sound["demo.yaml"]}
    found = check_loaded(load(files, ("fr", "en")), world)
    assert [fault.code for fault in found] == ["repeated_id"]
    assert "copie.yaml" in report(found)
    assert "demo.yaml" in report(found)


@pytest.mark.parametrize(
    ("written", "refused", "remark"),
    [
        ("Payez 500 F", True, ""),
        ("Payez cinq cents francs", True, "the plural of cent"),
        ("Payez mille cinq cents francs", True, ""),
        ("Payez cinquante francs", True, ""),
        ("Payez 500 Fr.", True, ""),
        ("Payez 5 000 frs", True, ""),
        ("Payez CFA 500", True, "the currency first"),
        ("Payez F CFA 500", True, ""),
        ("Payez 2k FCFA", True, ""),
        ("Payez un million de francs", True, ""),
        ("Payez 20 euros", True, "another currency is a fee too"),
        ("Payez €20", True, ""),
        ("Sous 3jrs", True, "an abbreviation"),
        ("Sous onze jours", True, ""),
        ("Within 2 working days", True, "a word between"),
        ("Sous 3 jours ouvrables", True, ""),
        ("Avoir 18 ans", False, "an age is no delay"),
        ("Le 12 juin", False, "a day is no delay"),
        ("Porte 5 face", False, "an F begins another word"),
        ("Service gratuit", False, ""),
        ("Gratuit pour les moins de cinq", False, "a number alone"),
    ],
)
def test_a_fee_or_a_delay_in_a_text(
    written: str, refused: bool, remark: str, sound: dict[str, str], world: World
) -> None:
    found = {code for code, _ in said(changed(sound, "fr: Plaque", f'fr: "{written}"'), world)}
    assert bool(found & {"literal_fee", "literal_delay"}) is refused, remark or written
    assert found <= {"literal_fee", "literal_delay"}
