"""What is kept of a person: shown to her, erased for her, told to her once."""

from __future__ import annotations

import json
import re
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


def without_counters(handset: Handset) -> str:
    """The same without what is counted by day, and the erasure itself."""
    with handset.gateway.database.read() as conn:
        from gateway.store.tables import metadata

        every = [table for name, table in metadata.tables.items() if name not in ("counters", "erasures")]
        rows = [tuple(row) for table in every for row in conn.execute(table.select())]
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
    assert "demandes: 1, SMS: 1" in handset.dial("5", "3", "1").text


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
    assert digest.hex()[:16] not in without_counters(handset), "no part of it either: not in the order of her SMS"
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
    assert counts is not None
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


def begin_anew(handset: Handset) -> None:
    """The number is somebody else's from now on."""
    handset.texter.later(hours=1)
    assert "C'est noté" in handset.dial("5", "3", "5", "1").text
    handset.texter.later(hours=1)
    handset.says("AIDE SUIVI")


def test_whoever_has_the_number_now_is_shown_nothing_of_the_one_before(handset: Handset) -> None:
    """A number proves who holds it today: the desk must not hand out, nor erase, what was another's."""
    reference = handset.files()
    handset.says("ABONNE")
    begin_anew(handset)
    mine = json.dumps(persons.export(handset.gateway.parts, NUMBER))
    assert reference not in mine
    assert NPI not in mine
    assert "ABONNE" not in mine
    assert "AIDE SUIVI" in mine
    both = json.dumps(persons.export(handset.gateway.parts, NUMBER, everybody=True))
    assert reference in both
    assert "ABONNE" in both


@pytest.mark.parametrize("how", ["by phone", "at the desk", "replayed"])
def test_whoever_has_the_number_now_erases_nothing_of_the_one_before(handset: Handset, how: str) -> None:
    reference = handset.files()
    handset.says("ABONNE")
    close(handset, reference)
    begin_anew(handset)
    parts = handset.gateway.parts
    if how == "by phone":
        handset.dial("5", "3", "3", "1")
        assert "C'est effacé" in handset.type(handset.code()).text
    elif how == "at the desk":
        assert persons.erase(parts, NUMBER, "Awa") is not None
    else:
        with handset.gateway.database.read() as conn:
            held = stored.held(conn, parts.seals, NUMBER)
        assert held is not None
        digest = stored.digest_of(parts.seals, NUMBER)
        persons.erase_digest(parts, digest, handset.texter.clock.now, "replayed", held.opened_at)
    assert "C'est fait" in handset.dial("2", "4", reference, NPI[-4:]).text, "she who was before can still prove it"
    both = json.dumps(persons.export(parts, NUMBER, everybody=True))
    assert "ABONNE" in both
    assert "AIDE SUIVI" not in both


def test_everybody_who_ever_held_it_can_be_forgotten(handset: Handset) -> None:
    reference = handset.files()
    close(handset, reference)
    begin_anew(handset)
    digest = stored.digest_of(handset.gateway.parts.seals, NUMBER)
    assert persons.erase(handset.gateway.parts, NUMBER, "Awa", everybody=True) is not None
    assert digest.hex()[:16] not in without_counters(handset)


def test_a_number_that_nobody_holds_is_not_erased_unasked(handset: Handset) -> None:
    assert persons.erase(handset.gateway.parts, NUMBER, "Awa") is None
    with pytest.raises(erasure_list.ErasureListError):
        erasure_list.read(handset.gateway.settings.data / erasure_list.NAME)


def test_the_list_says_whose_was_erased(handset: Handset) -> None:
    handset.files()
    with handset.gateway.database.read() as conn:
        held = stored.held(conn, handset.gateway.parts.seals, NUMBER)
    assert held is not None
    persons.erase(handset.gateway.parts, NUMBER, "Awa")
    (erasure,) = erasure_list.read(handset.gateway.settings.data / erasure_list.NAME)
    assert erasure.since == held.opened_at


def propose(handset: Handset) -> None:
    handset.dial("1", "3", "1", "0166000000", "1", "1234567891", "1", "1")
    assert "répond OUI" in handset.type(handset.code()).text


