"""Through real processes: the institution asks, the citizen answers by SMS or on USSD, the institution decides."""

import re

import requests

from tests.supervise.processes import wait_until


def files(phone, npi):
    """The reference of a demand; the demo institution asks about a NPI that ends in 8."""
    said = phone.dial("*229#", "1", "1", npi, "1", "1")
    return re.search(r"\d{4} \d{4} \d{4}", said)[0].replace(" ", "")


def asked(phone):
    """The code of the question that it was sent."""
    found = []

    def seen():
        found[:] = [one for text in phone.inbox() for one in re.findall(r"REPONSE (\d{6})", text)]
        return found

    wait_until(seen, what="the question")
    return found[0]


def case_of(system, reference):
    cases = requests.get(f"{system.simulator_url}/api/backoffice", timeout=5).json()["cases"]
    return next(case for case in cases if case["reference"] == reference)


def decided(system, phone, reference):
    wait_until(lambda: case_of(system, reference)["state"] == "granted", what="the decision")
    wait_until(lambda: any("est acceptée" in text for text in phone.inbox()), what="its SMS")


def test_answered_by_sms(system):
    phone = system.phone("+2290197000071")
    reference = files(phone, "1234567718")
    code = asked(phone)
    wrong = "000000" if code != "000000" else "111111"
    assert "Dans quel quartier" in next(text for text in phone.inbox() if code in text)
    phone.text(f"REPONSE {wrong} Zongo")
    wait_until(lambda: any("Ce code ne correspond" in text for text in phone.inbox()), what="that the code is wrong")
    phone.text(f"REPONSE {code} Zongo, près du marché")
    wait_until(lambda: any("est transmise à: ANIP" in text for text in phone.inbox()), what="that it is passed on")
    decided(system, phone, reference)
    assert case_of(system, reference)["statements"] == [{"kind": "answer", "text": "Zongo, près du marché"}]
    phone.text(f"REPONSE {code} encore")
    wait_until(lambda: any("déjà répondu" in text for text in phone.inbox()), what="that it was answered before")
    said = system.gateway("submissions", "show", reference).stdout
    assert said.index("more_needed") < said.index("answered") < said.index("statement_told") < said.index("decided")
    log = "".join(file.read_text() for file in (system.data / "logs").glob("*"))
    for secret in (code, "Zongo", "Dans quel quartier"):
        assert secret not in log


def test_answered_and_corrected_by_ussd(system):
    phone = system.phone("+2290197000072")
    reference = files(phone, "1234567728")
    asked(phone)
    shown = phone.dial("*229#", "2", "1", "1")
    assert "en attente de votre réponse" in shown
    assert "ANIP: Dans quel quartier" in phone.answer("1")["text"]
    phone.answer("1")
    assert "6 chiffres" in phone.answer("Zongo")["text"]
    assert "transmise à: ANIP" in phone.answer(otc(phone))["text"]
    wait_until(lambda: case_of(system, reference)["statements"], what="the institution to have the answer")
    decided(system, phone, reference)
    assert "ne peut pas etre corrigée" in phone.dial("*229#", "2", "5", "1")


def test_corrected_by_ussd(system):
    phone = system.phone("+2290197000073")
    reference = files(phone, "1234567738")
    asked(phone)
    phone.dial("*229#", "2", "5", "1", "Né à Cotonou", "Né à Parakou")
    assert "correction est transmise" in phone.answer(otc(phone))["text"]
    wait_until(lambda: case_of(system, reference)["statements"], what="the institution to have the correction")
    (said,) = case_of(system, reference)["statements"]
    assert said == {"kind": "correction", "text": "Faux: Né à Cotonou\nJuste: Né à Parakou"}
    assert case_of(system, reference)["state"] == "asked", "the question still waits"


def otc(phone):
    """The one-time code that it was sent last."""
    found = []

    def seen():
        found[:] = [one for text in phone.inbox() for one in re.findall(r"Code (\d{6}) pour", text)]
        return found

    wait_until(seen, what="the code")
    return found[-1]
