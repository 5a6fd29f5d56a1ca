"""One broken menu for each code: what is changed in sound menus, and the line that the fault must name.

A row: code, remark, file, what is written in the sound file, what is put in its place, and the words that stand on
the line (or on the first such line) which the fault must name; "" is the whole new text's first line.
"""

from __future__ import annotations

import ast
import string
from pathlib import Path

import pytest

from gateway.menu import faults
from gateway.menu.check import World, check_loaded
from gateway.menu.load import load

DEMO, MAIN, SHARED, CATALOGUE, MESSAGES, VILLES = (
    "demo.yaml",
    "main.yaml",
    "shared.yaml",
    "catalogue.yaml",
    "messages.yaml",
    "lists/villes.yaml",
)
END = "  {name}:\n    end:\n      fr: Fin\n      en: End\n"
NOM = "      fr: Nom et prénom\n"
ASK_NOM = NOM + "      en: Name\n    ask:\n      type: text\n      save: nom\n      personal: yes\n      min: 2\n      max: 30\n"
WHEN = """    when:
      - if: age >= 18 and ville in ("cotonou", "natitingou")
        go: recap
      - else: mineur
"""
DEBUT = "start: debut\nscreens:\n"


def lookups(count: int) -> str:
    """So many lookups in a row, then an end."""
    one = "  l{0}:\n    lookup:\n      from: cadastre\n    outcomes:\n      unavailable: plus_tard\n      ok: l{1}\n"
    return "".join(one.format(place, place + 1) for place in range(count)) + END.format(name=f"l{count}")


