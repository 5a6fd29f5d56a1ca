"""A question answered and a demand corrected from the handset on, with what may go wrong on the way."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import redis
from sqlalchemy import select

from gateway.messages import BackofficeEvent, EventType, SubmissionState
from gateway.store import holdings, my_messages
from gateway.store.tables import statements
from gateway.usecases.backoffice_events import take_event
from tests.sms.conftest import Build
from tests.trust.conftest import Handset, demand

ASKED = "Quel est le nom de jeune fille de votre mère ?"
TO_QUESTION = ("2", "1", "1", "1")
TO_ANSWER = (*TO_QUESTION, "1", "Dossou")
CORRECT = ("2", "5", "1", "Né à Cotonou", "Né à Parakou")


def asks(handset: Handset, reference: str, question: str = ASKED) -> None:
    now = handset.texter.clock.now
    event = BackofficeEvent(
        system="etat-civil",
        event_id=f"evt_{now}",
        type=EventType.MORE_NEEDED,
        reference=reference,
        occurred_at=now,
        question={"fr": question},
    )
    assert take_event(handset.gateway.parts, event, now) == "taken"


def said(handset: Handset) -> list[tuple[str, str]]:
    """What was said about demands, as it is kept."""
    seals = handset.gateway.parts.seals
    with handset.gateway.database.read() as conn:
        rows = conn.execute(select(statements.c.kind, statements.c.text_sealed).order_by(statements.c.id))
        return [(row.kind, seals.open(row.text_sealed, "statements.text_sealed")) for row in rows]


@pytest.fixture
def sensitive(build: Build, other_menus: Path) -> Handset:
    """A handset where the birth certificate is a sensitive service."""
    file = other_menus / "acte-naissance.yaml"
    file.write_text(file.read_text().replace("assurance: number\n", "assurance: number\nsensitive: yes\n", 1))
    return Handset(build(other_menus))


def test_answered_by_ussd(handset: Handset) -> None:
    reference = handset.files()
    asks(handset, reference)
    assert ASKED in handset.dial(*TO_QUESTION).text
    handset.type("1")
    assert "6 chiffres" in handset.type("Dossou").text
    done = handset.type(handset.code())
    assert done.final
    assert "transmise à: ANIP" in done.text
    assert handset._deliver() == done, "the same turn twice"
    assert said(handset) == [("answer", "Dossou")]
    assert demand(handset.gateway, reference).state is SubmissionState.IN_PROGRESS
    assert "en cours de traitement" in handset.dial("2", "1", "1").text


def test_who_hangs_up_to_read_the_code_comes_back_to_it(handset: Handset) -> None:
    reference = handset.files()
    asks(handset, reference)
    handset.dial(*TO_ANSWER)
    handset.hang_up()
    code = handset.code()
    assert "6 chiffres" in handset.dial("1").text
    assert handset.type(code).final
    assert said(handset) == [("answer", "Dossou")]


def test_three_wrong_codes_and_nothing_is_said(handset: Handset) -> None:
    reference = handset.files()
    asks(handset, reference)
    handset.dial(*TO_ANSWER)
    right = handset.code()
    wrong = "000000" if right != "000000" else "111111"
    for _ in range(2):
        assert not handset.type(wrong).final
    assert "trois fois" in handset.type(wrong).text
    assert said(handset) == []
    assert demand(handset.gateway, reference).state is SubmissionState.MORE_NEEDED


@pytest.mark.parametrize("path", [TO_ANSWER, CORRECT])
def test_redis_lost_between_the_code_and_the_act_does_it_at_most_once(
    handset: Handset, redis_url: str, path: tuple[str, ...]
) -> None:
    reference = handset.files()
    asks(handset, reference)
    handset.dial(*path)
    code = handset.code()
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
    handset.type(code)
    handset._deliver()
    assert len(said(handset)) <= 1


@pytest.mark.parametrize("path", [TO_ANSWER, CORRECT])
def test_a_new_sim_is_sent_no_code(handset: Handset, path: tuple[str, ...]) -> None:
    reference = handset.files()
    asks(handset, reference)
    holding = handset.holding()
    assert holding is not None
    with handset.gateway.database.begin() as conn:
        holdings.note_sim_change(conn, holding, handset.texter.clock.now)
    assert "SIM" in handset.dial(*path).text
    code = re.findall(r"REPONSE (\d{6})", handset.inbox()[-1])[0]
    assert "ne correspond" in handset.says(f"REPONSE {code} Dossou")[0]
    assert said(handset) == []


def test_a_question_is_nowhere_but_in_its_sms(handset: Handset, capfd: pytest.CaptureFixture[str]) -> None:
    reference = handset.files()
    asks(handset, reference)
    (code,) = re.findall(r"REPONSE (\d{6})", handset.inbox()[-1])
    handset.says(f"REPONSE {code} Dossou de Ketou")
    logged = capfd.readouterr().err
    holding, gateway = handset.holding(), handset.gateway
    assert holding is not None
    with gateway.database.read() as conn:
        readable = my_messages.latest(conn, gateway.parts.seals, holding, gateway.now().replace(year=2020), (), 20)
    for secret in (code, ASKED, "Dossou"):
        assert secret not in logged
        assert not any(secret in one.text for one in readable)


def test_sensitive_from_the_sms_to_the_answer(sensitive: Handset) -> None:
    reference = sensitive.files()
    asks(sensitive, reference)
    told = sensitive.inbox()[-1]
    assert told.startswith("Une question vous attend pour votre demande")
    assert ASKED not in told
    assert "6 chiffres" in sensitive.dial(*TO_QUESTION).text
    shown = sensitive.type(sensitive.code())
    assert ASKED in shown.text
    sensitive.type("1")
    assert "6 chiffres" in sensitive.type("Dossou").text
    assert "transmise" in sensitive.type(sensitive.code()).text
    assert said(sensitive) == [("answer", "Dossou")]


def test_a_sensitive_question_is_never_written_by_sms(sensitive: Handset) -> None:
    reference = sensitive.files()
    asks(sensitive, reference)
    for words in (f"STATUT {reference}", "1"):
        sensitive.says(words)
    answers = sensitive.says(sensitive.code())
    assert "composez *229#" in answers[0]
    assert not any(ASKED in text for text in sensitive.inbox())


def test_who_takes_up_a_dropped_dialogue_does_not_read_the_question(handset: Handset) -> None:
    """It may be another person; what she looks up again is hers."""
    reference = handset.files()
    asks(handset, reference)
    handset.dial(*TO_QUESTION)
    handset.hang_up()
    again = handset.dial("1")
    assert "Quel est" not in again.text
    assert "****" in again.text
    assert ASKED in handset.type("2").text


def test_a_correction_from_the_handset(handset: Handset) -> None:
    reference = handset.files()
    assert "6 chiffres" in handset.dial(*CORRECT).text
    done = handset.type(handset.code())
    assert "correction est transmise" in done.text
    assert handset._deliver() == done
    assert said(handset) == [("correction", "Faux: Né à Cotonou\nJuste: Né à Parakou")]
    assert demand(handset.gateway, reference).state is SubmissionState.RECEIVED
    assert "Suivre une demande" in handset.dial("5", "3", "2").text, "My data leads there"


def test_who_declared_a_demand_cannot_correct_it(handset: Handset) -> None:
    handset.dial("1", "3", "2", "2", "1234567891", "1", "1")
    handset.type(handset.code())
    refused = handset.dial("2", "5", "1")
    assert refused.final
    assert "ne peut pas etre corrigée" in refused.text


def test_the_helper_cannot_correct_what_the_person_agreed_to(handset: Handset, stranger: Handset) -> None:
    stranger.dial()
    handset.dial("1", "3", "1", "0166000000", "1", "1234567891", "1", "1")
    handset.type(handset.code())
    assert "Aucune demande" in handset.dial("2", "5").text
    assert "Aucune demande" in stranger.dial("2", "5", "1").text, "nor can she, before she agreed"
    (digits,) = re.findall(r"OUI (\d{4})", stranger.inbox()[-1])
    stranger.says(f"OUI {digits}")
    assert "Aucune demande" in handset.dial("2", "5").text
    assert "faux" in stranger.dial("2", "5", "1").text


def test_expired_while_she_typed(handset: Handset) -> None:
    reference = handset.files()
    asks(handset, reference)
    handset.dial(*TO_ANSWER)
    event = BackofficeEvent("etat-civil", "evt_on", EventType.IN_PROGRESS, reference, handset.texter.clock.now)
    take_event(handset.gateway.parts, event, handset.texter.clock.now)
    late = handset.type(handset.code())
    assert "Aucune question n'attend" in late.text
    assert said(handset) == []
