"""What a table of broken menus cannot show: boundaries, the world around, times, graphs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.menu import graph
from gateway.menu.check import Source, World, check, check_loaded
from gateway.menu.check_questions import could_be
from gateway.menu.load import Loaded, load
from gateway.menu.model import Ask, AskType, Mark, Service
from gateway.menu.report import report
from gateway.menu.times import longest_path
from gateway.settings import Network

MARK = Mark("x.yaml", 1)


def codes(loaded: Loaded, world: World) -> set[str]:
    return {fault.code for fault in check_loaded(loaded, world)}


@pytest.fixture
def demo(sound: dict[str, str]) -> Service:
    return load(sound, ("fr", "en")).draft.services["demo"]


def test_an_action_that_is_not_there(sound: dict[str, str], world: World) -> None:
    assert codes(load(sound, ("fr", "en")), replace(world, actions={})) == {"unknown_action"}


def test_a_system_that_is_not_there(sound: dict[str, str], world: World) -> None:
    assert codes(load(sound, ("fr", "en")), replace(world, systems=frozenset())) == {"unknown_system"}


@pytest.mark.parametrize(
    ("network", "expected", "remark"),
    [
        (Network(session_s=120), set(), "as in the other tests"),
        (Network(max_septets=60), {"question_too_long", "message_too_long"}, "a narrow screen"),
        (Network(alphabet="ucs2"), {"question_too_long"}, "160 septets are 140 octets: 70 units"),
        (Network(idle_s=26), set(), "the slowest screen takes a little less"),
        (Network(idle_s=20), {"screen_too_slow"}, "and more than this"),
    ],
)
def test_networks_decide(
    network: Network, expected: set[str], remark: str, sound: dict[str, str], world: World
) -> None:
    found = codes(load(sound, ("fr", "en")), replace(world, networks={"N": network}))
    assert expected <= found, remark
    assert not found - expected - {"end_too_long", "too_many_pages"}, remark


@pytest.mark.parametrize(("extra", "fits"), [(0, True), (1, False)])
def test_an_end_fits_to_the_last_character(extra: int, fits: bool, sound: dict[str, str], world: World) -> None:
    said = "a" * (160 - 30 + extra) + "{state_label}"
    sound["demo.yaml"] = sound["demo.yaml"].replace("Etat: {state_label}", said)
    assert (codes(load(sound, ("fr", "en")), world) == set()) is fits


def test_a_euro_counts_two(sound: dict[str, str], world: World) -> None:
    for sign, expected in (("e", set()), ("€", {"end_too_long"})):
        said = "a" * 129 + sign + "{state_label}"
        changed = {**sound, "demo.yaml": sound["demo.yaml"].replace("Etat: {state_label}", said)}
        assert codes(load(changed, ("fr", "en")), world) == expected


@pytest.mark.parametrize(
    ("type_", "minimum", "maximum", "digits", "could", "remark"),
    [
        ("text", None, 30, "1", True, "one character may be a text"),
        ("text", 2, 30, "1", False, "too short"),
        ("text", 2, 30, "10", True, "the tenth choice"),
        ("digits", 4, 4, "1", False, ""),
        ("digits", 1, 3, "1", True, ""),
        ("amount", 100, None, "9", False, ""),
        ("amount", 100, None, "100", True, ""),
        ("amount", None, 5, "6", False, ""),
        ("npi", None, None, "1", False, "ten digits are wanted"),
        ("date", None, None, "1", False, ""),
        ("secret", 4, 6, "1", False, ""),
    ],
)
def test_a_number_that_could_be_an_answer(
    type_: AskType, minimum: int | None, maximum: int | None, digits: str, could: bool, remark: str
) -> None:
    ask = Ask(type_, "x", "y", MARK, minimum=minimum, maximum=maximum)
    assert could_be(ask, digits, r"^\d{10}$") is could, remark


def test_what_is_kept_on_every_path(demo: Service) -> None:
    kept = graph.kept_before(demo)
    assert kept["debut"] == frozenset()
    assert {"nom", "age", "npi", "niveau"} <= kept["recap"]
    assert "pin" not in kept["verif"], "a secret is never kept"
    assert {"reference", "promised_date"} <= kept["ok"]
    assert kept["plus_tard"] == frozenset(), "reached from the first question too"
    assert "state_label" in kept["montre"]


def test_the_longest_path_is_not_the_shortest(demo: Service) -> None:
    seconds, path = longest_path(demo, dict.fromkeys(demo.screens, 1.0))
    assert path[0] == "debut"
    assert path[-1] in {"ok", "plus_tard"}
    assert seconds == len(path) == len(set(path))


def test_a_path_with_a_loop_is_measured_once(demo: Service) -> None:
    seconds, path = longest_path(replace(demo, start="etat"), dict.fromkeys(demo.screens, 1.0))
    assert seconds <= 4
    assert path[0] == "etat"


def test_a_system_s_own_source_may_answer_anything(sound: dict[str, str], world: World) -> None:
    sound["demo.yaml"] = sound["demo.yaml"].replace("from: submission_status", "from: cadastre")
    assert codes(load(sound, ("fr", "en")), world) == set()
    known = replace(world, sources={**world.sources, "cadastre": Source(outcomes=("ok",))})
    assert codes(load(sound, ("fr", "en")), known) == {"missing_outcome", "unknown_outcome", "only_for_systems"}


def test_a_report_line_is_what_editors_follow(sound: dict[str, str], world: World) -> None:
    sound["demo.yaml"] = sound["demo.yaml"].replace("go: age\n", "go: agee\n")
    line = report(check_loaded(load(sound, ("fr", "en")), world), "en").splitlines()[0]
    assert line.startswith("menus/demo.yaml:")
    assert '[unknown_target] The screen "agee" does not exist.' in line
    assert line.endswith('Did you mean "age"?')


def test_menus_alone_can_be_checked(sound: dict[str, str], world: World) -> None:
    menus = load(sound, ("fr", "en")).menus
    assert menus is not None
    assert check(menus, world) == ()