CASES = [
    # --- the file itself
    ("yaml", "a key without its colon", DEMO, "  tri:\n", "  tri\n", "when:"),
    ("open_quote", "a quote that is never closed", DEMO, NOM, '      fr: "Nom\n', 'fr: "Nom'),
    ("yaml_quote", "a colon in a text", DEMO, NOM, "      fr: Nom: prénom\n", "fr: Nom: prénom"),
    ("yaml_quote", "a service code without quotes", DEMO, NOM, "      fr: *229#\n", "fr: *229#"),
    ("yaml_quote", "a percent sign first", DEMO, NOM, "      fr: %nom\n", "fr: %nom"),
    ("yaml_character", "a null", DEMO, NOM, "      fr: No\x00m\n", "fr: No"),
    ("too_deep", "brackets without end", DEMO, NOM, "      fr: " + "[" * 30 + "]" * 30 + "\n", "fr: [[["),
    ("tab", "a tab for the indentation", DEMO, NOM, "\tfr: Nom\n", "\tfr: Nom"),
    ("tab", "a tab in a text", DEMO, NOM, "      fr: Nom\tprénom\n", "\tprénom"),
    ("anchor", "", DEMO, NOM, "      fr: &nom Nom\n", "&nom"),
    ("alias", "", DEMO, NOM, "      fr: *nom\n", "*nom"),
    ("tag", "", DEMO, NOM, "      fr: !!str Nom\n", "!!str"),
    ("several_documents", "", DEMO, "service: demo\n", "a: b\n---\nservice: demo\n", "---"),
    ("key_is_not_a_word", "", DEMO, NOM, "      fr: Nom\n      [a]: b\n", "[a]"),
    ("repeated_key", "a screen twice", DEMO, "  age:\n", END.format(name="nom") + "  age:\n", "  nom:\n    end"),
    ("comma_in_braces", "", DEMO, "    say:\n" + NOM + "      en: Name\n", "    say: {fr: Non, merci, en: No}\n", "{fr"),
    ("braces_in_text", "", DEMO, NOM, "      fr: {npi}\n", "{npi}"),
    ("empty_file", "", "vide.yaml", None, "\n", ""),
    ("missing_file", "no first screen", MAIN, None, None, ""),
    ("missing_file", "no sentences", MESSAGES, None, None, ""),
    # --- shape and types
    ("not_a_table", "", DEMO, "  tri:\n", "  tri2: fin\n  tri:\n", "tri2"),
    ("unknown_key", "a misspelt key", DEMO, "    say:\n" + NOM, "    sya:\n" + NOM, "sya"),
    ("unknown_key", "a language that is not offered", DEMO, NOM, NOM + "      de: Name\n", "de: Name"),
    ("missing_key", "a choice without its target", DEMO, "        go: nom\n", "", "label:\n          fr: Commencer"),
    ("misplaced_key", "go on an end", SHARED, "    end:\n", "    go: x\n    end:\n", "go: x"),
    ("misplaced_key", "say on an end", SHARED, "    end:\n", "    say:\n      fr: a\n      en: a\n    end:\n", "say"),
    ("not_a_word", "", DEMO, "go: age\n", "go:\n      - age\n", "- age"),
    ("bad_id", "a capital", DEMO, "  tri:\n", "  Tri:\n", "  Tri:"),
    ("bad_id", "forty-one letters", DEMO, "  mineur:\n", f"  {'m' * 41}:\n", "mmm"),
    ("bad_name", "a dash cannot stand in a condition", DEMO, "save: nom\n", "save: le-nom\n", "le-nom"),
    ("not_a_number", "", DEMO, "      max: 30\n", "      max: trente\n", "trente"),
    ("not_yes_or_no", "", DEMO, "search: yes", "search: peut-être", "peut-être"),
    ("not_one_of", "", DEMO, "type: text\n", "type: texte\n", "texte"),
    ("bad_duration", "no unit", DEMO, "resume: 24h", "resume: 24", "resume"),
    ("bad_duration", "zero", DEMO, "resume: 24h", "resume: 0h", "resume"),
    ("not_a_date", "", CATALOGUE, "2026-11-23", "2026-11-31", "2026-11-31"),
    ("text_languages", "", DEMO, "    say:\n" + NOM + "      en: Name\n", "    say: Nom\n", "say: Nom"),
    ("missing_language", "", DEMO, NOM + "      en: Name\n", NOM, NOM),
    ("empty_text", "", DEMO, NOM, '      fr: ""\n', 'fr: ""'),
    ("control_character", "a bell", DEMO, NOM, '      fr: "Nom\\a"\n', "Nom\\a"),
    ("bad_placeholder", "a capital", DEMO, NOM, '      fr: "{Nom}"\n', "{Nom}"),
    ("bad_placeholder", "an unknown filter", DEMO, NOM, '      fr: "{nom|upper}"\n', "{nom|upper}"),
    ("bad_placeholder", "a brace alone", DEMO, NOM, '      fr: "Nom }"\n', "Nom }"),
    ("bad_placeholder", "an unknown part", DEMO, "{catalogue.tarif}", "{catalogue.prix}", "{catalogue.prix}"),
    ("bad_expression", "a call", DEMO, "if: age >= 18", "if: len(nom) >= 18", "- if"),
    ("bad_expression", "an attribute", DEMO, "if: age >= 18", "if: nom.real", "- if"),
    ("bad_expression", "arithmetic", DEMO, "if: age >= 18", "if: age + 1 > 18", "- if"),
    ("bad_shortcut", "one digit", MAIN, "  31: demo", "  3: demo", "3: demo"),
    ("bad_shortcut", "seven digits", MAIN, "  31: demo", "  1234567: demo", "1234567"),
    # --- screens
    ("several_verbs", "", DEMO, "    ask:\n      type: text", "    pick:\n      from: villes\n      save: v\n    ask:\n      type: text", "    ask:\n      type: text"),
    ("nothing_to_say", "", DEMO, "    say:\n" + NOM + "      en: Name\n", "", "  nom:\n    ask"),
    ("says_nothing", "", DEMO, "  tri:\n", "  tri:\n    say:\n      fr: a\n      en: a\n", "  tri:"),
    ("does_nothing", "", DEMO, DEBUT, DEBUT + "  rien:\n    say:\n      fr: a\n      en: a\n", "  rien:"),
    ("when_is_a_list", "", DEMO, WHEN, "    when: recap\n", "when: recap"),
    ("else_is_last", "", DEMO, "    when:\n", "    when:\n      - else: mineur\n", "- else: mineur"),
    ("no_else", "", DEMO, "      - else: mineur\n", "      - if: age < 18\n        go: mineur\n", "when:"),
    ("reserved_name", "home is the root's", DEMO, "  mineur:\n", "  accueil:\n", "  accueil:"),
    ("reserved_name", "a value that a text could not tell from the service code", DEMO, "save: plaque", "save: code", "  plaque:"),
    ("reserved_name", "the list of all procedures", VILLES, "list: villes", "list: catalogue", "list"),
    ("shared_name", "", DEMO, "  tri:\n", END.format(name="plus_tard") + "  tri:\n", "  plus_tard:\n"),
    ("repeated_id", "a service twice", "zz.yaml", None, "copy of demo.yaml", "service: demo"),
    ("main_is_main", "", DEMO, "service: demo", "service: main", "service"),
    ("shortcuts_in_main", "", DEMO, "start: debut", "shortcuts:\n  41: demo\nstart: debut", "shortcuts"),
    ("shortcut_clash", "also choice 1", MAIN, "  31: demo", "  01: demo", "01"),
    ("unknown_target", "of a choice", DEMO, "go: nom\n", "go: nomm\n", "      nom:\n        label"),
    ("unknown_target", "of a question", DEMO, "    go: age\n", "    go: agge\n", "    ask:\n      type: text"),
    ("unknown_target", "of an outcome", DEMO, "juste: tri", "juste: trri", "    call:"),
    ("unknown_target", "of a case", DEMO, "        go: recap", "        go: reccap", "      - if"),
    ("unknown_target", "the first screen", DEMO, "start: debut", "start: debutt", "service: demo"),
    ("unknown_service", "", MAIN, "go: service:demo", "go: service:demmo", "      demo:\n        label"),
    ("unknown_service", "of a shortcut", MAIN, "31: demo", "31: demmo", "31: demmo"),
    ("unreachable_screen", "", DEMO, DEBUT, DEBUT + END.format(name="perdu"), "  perdu:"),
    ("unreachable_screen", "shared", SHARED, "screens:\n", "screens:\n" + END.format(name="perdu"), "  perdu:"),
    ("unreachable_service", "", "seul.yaml", None, "service: seul\ntitle:\n  fr: a\n  en: a\nstart: x\nscreens:\n" + END.format(name="x"), "service"),
    ("dead_end", "", DEMO, "        go: accueil\n", "        go: fiche\n", "  fiche:"),
    ("silent_loop", "", DEMO, "      - else: mineur\n", "      - if: age < 3\n        go: tri\n      - else: mineur\n", "  tri:"),
    ("too_many_needs", "five lookups in a row", DEMO, "  mineur:\n    end:", lookups(5).replace("l0:", "mineur:", 1) + "  unused:\n    end:", "  mineur:"),
    # --- names and values
    ("unknown_value", "in a text", DEMO, "{nom} {npi|mask}", "{prenom} {npi|mask}", "{prenom}"),
    ("unknown_value", "in a condition", DEMO, "if: age >= 18", "if: agge >= 18", "agge"),
    ("unknown_value", "a secret is never kept", DEMO, "{niveau}", "{pin}", "{pin}"),
    ("unknown_value", "a field", DEMO, "        - nom\n", "        - nomm\n", "    submit:"),
    ("unknown_value", "the source gives no such value", DEMO, "        state_label: 30", "        state: 30\n        state_label: 30", "    lookup:"),
    ("unknown_value", "in a title", DEMO, "  fr: Essai de tout", '  fr: "Essai {nom}"', "Essai {nom}"),
    ("not_always_saved", "", DEMO, "Etat: {state_label}", "Etat: {state_label} {nom}", "Etat:"),
    ("not_always_saved", "a reference before the demand", DEMO, "fr: IFU", 'fr: "IFU {reference}"', "IFU {reference}"),
    ("no_promise", "", CATALOGUE, "    - delay\n", "", "promised_date"),
    ("missing_entry", "", CATALOGUE, "demo:\n", "demmo:\n", "{catalogue.tarif}"),
    ("missing_entry", "neither an entry nor a value", DEMO, "{catalogue.autre.pieces}", "{catalogue.autres.pieces}", "autres"),
    ("not_a_field", "", DEMO, "duplicate_by: npi", "duplicate_by: ifu", "    submit:"),
    ("missing_keep", "", DEMO, "keep: 90d\n", "", "service: demo"),
    ("unknown_system", "", DEMO, "to: etat-civil", "to: etat-civile", "    submit:"),
    ("unknown_source", "of a lookup", DEMO, "from: submission_status", "from: submissions", "    lookup:"),
    ("unknown_source", "of a pick", DEMO, "from: villes", "from: ville", "from: ville"),
    ("source_is_a_list", "", DEMO, "from: submission_status", "from: my_submissions", "    lookup:"),
    ("source_is_no_list", "", DEMO, "from: my_submissions", "from: submission_status", "from: submission_status"),
    ("unknown_handler", "", DEMO, "handler: demo.verifie", "handler: demo.verifier", "    call:"),
    ("unknown_outcome", "of a handler", DEMO, "      faux: plus_tard", "      fau: plus_tard\n      faux: plus_tard", "    call:"),
    ("unknown_outcome", "of a demand", DEMO, "      closed: plus", "      close: plus_tard\n      closed: plus", "    submit:"),
    ("missing_outcome", "of a handler", DEMO, "      faux: plus_tard\n", "", "    call:"),
    ("missing_outcome", "of a demand", DEMO, "      closed: plus_tard\n", "", "    submit:"),
    ("missing_outcome", "already, because there may be duplicates", DEMO, "      already: plus_tard\n", "", "    submit:"),
    ("missing_outcome", "of a lookup", DEMO, "      unavailable: plus_tard\n  montre:", "  montre:", "    lookup:"),
    ("missing_outcome", "an empty moving list", DEMO, "      empty: plus_tard\n", "", "from: my_submissions"),
    ("unknown_argument", "", DEMO, 'reference: "{demande}"', 'reference: "{demande}"\n        numero: 3', "    lookup:"),
    ("missing_argument", "", DEMO, '      args:\n        reference: "{demande}"\n', "", "    lookup:"),
    # --- questions
    ("missing_max", "", DEMO, "      max: 30\n", "", "    ask:\n      type: text"),
    ("max_too_large", "forty-one characters", DEMO, "      max: 30\n", "      max: 41\n", "    ask:\n      type: text"),
    ("min_over_max", "", DEMO, "      min: 2\n", "      min: 31\n", "    ask:\n      type: text"),
    ("not_for_type", "", DEMO, "      save: montant\n", "      save: montant\n      precision: year\n", "    ask:\n      type: amount"),
    ("missing_pattern", "", DEMO, "      pattern: '[A-Z]{2}\\d{4}'\n", "", "    ask:\n      type: pattern"),
    ("bad_pattern", "", DEMO, "'[A-Z]{2}\\d{4}'", "'[A-Z'", "    ask:\n      type: pattern"),
    ("slow_pattern", "", DEMO, "'[A-Z]{2}\\d{4}'", "'([A-Z]+)+'", "    ask:\n      type: pattern"),
    ("not_personal", "a NPI", DEMO, "      save: npi\n      personal: yes\n", "      save: npi\n", "    ask:\n      type: npi"),
    ("not_personal", "an IFU said not to be", DEMO, "      save: ifu\n      personal: yes\n", "      save: ifu\n      personal: no\n", "    ask:\n      type: ifu"),
    ("not_personal", "a secret only said to be personal", DEMO, "      personal: secret\n", "      personal: yes\n", "    ask:\n      type: secret"),
    ("secret_type", "", DEMO, "      save: npi\n      personal: yes\n", "      save: npi\n      personal: secret\n", "    ask:\n      type: npi"),
    ("secret_not_called", "", DEMO, "    go: verif\n", "    go: mineur\n", "    ask:\n      type: secret"),
    ("choice_is_an_answer", "an age may be 1", DEMO, "    go: montant\n", "    choices:\n      non:\n        label:\n          fr: Non\n          en: No\n        go: plus_tard\n    go: montant\n", "      non:"),
    # --- texts
    ("literal_fee", "grouped digits", DEMO, NOM, "      fr: Payez 1 900 FCFA\n", "Payez"),
    ("literal_fee", "short", DEMO, NOM, "      fr: Payez 500 F.\n", "Payez"),
    ("literal_fee", "in words", DEMO, NOM, "      fr: Payez mille francs\n", "Payez"),
    ("literal_fee", "in a label", DEMO, "fr: Commencer", "fr: Commencer (500F)", "Commencer"),
    ("literal_delay", "hours", DEMO, NOM, "      fr: Sous 72h\n", "Sous 72h"),
    ("literal_delay", "days", DEMO, NOM, "      fr: Sous 3 jours\n", "Sous 3"),
    ("literal_delay", "in English", DEMO, "en: Name", "en: In 2 weeks", "In 2 weeks"),
    ("literal_delay", "in words", DEMO, NOM, "      fr: Sous deux semaines\n", "Sous deux"),
    ("no_equivalent", "Chinese", DEMO, NOM, "      fr: Nom 名\n", "名"),
    ("end_too_long", "by one character", DEMO, "fr: \"Etat: {state_label}\"", f'fr: "{"a" * 131}{{state_label}}"', '"aaa'),
    ("question_too_long", "by its error sentence", DEMO, NOM, f"      fr: {'Nom ' * 30}\n", "Nom Nom"),
    ("too_many_pages", "", DEMO, "fr: Quelle démarche ?", f"fr: {'Quelle ' * 120}", "Quelle Quelle"),
    ("label_too_long", "forty-one characters", DEMO, "fr: Commencer", f"fr: {'C' * 41}", "CCC"),
    ("submit_label_too_long", "", DEMO, '"...{npi|last4}"', '"NPI no {npi|last4} ."', "    submit:"),
    ("title_too_long", "", DEMO, "short_title:\n  fr: Essai", "short_title:\n  fr: Certificat de nationalité", "Certificat"),
    ("message_too_long", "a récépissé of two segments", MESSAGES, 'fr: "Récépissé {reference}. {service},', 'fr: "Récépissé numéro {reference}. {service},', "Récépissé numéro"),
    ("message_too_long", "an error of more than half a screen", MESSAGES, '"Réponse vide."', f'"{"a" * 81}"', "aaa"),
    ("message_too_long", "a word for a key", MESSAGES, '"Retour"', '"Revenir ici"', "Revenir ici"),
    ("unknown_message", "", MESSAGES, "error_empty:", "error_vide:", "error_vide"),
    ("missing_message", "", MESSAGES, "error_empty:", "error_vide:", "error_choice:"),
    ("message_placeholder", "", MESSAGES, '"Réponse vide."', '"Réponse vide {nom}."', "{nom}"),
    ("message_placeholder", "a list shows its labels as they are", VILLES, "cotonou: Cotonou", 'cotonou: "{nom}"', "{nom}"),
    ("message_without", "a récépissé without its number", MESSAGES, 'fr: "Récépissé {reference}. Demande', 'fr: "Récépissé. Demande', "Récépissé. Demande"),
    ("verified_but_absent", "", CATALOGUE, "  fee: 1500\n", "", "demo:"),
    ("empty_list", "", VILLES, "items:\n  cotonou: Cotonou\n  natitingou: Natitingou\n", "items: {}\n", "list"),
    # --- time
    ("screen_too_slow", "forty characters after a long question", DEMO, ASK_NOM, ASK_NOM.replace(NOM, f"      fr: {'Nom ' * 12}\n").replace("30", "40"), "  nom:\n    say"),
    ("path_too_slow", "nothing can be taken up again", DEMO, "resume: 24h\n", "", "service: demo"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "remark", "file", "old", "new", "where"), CASES)
