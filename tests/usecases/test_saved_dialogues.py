from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.engine.session import State
from gateway.usecases import saved_dialogues
from gateway.usecases.upkeep import sweep


def state(menus, **more: object) -> State:
    values = {"npi": ("1234564412",)}
    return State(menus=menus.version, language="fr", service="acte-naissance", screen="commune", values=values, **more)


@pytest.fixture
def saved(bench, caller):
    menus = bench.parts.shelf.current
    saved_dialogues.save(bench.parts, menus, state(menus), caller)
    waiting = saved_dialogues.latest(bench.parts, caller)
    assert waiting is not None
    return waiting


def test_taken_up_once_by_its_number(bench, saved, caller, other):
    assert (saved.service, saved.screen, saved.language) == ("acte-naissance", "commune", "fr")
    assert saved_dialogues.latest(bench.parts, other) is None
    assert saved_dialogues.take(bench.parts, saved.id, other) is None
    assert saved_dialogues.take(bench.parts, saved.id, caller) == state(bench.parts.shelf.current)
    assert saved_dialogues.take(bench.parts, saved.id, caller) is None
    assert saved_dialogues.latest(bench.parts, caller) is None


def test_taken_once_by_many_at_once(bench, saved, caller):
    with ThreadPoolExecutor(8) as threads:
        taken = list(threads.map(lambda _: saved_dialogues.take(bench.parts, saved.id, caller), range(8)))
    assert sum(one is not None for one in taken) == 1


@pytest.mark.parametrize(("hours", "there"), [(71.9, True), (72, False)])
def test_it_expires_as_its_service_says(bench, saved, caller, hours, there):
    bench.later(hours=hours)
    assert (saved_dialogues.latest(bench.parts, caller) is not None) is there
    assert sweep(bench.parts)["dialogues_forgotten"] == (0 if there else 1)


@pytest.mark.parametrize(
    ("change", "remark"),
    [({"values": {}}, "nothing was answered"), ({"service": "infos"}, "cannot be resumed"), ({"service": "x"}, "gone")],
)
def test_what_is_not_kept(sqlite_bench, caller, change, remark):
    from msgspec.structs import replace

    menus = sqlite_bench.parts.shelf.current
    saved_dialogues.save(sqlite_bench.parts, menus, replace(state(menus), **change), caller)
    assert saved_dialogues.latest(sqlite_bench.parts, caller) is None
