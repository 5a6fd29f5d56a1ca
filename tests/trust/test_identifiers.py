"""Typing an identifier proves nothing, and finds nothing out."""

from __future__ import annotations

import re

from gateway.backoffice.base import LookupResult
from gateway.engine.outcomes import Lookup
from gateway.usecases import system_answers
from gateway.usecases.caller import Caller
from tests.trust.conftest import Handset
from tests.usecases.conftest import Bench

NPIS = [f"12345678{number:02}" for number in range(12)]


def test_ten_identifiers_a_day(handset: Handset) -> None:
    for npi in NPIS[:10]:
        assert handset.dial("1", "1", npi, "1", "1").final
    refused = handset.dial("1", "1", NPIS[10], "1", "1")
    assert "Trop de numéros différents" in refused.text
    assert "déjà en cours" in handset.dial("1", "1", NPIS[0], "1", "1").text, "the same one again costs nothing"
    handset.texter.later(days=1)
    assert "déposée" in handset.dial("1", "1", NPIS[10], "1", "1").text


def test_twenty_foreign_references_an_hour(handset: Handset, stranger: Handset) -> None:
    reference = handset.files()
    for _ in range(20):
        assert "Le détail" in stranger.dial("2", "2", reference).text
    assert "Trop de récépissés" in stranger.dial("2", "2", reference).text
    assert "Acte" in handset.dial("2", "2", reference).text, "one's own are not counted"


def test_a_fact_is_shown_only_when_the_institution_confirms_the_pair(sqlite_bench: Bench, caller: Caller) -> None:
    parts, office = sqlite_bench.parts, sqlite_bench.office
    asked = Lookup("dossier", {"npi": "1234567890"}, ("1234567890",))

    def said(result: LookupResult) -> object:
        office.reading = result
        return system_answers.from_system(parts, "etat-civil", asked, caller, 5.0)

    fact = {"nom": "A. B."}
    assert said(LookupResult("found", fact)) == said(LookupResult("unknown")), "unconfirmed and unknown: one answer"
    confirmed = said(LookupResult("found", fact, confirmed=True))
    assert getattr(confirmed, "values", {})["nom"].raw == "A. B."
    for npi in NPIS[:9]:
        system_answers.from_system(parts, "etat-civil", Lookup("dossier", {"npi": npi}, (npi,)), caller, 5.0)
    one_more = Lookup("dossier", {"npi": NPIS[11]}, (NPIS[11],))
    over = system_answers.from_system(parts, "etat-civil", one_more, caller, 5.0)
    assert over.closing == "too_many_identifiers"


def test_what_is_no_identifier_is_not_counted(sqlite_bench: Bench, caller: Caller) -> None:
    sqlite_bench.office.reading = LookupResult("found", {"jour": "12/12"})
    for commune in range(30):
        answer = system_answers.from_system(
            sqlite_bench.parts, "etat-civil", Lookup("heures", {"commune": commune}), caller, 5.0
        )
        assert answer.outcome == "found"


def test_nobody_learns_that_an_npi_has_a_demand(handset: Handset, stranger: Handset) -> None:
    """Nor keeps its holder from making one, by being first."""
    fresh = stranger.dial("1", "1", NPIS[1], "1", "1").text
    handset.dial("1", "1", NPIS[0], "1", "1")
    taken = stranger.dial("1", "1", NPIS[0], "1", "1").text
    assert re.sub(r"\d", "#", taken) == re.sub(r"\d", "#", fresh)
    assert "déjà en cours" in stranger.dial("1", "1", NPIS[0], "1", "1").text, "it is hers by now"


def test_a_proposal_that_waits_does_not_stand_in_her_way(handset: Handset, stranger: Handset) -> None:
    proposed = ("1", "3", "1", "0166000000", "1", NPIS[0], "1", "1")
    handset.dial(*proposed)
    assert "répond OUI" in handset.type(handset.code()).text
    assert "déposée" in stranger.dial("1", "1", NPIS[0], "1", "1").text
    handset.dial(*proposed)
    assert "déjà en cours" in handset.type(handset.code()).text, "he asked already"


def test_a_helper_does_not_learn_that_she_has_a_demand(handset: Handset, stranger: Handset) -> None:
    stranger.dial("1", "1", NPIS[0], "1", "1")
    handset.dial("1", "3", "1", "0166000000", "1", NPIS[0], "1", "1")
    assert "répond OUI" in handset.type(handset.code()).text
