"""One citizen, from dialling a code to holding a proof and reading the decision, through all real processes."""

import re

import pytest
import requests

from gateway.text import reference

pytestmark = pytest.mark.processes

RECEIPT = re.compile(
    r"Récépissé (\d{4} \d{4} \d{4})\. Acte de naissance, demande déposée le \d\d/\d\d/\d{4} à \d\d:\d\d\."
    r"( Réponse avant le \d\d/\d\d\.)? Code de vérification \d{6}\. Suivi: \*229#"
)


def file_a_demand(phone, npi, language=()):
    """Walks *Acte de naissance* for oneself, Cotonou; the reference on the last screen."""
    last = phone.dial("*229#", *language, "1", "1", npi, "cot", "1", "1")
    shown = re.search(r"\d{4} \d{4} \d{4}", last)
    assert shown, last
    assert reference.parse(shown.group()) is not None
    return shown.group()


@pytest.mark.parametrize(
    ("network", "number"),
    [("africastalking", "+2290197000001"), ("mtn_madapi", "+2290197000002")],
    ids=["cumulative text", "last input only"],
)
def test_from_the_code_to_the_decision(system, network, number):
    phone = system.phone(number, network)
    shown = file_a_demand(phone, "1234567891" if network == "africastalking" else "1234567892")

    receipt, acknowledgement, notice = phone.waits_for_sms(3)
    assert RECEIPT.fullmatch(receipt).group(1) == shown
    assert shown in acknowledgement
    assert re.search(r"EC-\d{4}-\d{5}", acknowledgement)
    assert shown in notice
    assert "acceptée" in notice

    own = phone.dial("*229#", "2", "1", "1")
    assert own.startswith("Acte de naissance")
    other = system.phone("+2290197000009").dial("*229#", "2", "2", shown.replace(" ", ""))
    assert shown not in other
    assert "EC-" not in other  # from another number only the state word


def test_a_refusal_in_english(system):
    phone = system.phone("+2290197000003")
    shown = file_a_demand(phone, "1234567890", language=("6",))  # the demo back office refuses a NPI that ends in 0
    receipt, _, notice = phone.waits_for_sms(3)
    assert receipt.startswith("Receipt")
    assert shown in notice


def test_each_sms_left_once(system):
    phone = system.phone("+2290197000004")
    file_a_demand(phone, "1234567894")
    inbox = phone.waits_for_sms(3)
    assert len(inbox) == len(set(inbox)) == 3
    sent = requests.get(f"{system.simulator_url}/api/sent", timeout=10).json()
    assert len([call for call in sent if "+2290197000004" in str(call)]) == 3


def test_the_terminal_phone(system):
    done = system.gateway(
        "dial", "*229#", "--phone", "+2290197000005", "--inputs", "1*1*1234567895*cot*1*1", "--wait-sms", "1",
        "--simulator", system.simulator_url,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert RECEIPT.search(done.stdout)


def test_the_operator_sees_it_masked(system):
    phone = system.phone("+2290197000007")
    shown = file_a_demand(phone, "1234567897")
    phone.waits_for_sms(3)
    (line,) = [line for line in system.gateway("submissions", "list").stdout.splitlines() if shown in line]
    assert "granted" in line
    sheet = system.gateway("submissions", "show", shown)
    assert sheet.returncode == 0, sheet.stderr
    assert re.search(r"case EC-\d{4}-\d{5}", sheet.stdout)
    assert sheet.stdout.count("delivered") == 3
    for private in ("0197000007", "1234567897"):
        assert private not in line + sheet.stdout
    done = system.gateway("submissions", "replay", shown)
    assert (done.returncode, done.stderr.strip().endswith("or is still being tried")) == (1, True)


def test_no_log_names_a_citizen(system):
    phone = system.phone("+2290197000006")
    file_a_demand(phone, "1234567896")
    phone.waits_for_sms(3)
    logs = [path for path in (system.data / "logs").iterdir() if path.name != "simulator.log"]
    written = "".join(path.read_text() for path in logs)
    assert "ussd.turn" in written
    for private in ("0197000006", "97000006", "1234567896", "/local/"):
        assert private not in written


def test_ready_healthy_and_measured(system):
    assert requests.get(f"{system.gateway_url}/healthz", timeout=10).status_code == 200
    assert requests.get(f"{system.gateway_url}/readyz", timeout=10).json()["ready"] is True
    assert "outbox_rows" in requests.get(f"{system.gateway_url}/metrics", timeout=10).text
