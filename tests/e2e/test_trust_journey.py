"""Through real processes: the notice, a withdrawal with its code, a demand for somebody else, a SIM that changed."""

import re

import pytest
import requests

from tests.e2e.running import ROOT
from tests.supervise.processes import wait_until


@pytest.fixture
def system(new_system, tmp_path):
    """The shipped configuration, word for word, but that the operator is asked about SIMs."""
    import shutil

    shutil.copytree(ROOT / "config", tmp_path / "asks")
    config = tmp_path / "asks" / "gateway.yaml"
    config.write_text(config.read_text().replace("  # sim_check: africastalking", "  sim_check: africastalking"))
    return new_system(GATEWAY_CONFIG=str(config)).start()


def code_of(phone):
    found = [re.search(r"Code (\d{6})", text) for text in phone.inbox()]
    return [one[1] for one in found if one]


def test_a_demand_is_withdrawn_and_its_institution_told(system):
    phone = system.phone("+2290197000011")
    assert "chiffrées" in phone.dial("*229#")
    phone.answer("1")
    filed = phone.dial("*229#", "1", "1", "1234567891", "1", "1")
    reference = re.search(r"\d{4} \d{4} \d{4}", filed)
    number = reference[0].replace(" ", "")

    def state():
        cases = requests.get(f"{system.simulator_url}/api/backoffice", timeout=5).json()["cases"]
        return next((case["state"] for case in cases if case["reference"] == number), None)

    # A demand withdrawn before anybody offered it is not offered any more: there would be nobody to tell.
    wait_until(state, what="the institution to have it")
    assert "6 chiffres" in phone.dial("*229#", "2", "3", "1", "1")
    wait_until(lambda: code_of(phone), what="the code")
    assert "retirée" in phone.answer(code_of(phone)[0])["text"]
    wait_until(lambda: state() == "withdrawn", what="the institution to know")
    said = system.gateway("submissions", "show", number).stdout
    assert "withdrawn" in said
    log = "".join(file.read_text() for file in (system.data / "logs").glob("*"))
    assert '"sim.answered"' in log
    assert code_of(phone)[0] not in log


def test_she_agrees_by_sms(system):
    helper, person = system.phone("+2290197000012"), system.phone("+2290197000013")
    helper.dial("*229#", "1")
    assert "6 chiffres" in helper.dial("*229#", "1", "3", "1", "0197000013", "1", "1234567892", "1", "1")
    wait_until(lambda: code_of(helper), what="the helper's code")
    assert "répond OUI" in helper.answer(code_of(helper)[0])["text"]
    (asked,) = person.waits_for_sms(1)
    person.text("OUI " + re.search(r"OUI (\d{4})", asked)[1])
    wait_until(lambda: any("Récépissé" in text for text in person.inbox()), what="her récépissé")
    wait_until(lambda: any("a dit OUI" in text for text in helper.inbox()), what="the helper's news")


def test_another_sim_sees_nothing(system):
    phone = system.phone("+2290166000014", "mtn_madapi")
    phone.dial("*229#", "1")
    phone.dial("*229#", "1", "1", "1234567893", "1", "1")
    assert "Acte" in phone.dial("*229#", "2", "1")
    phone._request("POST", "sim", {})
    assert "chiffrées" in phone.dial("*229#"), "whoever has it now is told what becomes of her data"
    assert "Aucune demande" in phone.dial("*229#", "1", "2", "1")