def test_fault_names_its_line(
    code: str,
    remark: str,
    file: str,
    old: str | None,
    new: str | None,
    where: str,
    sound: dict[str, str],
    world: World,
) -> None:
    files = _broken(sound, file, old, new)

    found = check_loaded(load(files, ("fr", "en")), world)

    lines = [(fault.code, fault.mark.file, fault.mark.line) for fault in found]
    at = _file_of(files, file, where)
    assert (code, *at) in lines, remark
    for fault in found:
        assert fault.say("fr") != fault.say("en")
        assert "{" not in fault.code


def _broken(sound: dict[str, str], file: str, old: str | None, new: str | None) -> dict[str, str]:
    if new is None:
        return {name: text for name, text in sound.items() if name != file}
    if old is None:
        return {**sound, file: sound[DEMO] if new == "copy of demo.yaml" else new}
    assert old in sound[file], "the row no longer changes anything"
    return {**sound, file: sound[file].replace(old, new, 1)}


def _file_of(files: dict[str, str], file: str, where: str) -> tuple[str, int]:
    """The file and line of the words: in the changed file, or else in the demonstration service."""
    for name in (file, DEMO):
        text = files.get(name, "")
        if where in text:
            return name, text[: text.index(where)].count("\n") + 1
    raise AssertionError("the row's words stand nowhere")


