"""Templates: who may write them, what is refused, and that nothing which was sent ever changes."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.messages import Category, Role
from gateway.usecases import campaigns, templates
from gateway.usecases.actors import Absent, Actor
from gateway.usecases.campaigns import NewCampaign, Recipient
from gateway.usecases.templates import Draft, TemplateRefused
from tests.campaigns.conftest import AWA, KOFI, READER, SENDER, A, B, Town

AUTHOR = Actor("author@anip", A, frozenset({Role.AUTHOR}), person_id=7)
FOREIGNER = Actor("author@mairie", B, frozenset({Role.AUTHOR}), person_id=8)


def draft(text: str = "Bonjour {nom}, votre acte est prêt.", **more: Any) -> Draft:
    given: dict[str, Any] = {"name": "Acte prêt", "category": Category.PROCEDURE, "texts": {"fr": text}}
    return Draft(**given | more)


def faults(town: Town, one: Draft) -> list[tuple[str, str, int | None]]:
    with pytest.raises(TemplateRefused) as caught:
        templates.create(town.parts, AUTHOR, A, one)
    for fault in caught.value.faults:
        said = {fault.sentence(language) for language in ("fr", "en")}
        assert len(said) == 2
    return [(fault.field, fault.code, fault.place) for fault in caught.value.faults]


def test_made_listed_opened(town: Town) -> None:
    made = templates.create(
        town.parts,
        AUTHOR,
        A,
        draft(
            "  Bonjour {nom}[, le {date}]. ",
            texts={"en": "Hello {nom}", "fr": "Bonjour {nom}[, le {date}]. \r\nMerci"},
            languages=("fr", "en"),
            sizes={"nom": 20, "gone": 9},
            examples={"nom": " Awa ", "date": ""},
            sender="anip",
            policy="shortest",
            category=Category.VITAL,
        ),
    )
    assert (made.number, made.latest, made.retired) == (1, 1, False)
    assert dict(made.body.texts) == {"fr": "Bonjour {nom}[, le {date}]. \nMerci", "en": "Hello {nom}"}
    assert made.body.languages == ("fr", "en")
    assert dict(made.placeholders) == {"nom": 20, "date": 30}
    assert dict(made.body.examples) == {"nom": "Awa"}
    assert made.needed == ("nom",)
    (line,) = templates.list_(town.parts, READER, A)
    assert (line.id, line.name, line.number, line.sender, line.policy) == (made.id, "Acte prêt", 1, "anip", "shortest")
    assert line.languages == ("fr", "en")
    assert templates.open_(town.parts, READER, made.id) == made


def test_letters_are_stored_composed(town: Town) -> None:
    made = templates.create(town.parts, AUTHOR, A, draft("pre\u0302t"))
    assert made.body.texts["fr"] == "prêt"


def test_each_change_is_a_version_and_the_old_ones_stay(town: Town) -> None:
    first = templates.create(town.parts, AUTHOR, A, draft())
    town.bench.later(hours=1)
    changes = {"category": Category.INFORMATION, "sender": "anip", "policy": "exact"}
    second = templates.revise(town.parts, AUTHOR, first.id, draft("Autre {nom}", name="", **changes))
    assert (second.id, second.number, second.latest, second.name) == (first.id, 2, 2, "Acte prêt")
    assert second.version_id != first.version_id
    assert templates.revise(town.parts, AUTHOR, first.id, draft("Autre {nom} ", **changes)) == second  # nothing new
    again = templates.open_(town.parts, AUTHOR, first.id, 1)
    assert (again.body, again.category, again.sender, again.policy) == (first.body, Category.PROCEDURE, None, "plain")
    assert (again.created_at, again.latest) == (first.created_at, 2)
    assert [one.number for one in templates.versions(town.parts, READER, first.id)] == [2, 1]
    assert [one.number for one in templates.list_(town.parts, READER, A)] == [2]
    with pytest.raises(Absent):
        templates.open_(town.parts, AUTHOR, first.id, 3)


def test_two_who_revise_at_once(town: Town) -> None:
    made = templates.create(town.parts, AUTHOR, A, draft())
    templates.revise(town.parts, AUTHOR, made.id, draft("Un", based_on=1))
    with pytest.raises(TemplateRefused) as caught:
        templates.revise(town.parts, AUTHOR, made.id, draft("Deux", based_on=1))
    assert [one.code for one in caught.value.faults] == ["changed"]
    assert templates.open_(town.parts, AUTHOR, made.id).body.texts["fr"] == "Un"


def test_an_sms_keeps_the_version_that_it_was_written_from(town: Town) -> None:
    made = templates.create(town.parts, AUTHOR, A, draft("Un {nom}", policy="exact"))
    start = NewCampaign(template_id=made.id, source="list", recipients=(Recipient(AWA, {"nom": "Awa"}),))
    one = campaigns.start(town.parts, SENDER, A, start)
    templates.revise(town.parts, AUTHOR, made.id, draft("Deux {nom} {date}", category=Category.INFORMATION))
    again = Recipient(KOFI, {"nom": "Kofi", "date": "12/05"})
    two = campaigns.start(town.parts, SENDER, A, NewCampaign(template_id=made.id, source="list", recipients=(again,)))
    templates.retire(town.parts, AUTHOR, made.id)
    for public_id in (one, two):
        campaigns.send(town.parts, SENDER, public_id)
    town.work()
    assert sorted(town.texts()) == [(KOFI, "Deux Kofi 12/05"), (AWA, "Un Awa")]  # two campaigns at once, in no order
    assert town.stored(one).version_id == made.version_id


def test_retired(town: Town) -> None:
    made = templates.create(town.parts, AUTHOR, A, draft())
    templates.retire(town.parts, AUTHOR, made.id)
    templates.retire(town.parts, AUTHOR, made.id)
    assert templates.list_(town.parts, READER, A) == ()
    assert [one.id for one in templates.list_(town.parts, READER, A, retired=True)] == [made.id]
    assert templates.open_(town.parts, READER, made.id).retired
    with pytest.raises(TemplateRefused):
        templates.revise(town.parts, AUTHOR, made.id, draft("x"))
    with pytest.raises(campaigns.CampaignRefused):
        town.start(AWA, template=made.id)
    assert faults(town, draft()) == [("name", "taken", None)]


def test_who_may_not_finds_nothing(town: Town) -> None:
    made = templates.create(town.parts, AUTHOR, A, draft())
    for actor in (FOREIGNER, Actor("x", None, frozenset({Role.ADMINISTRATOR, Role.AUDITOR}))):
        for act in (
            lambda: templates.list_(town.parts, actor, A),  # noqa: B023 - called at once
            lambda: templates.open_(town.parts, actor, made.id),  # noqa: B023
            lambda: templates.versions(town.parts, actor, made.id),  # noqa: B023
            lambda: templates.create(town.parts, actor, A, draft()),  # noqa: B023
            lambda: templates.revise(town.parts, actor, made.id, draft()),  # noqa: B023
            lambda: templates.retire(town.parts, actor, made.id),  # noqa: B023
            lambda: templates.measured(town.parts, actor, A, draft()),  # noqa: B023
            lambda: templates.faults(town.parts, actor, A, draft()),  # noqa: B023
        ):
            with pytest.raises(Absent):
                act()
    with pytest.raises(Absent):
        templates.create(town.parts, READER, A, draft())
    with pytest.raises(Absent):
        templates.open_(town.parts, AUTHOR, 999_999)
    assert templates.list_(town.parts, FOREIGNER, B) == ()
    assert templates.create(town.parts, FOREIGNER, B, draft()).institution == B  # the same name elsewhere
