"""Whole lives of demands, as citizens and institutions live them, leave histories and data that fit each other."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import text

from gateway.store import submission_events
from gateway.store.audit import Tally
from gateway.usecases import audit, persons, upkeep
from gateway.usecases.audit import Report
from tests.trust.conftest import NPI, NUMBER, OTHER, Handset, demand

LAST4 = NPI[-4:]


def flaws(handset: Handset) -> list[str]:
    return [flaw.code for flaw in audit.verify(handset.gateway.parts, Report(Tally()))]


def kinds(handset: Handset, reference: str) -> list[tuple[str, str]]:
    with handset.gateway.database.read() as conn:
        events = submission_events.of(conn, demand(handset.gateway, reference).id)
    return [(one.kind, one.code) for one in events]


def test_filed_taken_over_withdrawn_erased(handset: Handset, stranger: Handset) -> None:
    reference = handset.files()
    assert flaws(handset) == []
    assert "C'est fait" in stranger.dial("2", "4", reference, LAST4).text
    assert flaws(handset) == []
    handset.texter.later(days=4)
    stranger.dial("2", "3", "1", "1")
    assert "retirée" in stranger.type(stranger.code()).text
    assert flaws(handset) == []
    persons.erase(handset.gateway.parts, NUMBER, "op")
    persons.erase(handset.gateway.parts, OTHER, "op")
    assert flaws(handset) == []
    for _ in range(2):
        handset.texter.later(minutes=2)
        upkeep.sweep(handset.gateway.parts)
        assert flaws(handset) == []
    assert [kind for kind, _ in kinds(handset, reference)] == ["received", "moved", "withdrawn", "erased"]


def test_agreed_by_the_person_it_is_for(handset: Handset, stranger: Handset) -> None:
    handset.dial("1", "3", "2", "2", "1234567891", "1", "1")
    assert flaws(handset) == []


def test_data_altered_before_a_demand_moves_stay_found_after_it(handset: Handset, stranger: Handset) -> None:
    reference = handset.files()
    with handset.gateway.database.begin() as conn:
        conn.execute(text("UPDATE submissions SET language = 'en'"))
    assert flaws(handset) == ["data_altered"]
    assert "C'est fait" in stranger.dial("2", "4", reference, LAST4).text
    assert kinds(handset, reference)[1] == ("moved", "altered")
    assert flaws(handset) == ["data_were_altered"]
    assert "no longer fitted" in audit.sentence(next(audit.verify(handset.gateway.parts, Report(Tally()))))


def test_what_is_due_is_erased_and_stays_whole(handset: Handset) -> None:
    reference = handset.files()
    with handset.gateway.database.begin() as conn:
        at = handset.gateway.now() - timedelta(seconds=1)
        conn.execute(
            text("UPDATE submissions SET state = 'withdrawn', erase_after = :at"), {"at": f"{at:%Y-%m-%d %H:%M:%S.%f}"}
        )
    upkeep.sweep(handset.gateway.parts)
    assert kinds(handset, reference)[-1] == ("erased", "")
    assert flaws(handset) == []
