"""The templates of the demonstration are as good as anybody's."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.messages import RowState
from gateway.settings import Institution
from gateway.usecases import demo_templates, template_measures, templates
from gateway.usecases.campaigns import Recipient
from gateway.usecases.template_draft import Draft, body_of
from tests.campaigns.conftest import AWA, READER, A, Town


@pytest.mark.parametrize("draft", demo_templates.ALL, ids=lambda one: one.name)
def test_nothing_is_wrong_with_them(sqlite_town: Town, draft: Draft) -> None:
    assert templates.faults(sqlite_town.parts, READER, A, draft) == ()
    sender = sqlite_town.parts.settings.sender_of("s")
    assert [one.segments for one in template_measures.of_body(body_of(draft), "plain", sender)] == [1, 1]


def test_made_once_and_only_in_the_demonstration(build: Any, sqlite_database: Any) -> None:
    town = build(sqlite_database)
    parts = town.parts
    assert demo_templates.make(parts.database, parts.settings, town.bench.time) == 0
    alone = {A: Institution(name={"fr": "ANIP"}, senders=("anip",), budget_f=1000)}
    there = parts.settings.model_copy(update={"local": True, "institutions": alone})
    assert demo_templates.make(parts.database, there, town.bench.time) == len(demo_templates.ALL)
    assert demo_templates.make(parts.database, there, town.bench.time) == 0
    first, trial, second = templates.list_(parts, READER, A)
    assert (first.name, first.sender) == ("Acte prêt", "anip")
    assert (trial.name, second.name) == ("Démonstration", "Enrôlement de proximité")
    values = {"nom": "Awa", "reference": "4821 0937 5628"}
    public_id = town.start(template=first.id, source="single", recipients=(Recipient(AWA, values),))
    assert [(row.state, row.code) for row in town.rows(public_id)] == [(RowState.GOOD, "")]
