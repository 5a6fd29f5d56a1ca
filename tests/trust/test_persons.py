"""What is kept of a person: shown to her, erased for her, told to her once."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import redis
from sqlalchemy import text

from gateway.messages import SubmissionState
from gateway.store import erasure_list, submissions
from gateway.store import holdings as stored
from gateway.usecases import persons, upkeep
from tests.sms.conftest import Build
from tests.trust.conftest import NPI, NUMBER, Handset, demand

VERSION = "2026-11"


def told(build: Build) -> Handset:
    from gateway import settings

    privacy = settings.load({"GATEWAY_LOCAL": "1"}).privacy.model_copy(update={"notice": VERSION})
    return Handset(build(privacy=privacy))


def close(handset: Handset, reference: str) -> None:
    gateway = handset.gateway
    with gateway.database.begin() as conn:
        submissions.set_state(
            conn, gateway.parts.seals, demand(gateway, reference).id, SubmissionState.GRANTED, gateway.now()
        )


def kept_of(handset: Handset) -> str:
    """Every value of the database, in hexadecimal where it is bytes."""
    with handset.gateway.database.read() as conn:
        from gateway.store.tables import metadata

        rows = [tuple(row) for table in metadata.tables.values() for row in conn.execute(table.select())]
    return repr([[value.hex() if isinstance(value, bytes) else value for value in row] for row in rows])


def test_the_notice_stands_before_the_first_screen_once(build: Build) -> None:
    handset = told(build)
    first = handset.dial()
    assert "chiffrées" in first.text
    assert not first.final
    assert "Choix inconnu" in handset.type("7").text
    assert "1.Acte de naissance" in handset.type("1").text
    assert "1.Acte de naissance" in handset.dial().text
    with handset.gateway.database.read() as conn:
        held = stored.held(conn, handset.gateway.parts.seals, NUMBER)
    assert held is not None
    assert held.notice == VERSION


def test_a_dialled_shortcut_leads_on_after_it(build: Build) -> None:
    handset = told(build)
    assert "chiffrées" in handset.dial(tail="22").text
    assert "Suivre une demande" in handset.type("1").text


def test_redis_lost_after_the_notice(build: Build, redis_url: str) -> None:
    handset = told(build)
    handset.dial("1", "1")
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
    assert "Votre NPI" in handset.type("1").text, "the answer to the notice is no answer to the menu"


def test_by_sms_it_follows_the_first_answer(build: Build) -> None:
    handset = told(build)
    answers = handset.says("AIDE")
    assert len(answers) == 2
    assert "chiffrées" in answers[1]
    assert len(handset.says("AIDE ACTE")) == 1


def test_a_database_that_is_away_keeps_nobody_from_the_menu(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    from gateway.store.db import StoreUnavailable, Why
    from gateway.usecases import arrivals

    handset = told(build)

    def away(*_: object) -> None:
        raise StoreUnavailable(Why.AWAY)

    monkeypatch.setattr(arrivals.arrivals, "of", away)
    assert "1.Acte de naissance" in handset.dial().text


def test_what_is_kept(handset: Handset) -> None:
    handset.files()
    handset.inbox()
    assert "1 demandes, 1 SMS" in handset.dial("5", "3", "1").text


def test_everything_kept_is_in_the_export(handset: Handset) -> None:
    reference = handset.files()
    handset.says("AIDE")
    handset.says("STOP")
    handset.dial("1", "1", "1234567899", "1")
    handset.hang_up()
    exported = json.loads(json.dumps(persons.export(handset.gateway.parts, NUMBER)))
    assert exported["number"] == NUMBER
    (one,) = exported["demands"]
    assert (one["reference"], one["fields"]["npi"]) == (reference, NPI)
    assert any(sms["text"].startswith("Récépissé") for sms in exported["sms_sent_to_the_number"])
    assert [sms["text"] for sms in exported["sms_from_the_number"]] == ["AIDE", "STOP"]
    assert {choice["subject"] for choice in exported["choices"]} == {"category:procedure", "category:information"}
    assert exported["dialogues_not_finished"][0]["service"] == "acte-naissance"


def test_forget_me_leaves_nothing_that_names_her(handset: Handset) -> None:
    reference = handset.files()
    handset.says("AIDE")
    close(handset, reference)
    seals = handset.gateway.parts.seals
    digest = stored.digest_of(seals, NUMBER)
    assert digest.hex() in kept_of(handset)
    handset.dial("5", "3", "3", "1")
    done = handset.type(handset.code())
    assert "C'est effacé" in done.text
    left = kept_of(handset)
    with handset.gateway.database.read() as conn:
        names = conn.execute(text("SELECT count(*) FROM holdings WHERE closed_at IS NULL")).scalar_one()
        fields = conn.execute(text("SELECT count(*) FROM submissions WHERE fields_sealed IS NOT NULL")).scalar_one()
        texts = conn.execute(text("SELECT count(*) FROM mos WHERE text_sealed IS NOT NULL")).scalar_one()
    assert (names, fields, texts) == (0, 0, 0)
    remaining = [row for row in left.split("], [") if digest.hex() in row]
    assert len([row for row in remaining if "citizen" not in row]) <= 4, "only counters of this day, and the erasure"
    (erasure,) = erasure_list.read(handset.gateway.settings.data / erasure_list.NAME)
    assert erasure.digest == digest
    handset.texter.later(days=3)
    upkeep.sweep(handset.gateway.parts)
    assert len([row for row in kept_of(handset).split("], [") if digest.hex() in row]) == 1, "the erasure itself"


def test_a_demand_under_way_goes_when_it_is_answered(handset: Handset) -> None:
    reference = handset.files()
    counts = persons.erase(handset.gateway.parts, NUMBER, "person")
    assert counts.left == 1
    assert handset.holding() is not None, "its answer must still reach her"
    handset.texter.later(hours=1)
    close(handset, reference)
    upkeep.sweep(handset.gateway.parts)
    handset.texter.later(hours=1)
    upkeep.sweep(handset.gateway.parts)
    with handset.gateway.database.read() as conn:
        assert conn.execute(text("SELECT count(*) FROM submissions WHERE fields_sealed IS NOT NULL")).scalar_one() == 0
        assert stored.held(conn, handset.gateway.parts.seals, NUMBER) is None


def test_an_erasure_is_replayed_on_an_older_copy(handset: Handset) -> None:
    reference = handset.files()
    close(handset, reference)
    digest, at = stored.digest_of(handset.gateway.parts.seals, NUMBER), handset.texter.clock.now
    handset.texter.later(days=1)
    counts = persons.erase_digest(handset.gateway.parts, digest, at, "replayed")
    assert (counts.holdings, counts.demands) == (1, 1)
    assert persons.erase_digest(handset.gateway.parts, digest, at, "replayed").demands == 0, "twice does no harm"


def test_keys_still_belong_to_a_database_whose_first_and_last_person_was_erased(handset: Handset) -> None:
    from gateway import wiring
    from gateway.store import key_check

    reference = handset.files()
    close(handset, reference)
    persons.erase(handset.gateway.parts, NUMBER, "person")
    samples = key_check.samples(wiring.database_url(handset.gateway.settings))
    assert samples
    assert key_check.belong(handset.gateway.parts.seals, samples)


def test_how_much_was_forgotten_is_counted_by_day(handset: Handset) -> None:
    handset.says("AIDE")
    handset.texter.later(days=31)
    upkeep.sweep(handset.gateway.parts)
    with handset.gateway.database.read() as conn:
        kinds = {row[0]: row[1] for row in conn.execute(text("SELECT kind, count FROM daily"))}
    assert kinds["erased:mos"] == 1
    assert kinds["erased:texts"] == 1


def test_a_number_whose_holding_ended_long_ago_is_forgotten(handset: Handset) -> None:
    reference = handset.files()
    close(handset, reference)
    digest = stored.digest_of(handset.gateway.parts.seals, NUMBER)
    handset.texter.later(days=91)
    upkeep.sweep(handset.gateway.parts)
    handset.texter.later(days=366)
    upkeep.sweep(handset.gateway.parts)
    upkeep.sweep(handset.gateway.parts)
    assert digest.hex() not in kept_of(replace(handset))
