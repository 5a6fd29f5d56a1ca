"""*Mes préférences*, *Vérifier un récépissé* and *Mes messages* through a whole gateway."""

from __future__ import annotations

import pytest
import redis

from gateway.messages import Category
from gateway.store import acts, holdings, mts
from gateway.store import preferences as stored
from gateway.usecases import preferences
from gateway.wiring import Gateway
from tests.ussd.conftest import ACTE, NUMBER, Phone


def chosen(gateway: Gateway) -> tuple[stored.Choice, ...]:
    with gateway.database.begin() as conn:
        holding = holdings.open_holding(conn, gateway.parts.seals, NUMBER, gateway.now())
        return stored.history(conn, holding)


def test_a_refusal_is_stored_once_with_its_proof(gateway: Gateway, phone: Phone) -> None:
    replies = phone.walk("", "5", "5*2", "5*2*3", "5*2*3*2")
    assert replies[-1].final
    assert replies[-1].text.startswith("C'est noté: plus de ces SMS.")
    assert phone.deliver("5*2*3*2") == replies[-1]  # delivered again
    (choice,) = chosen(gateway)
    assert (choice.subject, choice.value, choice.source) == ("category:information", "out", "ussd")
    with gateway.database.read() as conn:
        act = acts.find(conn, gateway.parts.seals, bytes.fromhex(choice.evidence))
    assert act is not None
    assert (act.action, act.outcome) == ("set_preference", "done")
    again = Phone(gateway, session="s2").walk("", "5", "5*2")[-1]
    assert "3.SMS d'information: non" in again.text


def test_after_a_lost_redis_nothing_is_chosen_twice(gateway: Gateway, phone: Phone, redis_url: str) -> None:
    phone.walk("", "5", "5*2", "5*2*3", "5*2*3*2")
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
    replayed = phone.deliver("5*2*3*2")
    assert replayed.text.startswith("Mes préférences")  # what a lookup feeds is shown again, and nothing is done
    assert "3.SMS d'information: non" in replayed.text
    assert len(chosen(gateway)) == 1


def test_the_language_is_kept(gateway: Gateway, phone: Phone) -> None:
    said = phone.walk("", "5", "5*2", "5*2*1", "5*2*1*2")[-1].text
    assert said == "Noted: we will write to you in English. To change: *229#"
    with gateway.database.begin() as conn:
        holding = holdings.open_holding(conn, gateway.parts.seals, NUMBER, gateway.now())
        assert preferences.of(conn, holding).language == "en"


@pytest.mark.parametrize(("last", "said"), [("1", "Récépissé authentique. Acte de naissance, déposé le 23/11/2026.")])
def test_a_recepisse_that_was_just_issued_is_genuine(gateway: Gateway, phone: Phone, last: str, said: str) -> None:
    phone.walk(*ACTE)
    with gateway.database.read() as conn:
        holding = holdings.find_open(conn, gateway.parts.seals, NUMBER, gateway.parts.silent_since)
        assert holding is not None
        (receipt,) = mts.of_holding(conn, holding, 5)
        sms = mts.for_sending(conn, gateway.parts.seals, [receipt.id])[receipt.id]
    assert sms is not None
    words = sms.text.split()
    number = "".join(words[1:4]).rstrip(".")
    code = words[words.index("vérification") + 1].rstrip(".")
    officer = Phone(gateway, session="s2", number="+2290197000001")
    text = officer.walk("", "4", f"4*{number}", f"4*{number}*{code}", f"4*{number}*{code}*{last}")[-1].text
    assert text.startswith(said)


def test_the_recepisse_is_read_again_without_its_code(gateway: Gateway, phone: Phone) -> None:
    phone.walk(*ACTE)
    with gateway.database.begin() as conn:
        holding = holdings.find_open(conn, gateway.parts.seals, NUMBER, gateway.parts.silent_since)
        assert holding is not None
        (receipt,) = mts.of_holding(conn, holding, 5)
        assert receipt.category == Category.VITAL
        mts.move(conn, receipt.id, mts.MtState.SENDING, "send", "", gateway.now())
        mts.move(conn, receipt.id, mts.MtState.ACCEPTED, "send", "", gateway.now())
    reader = Phone(gateway, session="s2")
    assert "1.23/11 Récépissé" in reader.walk("", "5", "5*1")[-1].text
    pages = [reader.deliver(text).text for text in ("5*1*1", "5*1*1*98")]
    assert "******" in "".join(pages)
    assert not any(word.isdigit() and len(word) == 6 for page in pages for word in page.replace(".", " ").split())
