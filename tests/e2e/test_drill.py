"""The drill: back up, destroy everything, restore. Each demand, its state and its récépissé's proof are there again."""

import re
import shutil

import psycopg
import pytest
import requests

from tests.supervise.processes import wait_until

pytestmark = [pytest.mark.processes, pytest.mark.timeout(600)]

GRANTED, REFUSED, WAITING, ERASED = (f"+22901970001{n:02d}" for n in range(4))
CODE = re.compile(r"Code de vérification (\d{6})")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request):
    """What the environment says of the database, and what destroys it."""
    if request.param == "sqlite":
        return {}, lambda: None  # it goes with the data folder
    url = request.getfixturevalue("new_postgres_url")()

    def destroy():
        with psycopg.connect(url, autocommit=True) as admin:
            admin.execute("DROP SCHEMA public CASCADE")
            admin.execute("CREATE SCHEMA public")

    return {"GATEWAY_DATABASE_URL": url}, destroy


def filed(system, number, npi):
    """The reference and the verification code of a new demand."""
    phone = system.phone(number)
    said = phone.dial("*229#", "1", "1", npi, "1", "1")
    reference = re.search(r"\d{4} \d{4} \d{4}", said)[0].replace(" ", "")
    return reference, CODE.search(phone.waits_for_sms(1)[0])[1]


def shown(system, reference):
    done = system.gateway("submissions", "show", reference)
    assert done.returncode == 0, done.stderr
    return done.stdout


def told(system, number):
    """What a citizen reads when she asks for her demand."""
    return system.phone(number).dial("*229#", "2", "1", "1")


def verified(system, reference, code):
    form = {"reference": reference, "code": code}
    answer = requests.post(f"{system.gateway_url}/verify", data=form, timeout=10)
    assert answer.status_code == 200
    return answer.text


def ok(done):
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_everything_is_lost_and_found_again(new_system, tmp_path, database):
    environment, destroy = database
    system = new_system(**environment).start()
    demands = {number: filed(system, number, npi) for number, npi in ((GRANTED, "1234567891"), (REFUSED, "1234567890"))}
    demands[ERASED] = filed(system, ERASED, "1234567893")
    for number, state in ((GRANTED, "granted"), (REFUSED, "refused"), (ERASED, "granted")):
        wait_until(lambda n=number, s=state: f"  {s}  " in shown(system, demands[n][0]), what=state)
        system.phone(number).waits_for_sms(3)
        wait_until(lambda n=number: shown(system, demands[n][0]).count(": delivered") == 3, what="three reports")
    down = requests.put(f"{system.simulator_url}/api/switches", json={"backoffice_down": True}, timeout=10)
    assert down.status_code == 200
    demands[WAITING] = filed(system, WAITING, "1234567892")
    wait_until(lambda: "SMS receipt_no_promise: delivered" in shown(system, demands[WAITING][0]), what="its récépissé")
    before = {number: told(system, number) for number in demands}
    sheets = {number: shown(system, demands[number][0]) for number in (GRANTED, REFUSED)}
    page = verified(system, *demands[GRANTED])
    assert "Acte de naissance" in page

    copy, keys = tmp_path / "copy", tmp_path / "safe" / "keys.json"
    keys.parent.mkdir()
    ok(system.gateway("backup", str(copy), "--keys", str(keys)))
    ok(system.gateway("person", "erase", ERASED, "--yes"))  # after the backup: it must stay so
    shutil.copy(system.data / "erasures.jsonl", keys.parent)
    assert system.stop() == 0
    shutil.rmtree(system.data)
    destroy()
    assert system.gateway("submissions", "list").returncode != 0, "nothing is left"
    shutil.rmtree(system.data, ignore_errors=True)  # the command looked for a database

    system.data.mkdir(mode=0o700)
    for file in keys.parent.iterdir():
        shutil.copy(file, system.data)
    said = ok(system.gateway("restore", str(copy)))
    assert "1 demands will be handed over again" in said
    assert "1 erasures repeated" in said
    system.start()

    for number in (GRANTED, REFUSED):
        assert told(system, number) == before[number]
        assert shown(system, demands[number][0]) == sheets[number]
    assert verified(system, *demands[GRANTED]) == page
    for number in (REFUSED, WAITING):
        assert "Acte de naissance" in verified(system, *demands[number]), number
    wrong = str((int(demands[GRANTED][1]) + 1) % 1_000_000).zfill(6)
    assert verified(system, demands[GRANTED][0], wrong) != page
    assert "Aucune demande" in system.phone(ERASED).dial("*229#", "2", "1"), "who was erased stays so"
    wait_until(lambda: "  granted  " in shown(system, demands[WAITING][0]), what="the demand that waited is decided")
    assert [system.phone(number).inbox() for number in (GRANTED, REFUSED)] == [[], []], "nobody is told twice"
    listed = ok(system.gateway("submissions", "list"))
    assert len(listed.splitlines()) == len(demands)