def test_a_helper_s_number_stays_while_his_institution_must_know_it(handset: Handset, stranger: Handset) -> None:
    from gateway.store import hand_over

    propose(handset)
    stranger.says("OUI " + re.findall(r"OUI (\d{4})", stranger.inbox()[-1])[0])
    persons.erase(handset.gateway.parts, NUMBER, "Awa")
    with handset.gateway.database.read() as conn:
        (one,) = submissions.list_page(conn, handset.gateway.parts.seals, 5)
        material = hand_over.for_hand_over(conn, handset.gateway.parts.seals, one.id)
    assert material is not None
    assert material.request.helper_msisdn == NUMBER
    close(handset, one.reference)
    upkeep.sweep(handset.gateway.parts)
    with handset.gateway.database.read() as conn:
        assert stored.of_number(conn, stored.digest_of(handset.gateway.parts.seals, NUMBER)) == ()


def test_a_helper_is_not_given_what_the_demand_says_of_the_other(handset: Handset, stranger: Handset) -> None:
    propose(handset)
    stranger.says("OUI " + re.findall(r"OUI (\d{4})", stranger.inbox()[-1])[0])
    helper = persons.export(handset.gateway.parts, NUMBER)
    assert helper["demands"] == []
    (made,) = helper["demands_made_for_somebody_else"]
    assert made["service"] == "acte-naissance"
    assert "1234567891" not in json.dumps(helper)
    hers = persons.export(handset.gateway.parts, stranger.number)
    assert hers["demands"][0]["fields"]["npi"] == "1234567891"
    assert hers["asked_to_agree"][0]["outcome"] == "agreed"


def test_the_export_has_every_table_that_hangs_on_her(handset: Handset) -> None:
    """Also what she typed and did not send; and no code."""
    handset.files()
    handset.dial("2", "3", "1", "1")
    code = handset.code()
    handset.dial("1", "1", "1234567899", "1")
    handset.hang_up()
    handset.says("ACTE")
    handset.says("Pour moi")
    handset.says("1234567898")
    exported = persons.export(handset.gateway.parts, NUMBER)
    left = {one["service"]: one["answers"] for one in exported["dialogues_not_finished"]}
    assert left["acte-naissance"]["npi"] == "1234567899" or "1234567898" in json.dumps(exported)
    assert exported["one_time_codes"][0]["purpose"] == "suivi.retrait"
    assert exported["demands"][0]["history"][0]["kind"] == "received"
    assert exported["conversation_by_sms"]
    assert code not in json.dumps(exported)


def test_every_table_with_a_holding_is_in_the_export_or_named_here() -> None:
    """A new table that hangs on a number must be thought of."""
    from gateway.store.tables import metadata

    hanging = {table.name for table in metadata.sorted_tables if "holding_id" in table.columns}
    assert hanging == {
        *("submissions", "mts", "preferences", "saved_dialogues", "conversations"),
        *("codes", "sim_checks", "agreements", "cached_answers", "promised_answers"),
    }


def test_a_dialogue_that_dropped_before_the_erasure_does_not_come_back(handset: Handset) -> None:
    """It waits in Redis until it is swept, minutes later."""
    handset.dial("1", "1", "1234567899", "1")
    handset.texter.later(minutes=1)
    handset.files()
    persons.erase(handset.gateway.parts, NUMBER, "Awa")
    handset.sessions -= 1
    handset.hang_up()
    handset.sessions += 1
    handset.texter.later(minutes=1)
    assert "1.Acte de naissance" in handset.dial().text
    assert "1234567899" not in json.dumps(persons.export(handset.gateway.parts, NUMBER))


def test_a_demand_that_nobody_decides_is_erased_where_the_operator_says_so(build: Build) -> None:
    from gateway import settings

    privacy = settings.load({"GATEWAY_LOCAL": "1"}).privacy.model_copy(update={"notice": "", "open_demands_s": 86_400})
    handset = Handset(build(privacy=privacy))
    reference = handset.files()
    for days, left in ((0, 1), (1, 0)):
        handset.texter.later(days=days)
        upkeep.sweep(handset.gateway.parts)
        with handset.gateway.database.read() as conn:
            kept = conn.execute(text("SELECT count(*) FROM submissions WHERE fields_sealed IS NOT NULL")).scalar_one()
        assert kept == left
    assert demand(handset.gateway, reference).state is SubmissionState.RECEIVED


def test_choices_are_forgotten_with_the_number(handset: Handset) -> None:
    handset.says("STOP")
    handset.texter.later(days=91)
    upkeep.sweep(handset.gateway.parts)
    handset.texter.later(days=366)
    upkeep.sweep(handset.gateway.parts)
    with handset.gateway.database.read() as conn:
        assert conn.execute(text("SELECT count(*) FROM preferences")).scalar_one() == 0
