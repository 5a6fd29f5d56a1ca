"""What `check` accepts, the engine can walk: paths without a screen, numbers, sizes, values that may be missing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.engine import walk
from gateway.menu import check_targets
from gateway.menu.check import World, check_loaded
from gateway.menu.load import load
from gateway.settings import Network


def codes(sound: dict[str, str], world: World, *changes: tuple[str, str], **files: str) -> set[str]:
    demo = sound["demo.yaml"]
    for old, new in changes:
        assert old in demo, "the change changes nothing"
        demo = demo.replace(old, new, 1)
    main = sound["main.yaml"]
    for number, name in enumerate(files, 81):
        main = main.replace("shortcuts:\n", f"shortcuts:\n  {number}: {name}\n")
    named = {f"{name}.yaml": text for name, text in files.items()}
    loaded = load({**sound, "demo.yaml": demo, "main.yaml": main, **named}, ("fr", "en"))
    return {fault.code for fault in check_loaded(loaded, world)}


def silent(count: int, last: str) -> str:
    """So many `when` screens in a row, then `last`."""
    return "".join(
        f"  t{n}:\n    when:\n      - else: {f't{n + 1}' if n + 1 < count else last}\n" for n in range(count)
    )


def service(id_: str, target: str) -> str:
    return f"service: {id_}\ntitle:\n  fr: A\n  en: B\nstart: x\nscreens:\n  x:\n    when:\n      - else: {target}\n"


@pytest.mark.parametrize(("count", "fits"), [(walk.MAX_STEPS - 2, True), (walk.MAX_STEPS - 1, False)])
def test_screens_that_show_nothing_are_counted(count: int, fits: bool, sound: dict[str, str], world: World) -> None:
    """`verif` and `tri` come before, as the engine counts them."""
    chain = ("  mineur:\n", silent(count, "mineur") + "  mineur:\n")
    found = codes(sound, world, ("      - else: mineur", "      - else: t0"), chain)
    assert found == (set() if fits else {"too_many_steps"})


def test_the_check_and_the_engine_count_alike() -> None:
    assert check_targets.MAX_STEPS == walk.MAX_STEPS


def test_two_services_that_send_each_other_on(sound: dict[str, str], world: World) -> None:
    found = codes(sound, world, aa=service("aa", "service:bb"), bb=service("bb", "service:aa"))
    assert found == {"silent_loop"}


def test_a_list_that_is_empty_and_leads_to_itself(sound: dict[str, str], world: World) -> None:
    again = ("      empty: plus_tard\n", "      empty: liste\n")
    assert codes(sound, world, again) == {"silent_loop"}


def test_a_list_counts_among_the_operations(sound: dict[str, str], world: World) -> None:
    lookups = "".join(
        f"  l{n}:\n    lookup:\n      from: cadastre\n    outcomes:\n      ok: {'liste' if n == 4 else f'l{n + 1}'}\n"
        "      unavailable: plus_tard\n"
        for n in range(1, 5)
    )
    changes = [("        go: liste\n", "        go: l1\n"), ("\n  liste:\n", f"\n{lookups}  liste:\n")]
    assert codes(sound, world, *changes) == {"too_many_needs"}


def test_many_branches_are_checked_at_once(sound: dict[str, str], world: World) -> None:
    """Every path of this graph would be millions; looked at one by one they would take for ever."""
    diamonds = "".join(
        f"  t{n}:\n    when:\n      - if: age > {n}\n        go: a{n}\n      - else: b{n}\n"
        + "".join(f"  {side}{n}:\n    when:\n      - else: {f't{n + 1}' if n < 29 else 'mineur'}\n" for side in "ab")
        for n in range(30)
    )
    loops = "".join(
        f"  c{n}:\n    when:\n"
        + "".join(f"      - if: age > {other}\n        go: c{other}\n" for other in range(20))
        + "      - else: mineur\n"
        for n in range(20)
    )
    go = ("      - else: mineur", "      - if: age > 90\n        go: c0\n      - else: t0")
    found = codes(sound, world, go, ("  mineur:\n", diamonds + loops + "  mineur:\n"))
    assert found == {"silent_loop"}


@pytest.mark.parametrize(("count", "fits"), [(150, True), (3000, False)])
def test_a_service_of_very_many_screens(count: int, fits: bool, sound: dict[str, str], world: World) -> None:
    screens = "".join(
        f"  t{n}:\n    say:\n      fr: a\n      en: b\n    choices:\n      x:\n        label:\n          fr: a\n"
        f"          en: b\n        go: {f't{n + 1}' if n + 1 < count else 'mineur'}\n"
        for n in range(count)
    )
    go = ("      - else: mineur", "      - else: t0")
    found = codes(sound, world, go, ("  mineur:\n", screens + "  mineur:\n"))
    assert found == (set() if fits else {"too_many_screens"})


def choices(count: int) -> str:
    return "".join(
        f"      c{n}:\n        label:\n          fr: a\n          en: b\n        go: plus_tard\n" for n in range(count)
    )


@pytest.mark.parametrize(("count", "fits"), [(29, True), (30, False)])
def test_numbers_of_choices_stay_clear_of_the_keys(count: int, fits: bool, sound: dict[str, str], world: World) -> None:
    found = codes(sound, world, ("        go: envoi\n", "        go: envoi\n" + choices(count)))
    assert found == (set() if fits else {"too_many_choices"})


@pytest.mark.parametrize(
    ("conditions", "expected", "remark"),
    [
        (['age > "3"'], {"no_sure_choice"}, "its only choice may be hidden"),
        (['language == "fr"', 'language == "en"'], set(), "one of them is always there"),
        (['language == "fr"'], {"no_sure_choice"}, "nothing is left in English"),
        (["age > 3", "age <= 3"], {"no_sure_choice"}, "what a person sees as complete, a program does not"),
    ],
)
def test_a_screen_whose_choices_may_all_be_hidden(
    conditions: list[str], expected: set[str], remark: str, sound: dict[str, str], world: World
) -> None:
    first, *others = conditions
    more = "".join(
        f"      z{n}:\n        when: {each}\n        label:\n          fr: a\n          en: b\n        go: envoi\n"
        for n, each in enumerate(others)
    )
    change = ("      oui:\n", f"{more}      oui:\n        when: {first}\n")
    assert codes(sound, world, change) == expected, remark


@pytest.mark.parametrize(("most", "fits"), [("999999999", True), ("1000000000", False)])
def test_an_amount_is_never_larger_than_what_is_shown(
    most: str, fits: bool, sound: dict[str, str], world: World
) -> None:
    assert codes(sound, world, ("max: 50000", f"max: {most}")) == (set() if fits else {"max_too_large"})


@pytest.mark.parametrize(("size", "fits"), [(80, True), (81, False)])
def test_an_error_sentence_keeps_to_half_a_screen(size: int, fits: bool, sound: dict[str, str], world: World) -> None:
    """The engine gives it no more."""
    found = codes(sound, world, ("fr: Tapez un nombre.", "fr: " + "a" * size))
    assert found == (set() if fits else {"error_too_long"})


def test_an_error_sentence_is_measured_with_its_values(sound: dict[str, str], world: World) -> None:
    change = ("fr: Tapez un nombre.", 'fr: "{nom} {nom} {nom}"')
    assert codes(sound, world, change) == {"error_too_long"}, "three names of 30"


@pytest.mark.parametrize(
    ("condition", "expected", "remark"),
    [
        ('ville in ("cotonou", "natitingou")', set(), "ids"),
        ('ville == "Cotonou"', {"unknown_item"}, "the label"),
        ('ville in ("cotonou", "abomey")', {"unknown_item"}, "not in the list"),
        ('ville != "cotonu"', {"unknown_item"}, "a typo"),
        ('not "cotonu" == ville', {"unknown_item"}, "the other way round"),
        ('language == "eng"', {"unknown_item"}, "no language"),
        ('nom == "Cotonou"', set(), "a typed answer may be anything"),
    ],
)
def test_a_condition_compares_with_what_can_be(
    condition: str, expected: set[str], remark: str, sound: dict[str, str], world: World
) -> None:
    change = ('if: age >= 18 and ville in ("cotonou", "natitingou")', f"if: {condition}")
    assert codes(sound, world, change) == expected, remark


@pytest.mark.parametrize(("size", "fits"), [(160, True), (161, False)])
def test_the_text_for_sms_is_measured(size: int, fits: bool, sound: dict[str, str], world: World) -> None:
    end = '    end:\n      fr: "{nom}, il faut être majeur."\n      en: "{nom}, you must be of age."\n'
    apart = (
        "    end:\n      ussd:\n        fr: a\n        en: b\n      sms:\n        fr: "
        + "a" * size
        + "\n        en: b\n"
    )
    assert codes(sound, world, (end, apart)) == (set() if fits else {"end_too_long"})


def test_a_screen_too_slow_everywhere_is_said_once(sound: dict[str, str], world: World) -> None:
    slow = {name: Network(idle_s=10) for name in ("MTN", "Moov", "?")}
    found = check_loaded(load(sound, ("fr", "en")), replace(world, networks=slow))
    lines = [fault.mark.line for fault in found if fault.code == "screen_too_slow"]
    assert lines
    assert len(lines) == len(set(lines))


def test_a_path_too_slow_everywhere_is_said_once(sound: dict[str, str], world: World) -> None:
    sound["demo.yaml"] = sound["demo.yaml"].replace("resume: 24h\n", "")
    slow = {"MTN": Network(session_s=50), "Moov": Network(session_s=60), "?": Network(session_s=50)}
    found = check_loaded(load(sound, ("fr", "en")), replace(world, networks=slow))
    assert [(fault.code, fault.params["network"]) for fault in found if "slow" in fault.code] == [
        ("path_too_slow", "MTN")
    ]


def test_the_network_that_nobody_named_has_a_name(sound: dict[str, str], world: World) -> None:
    slow = {"MTN": Network(), "?": Network(idle_s=10)}
    found = check_loaded(load(sound, ("fr", "en")), replace(world, networks=slow))
    assert any("réseau inconnu" in fault.say("fr") and "unknown network" in fault.say("en") for fault in found)
    assert not any(" ? " in fault.say("en") for fault in found)


def test_a_secret_that_leaves_its_service_is_lost(sound: dict[str, str], world: World) -> None:
    found = codes(sound, world, ("      max: 6\n    go: verif", "      max: 6\n    go: accueil"))
    assert "secret_not_called" in found


@pytest.mark.parametrize(("values", "expected"), [({"niveau"}, set()), ({"autre"}, {"unknown_saved"})])
def test_a_handler_gives_what_it_declares(
    values: set[str], expected: set[str], sound: dict[str, str], world: World
) -> None:
    declared = replace(world, handler_values={"demo.verifie": frozenset(values)})
    assert codes(sound, declared) == expected
