"""A citizen who only texts, through all real processes: commands, a conversation, second thoughts, a bad network."""

import re

import pytest
import requests

from tests.e2e.test_journey import RECEIPT
from tests.supervise.processes import wait_until

pytestmark = pytest.mark.processes


def switch(system, **switches):
    requests.put(f"{system.simulator_url}/api/switches", json=switches, timeout=10).raise_for_status()


def states(system, *options):
    done = system.gateway("sms", "list", *options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_certificate_by_sms_from_the_first_word_to_the_decision(system):
    phone = system.phone("+2290197000021")
    assert "1.Pour moi" in phone.asks("Acte")
    assert "NPI" in phone.asks("pour moi")
    assert "Commune" in phone.asks("1234567121")
    recap = phone.asks("cotonou")
    assert "1234567121" not in recap
    assert "Confirmer" in recap
    phone.text("1")
    receipt, acknowledgement, notice = phone.waits_for_sms(7)[4:]
    shown, code = RECEIPT.fullmatch(receipt).group(1), re.search(r"vérification (\d{6})", receipt).group(1)
    assert shown in acknowledgement
    assert "acceptée" in notice

    assert "acceptée" in phone.asks(f"statut {shown.replace(' ', '-')}".replace("0", "O"))
    other = system.phone("+2290197000022")
    genuine = other.asks(f"VERIF {shown} {code}")
    assert "Acte de naissance" in genuine
    assert "1234567121" not in genuine
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    unknown = other.asks(f"VERIF 4821 0937 5625 {code}")
    assert other.asks(f"VERIF {shown} {wrong}") == unknown != genuine


def test_dropped_on_ussd_and_finished_by_sms(system):
    phone = system.phone("+2290197000023")
    screen = phone.dial("*229#", "1", "1", "1234567123")
    assert "Commune" in screen
    phone._post("hangup", {"reason": "timed_out"})
    (told,) = phone.waits_for_sms(1)
    code = re.search(r"REPRISE (\d{4} \d{4} \d{4})", told).group(1)
    offer = phone.asks("REPRISE")
    assert re.search(r"1\.Continuer\n2\.Recommencer\n3\.Ce n'est pas moi", offer)
    assert "1234567123" not in offer
    assert "Commune" in phone.asks("1")
    assert "Confirmer" in phone.asks("cotonou")
    phone.text("confirmer")
    wait_until(lambda: any(RECEIPT.fullmatch(text) for text in phone.inbox()), 60, what="a récépissé")
    assert "ne permet pas" in system.phone("+2290197000029").asks(f"REPRISE {code}")  # it opened once


def test_dropped_on_ussd_and_finished_from_another_network(system):
    system.phone("+2290197000030").dial("*229#", "1", "2", "1234567130")
    system.phone("+2290197000030")._post("hangup", {"reason": "timed_out"})
    (told,) = system.phone("+2290197000030").waits_for_sms(1)
    other = system.phone("+2290197000031")
    screen = other.asks(told[told.index("REPRISE ", told.index("autre")) :])
    assert "Commune" in screen
    recap = other.asks("cotonou")
    assert "1234567130" not in recap
    other.text("1")
    wait_until(lambda: any(RECEIPT.fullmatch(text) for text in other.inbox()), 60, what="a récépissé")


def test_begun_by_sms_and_finished_on_ussd(system):
    phone = system.phone("+2290197000024")
    phone.asks("acte")
    assert "NPI" in phone.asks("1")
    offer = phone.dial("*229#")
    assert offer.startswith("Acte de naissance: demande non terminée.")
    assert "NPI" in phone.answer("1")["text"]
    assert re.search(
        r"Demande \d{4} \d{4} \d{4} déposée", [phone.answer(a) for a in ("1234567124", "cot", "1", "1")][-1]["text"]
    )


def test_stop_is_confirmed_once_and_vital_sms_still_come(system):
    phone = system.phone("+2290197000025")
    assert "récépissés" in phone.asks("Stop. Merci")
    phone.text("STOP")
    phone.dial("*229#", "1", "1", "1234567125", "cot", "1", "1")
    receipt, decision = phone.waits_for_sms(3)[1:]
    assert RECEIPT.fullmatch(receipt)
    assert "acceptée" in decision  # neither a second confirmation nor the acknowledgement, which is news of a demand


def test_an_sms_that_does_not_arrive_is_told_as_it_is(system):
    phone = system.phone("+2290197000026")
    phone.be(condition="unreachable")
    phone.text("AIDE")
    wait_until(lambda: "failed_temporary" in states(system, "--number", phone.number), 60, what="an absent phone")
    phone.be(condition="reachable")
    wait_until(lambda: "delivered" in states(system, "--number", phone.number), 60, what="a late delivery")


def test_an_answer_that_is_lost_is_settled_by_its_report_and_not_sent_twice(system):
    phone = system.phone("+2290197000027")
    switch(system, fail_sends="time_out")
    try:
        phone.text("AIDE")
        wait_until(lambda: "delivered" in states(system, "--number", phone.number), 60, what="a settled SMS")
    finally:
        switch(system, fail_sends="no")
    assert len(phone.inbox()) == 1


def test_stopped_and_started_again_by_the_operator(system):
    phone = system.phone("+2290197000028")
    assert system.gateway("stop", "sms", "--reason", "essai").returncode == 0
    try:
        phone.text("AIDE")
        wait_until(lambda: "created" in states(system, "--number", phone.number), 60, what="an SMS that waits")
        assert phone.inbox() == []
    finally:
        assert system.gateway("start", "sms").returncode == 0
    assert len(phone.waits_for_sms(1)) == 1
