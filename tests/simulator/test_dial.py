"""`gateway dial` against the simulator, played and typed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import Any

import pytest
import requests
from click.testing import CliRunner, Result

from gateway.cli import dial as dialling

AT = "/channels/africastalking/local/ussd"
MTN = "/channels/mtn_madapi/local/ussd"
TEXT = "text/plain; charset=utf-8"


def dial(simulator: Any, *arguments: str) -> Result:
    return CliRunner().invoke(dialling.dial, ["--simulator", simulator.url, *arguments])


def say(gateway: Any, *bodies: str) -> None:
    gateway.script[AT] = [(200, TEXT, body.encode()) for body in bodies]


def test_answers_are_played_and_screens_printed(gateway: Any, simulator: Any) -> None:
    say(gateway, "CON Menu\n1.Oui", "CON NPI ?", "END Merci")
    result = dial(simulator, "*229#", "--inputs", "1*1234567890")
    assert (result.exit_code, result.output) == (0, "Menu\n1.Oui\n> 1\nNPI ?\n> 1234567890\nMerci\n")


def test_an_open_dialogue_is_hung_up(gateway: Any, simulator: Any) -> None:
    say(gateway, "CON Menu")
    assert dial(simulator, "*229#", "--inputs", "1").exit_code == 0
    assert not simulator.call("GET", "/api/phones/+2290197000000").json()["open"]


def test_phone_and_network(gateway: Any, simulator: Any) -> None:
    gateway.script[MTN] = [
        (200, "application/json", b'{"statusCode":"0000","data":{"inboundResponse":"A","userInputRequired":false}}')
    ]
    result = dial(simulator, "*229*21#", "--inputs", "", "--phone", "+2290161000000", "--network", "mtn_madapi")
    assert isinstance(result.exception, dialling.DialError)  # "" is one empty answer, and the dialogue is over
    assert b'"msisdn":"2290161000000"' in gateway.at(MTN)[0].body


@pytest.mark.parametrize(
    ("bodies", "arguments", "says"),
    [
        (["END Merci"], ["--inputs", "1*2"], "the dialogue ended with 2 answer(s) left"),
        (["CON A", "oops"], ["--inputs", "1"], "the network gave no usable answer (gateway_bad_answer)"),
        (["CON A"], ["--inputs", "1", "--phone", "12"], "the simulator refused: this is not a phone number"),
    ],
)
def test_what_goes_wrong_is_one_sentence(
    gateway: Any, simulator: Any, bodies: list[str], arguments: list[str], says: str
) -> None:
    say(gateway, *bodies)
    result = dial(simulator, "*229#", *arguments)
    assert isinstance(result.exception, dialling.DialError)  # the command line makes it a sentence and exit 1
    assert str(result.exception) == says


def test_no_simulator() -> None:
    result = CliRunner().invoke(dialling.dial, ["*229#", "--inputs", "1", "--simulator", "http://127.0.0.1:9"])
    assert str(result.exception) == "no simulator answers at http://127.0.0.1:9; is `gateway run` running?"


def test_it_waits_for_sms(gateway: Any, simulator: Any) -> None:
    def send(text: str) -> None:
        requests.post(
            simulator.url + "/africastalking/version1/messaging",
            data={"username": "sandbox", "to": "+2290197000000", "message": text},
            headers={"apiKey": "demo-key"},
            timeout=5,
        )

    send("ancien")
    say(gateway, "END Merci")
    told = gateway.take

    def take(got: Any) -> Any:
        if got.path == AT:
            send("Récépissé")  # before the screen is shown, and after the inbox was first read
        return told(got)

    gateway.take = take
    result = dial(simulator, "*229#", "--wait-sms", "1")
    assert (result.exit_code, result.output) == (0, "Merci\nSMS eGouv-BJ: Récépissé\n")


def test_too_few_sms_is_an_error(gateway: Any, simulator: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialling, "SMS_WITHIN_S", 0.6)
    say(gateway, "END Merci")
    result = dial(simulator, "*229#", "--wait-sms", "1")
    assert str(result.exception) == "0 of 1 SMS came within 0.6 s"


def test_typed_at_the_keyboard(gateway: Any, simulator: Any) -> None:
    say(gateway, "CON Menu\n1.Oui", "END Merci")
    command = [sys.executable, "-m", "gateway.cli", "dial", "*229#", "--simulator", simulator.url]
    environment = os.environ | {"PYTHONUNBUFFERED": "1", "TERM": "dumb"}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(b"1\n")
        process.stdin.flush()
        output = b""
        while b"The dialogue is over" not in output:
            read = process.stdout.readline()
            assert read, output
            output += read
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)
    text = output.decode()
    assert "1.Oui" in text
    assert "Merci" in text
    assert process.returncode == 0
    assert gateway.at(AT)[1].body.endswith(b"text=1")


def test_a_text_instead_of_a_call(gateway: Any, simulator: Any) -> None:
    told = gateway.take

    def take(got: Any) -> Any:
        if got.path.endswith("/mo"):
            form = {"username": "sandbox", "to": "+2290197000000", "message": "Mots: ACTE, STATUT"}
            url = simulator.url + "/africastalking/version1/messaging"
            requests.post(url, data=form, headers={"apiKey": "demo-key"}, timeout=5)
        return told(got)

    gateway.take = take
    result = dial(simulator, "--sms", "AIDE")
    assert (result.exit_code, result.output) == (0, "SMS eGouv-BJ: Mots: ACTE, STATUT\n")
    assert b"text=AIDE" in gateway.at("/channels/africastalking/local/mo")[0].body


def test_neither_a_code_nor_a_text(simulator: Any) -> None:
    assert "a CODE to dial, or --sms TEXT, is needed" in dial(simulator).output