def test_sound_menus_have_no_fault(sound: dict[str, str], world: World) -> None:
    loaded = load(sound, ("fr", "en"))

    assert [fault.say("en") for fault in check_loaded(loaded, world)] == []
    assert loaded.menus is not None


def test_every_code_has_a_broken_menu() -> None:
    untested = faults.sentences().keys() - {case[0] for case in CASES}

    assert untested == {"unknown_action"}, "the only action of this version is submit: see test_check.py"


def test_every_code_of_the_program_has_its_sentences() -> None:
    """Whatever code the modules give, fault_sentences.yaml says it, in both languages, with the same values."""
    used: set[str] = set()
    for module in (Path(__file__).parents[2] / "gateway" / "menu").glob("*.py"):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if name in ("fault", "Fault", "unknown", "_fault"):
                    used.add(str(node.args[0].value))

    assert used <= faults.sentences().keys()
    assert faults.sentences().keys() - used <= {"yaml", "yaml_quote"}


@pytest.mark.parametrize("code", sorted(faults.sentences()))
def test_both_languages_say_the_same_values(code: str) -> None:
    sentence = faults.sentences()[code]

    def places(key: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(sentence[key]) if name}

    assert sentence.keys() == {"fr", "fr_hint", "en", "en_hint"}
    assert places("fr") == places("en")
    assert places("fr_hint") == places("en_hint")
