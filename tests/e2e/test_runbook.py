"""Every command of docs/fr/exploitation.md, in its order, on a system with demands in it."""

import os
import re
import shutil
import sqlite3
import subprocess
import sys

import pytest

from gateway.supervise.plan import QUEUES
from tests.e2e.running import ROOT
from tests.supervise.processes import wait_until

GUIDE = ROOT / "docs" / "fr" / "exploitation.md"
NUMBER, OTHER = "+2290197000021", "+2290197000022"
INVOICE = "month;operator;kind;quantity;amount_f\n2099-01;mtn;sms;0;0\n"
#: Commands that change the machine itself: read, not run.
MACHINE = ("apt-get", "adduser", "sudo", "git", "python3", "/srv/passerelle/venv/bin/pip", "install", "systemctl")


def blocks(kind):
    return re.findall(rf"```{kind}\n(.*?)```", GUIDE.read_text(), re.DOTALL)


@pytest.mark.timeout(600)
def test_the_guide_runs_as_written(new_system, tmp_path):
    system = new_system().start()
    first = filed(system.phone(NUMBER), "1234567891")
    dead = filed(system.phone(OTHER), "1234567892")
    wait_until(lambda: len(system.phone(NUMBER).inbox()) >= 3, what="the decision")
    assert system.stop() == 0
    unknown = troubled(system.data / "gateway.db", dead)
    system.start()
    (tmp_path / "facture.csv").write_text(INVOICE)
    names = {
        "/sauvegardes": str(tmp_path / "sauvegardes"),
        "/coffre": str(tmp_path / "coffre"),
        "facture.csv": str(tmp_path / "facture.csv"),
        "REFERENCE": first,
        "MORTE": dead,
        "NUMERO": NUMBER,
        " ID": f" {unknown}",
    }
    for folder in ("sauvegardes", "coffre"):
        (tmp_path / folder).mkdir()
    environment = {**system.environment, "PATH": f"{shim(tmp_path)}:{os.environ['PATH']}"}
    ran = 0
    for line in (line for block in blocks("sh") for line in block.splitlines()):
        command, _, said = line.partition("   # code ")
        if command.startswith("gateway restore"):
            assert system.stop() == 0
        for name, value in names.items():
            command = command.replace(name, value)
        done = subprocess.run(
            ["bash", "-c", command], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == int(said or 0), f"{command}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr, command
        if command.startswith("gateway restore"):
            system.start()
        ran += 1
    assert ran > 30


def test_what_is_not_run_changes_the_machine():
    for line in (line for block in blocks("console") for line in block.splitlines()):
        assert line.startswith(MACHINE), line


UNITS = (
    "passerelle-.service.d/commun.conf",
    "passerelle-web@.service",
    "passerelle-worker@.service",
    "passerelle-relay.service",
    "passerelle-backup.service",
    "passerelle-backup.timer",
)
INSTANCES = {"passerelle-web@.service": ("8000", "8002"), "passerelle-worker@.service": QUEUES}


def test_the_units_start_what_there_is(tmp_path):
    """Every process has its unit, with the arguments that the command knows; systemd reads them, where it is there."""
    (tmp_path / UNITS[0]).parent.mkdir()
    started = []
    for name, block in zip(UNITS, blocks("ini"), strict=True):
        assert f"`{name}`" in GUIDE.read_text() or f"/{name}`" in GUIDE.read_text(), name
        here = block.replace("/srv/passerelle/venv/bin/gateway", "/bin/true").replace("=passerelle\n", "=daemon\n")
        for instance in INSTANCES.get(name, ("",)):
            (tmp_path / name.replace("@", f"@{instance}")).write_text(here)
    for block in blocks("ini"):
        started += re.findall(r"^ExecStart=.*/bin/gateway (\S+)", block, re.MULTILINE)
    assert sorted(started) == ["backup", "relay", "web", "worker"]
    enabled = " ".join(blocks("console"))
    for name, instances in INSTANCES.items():
        for instance in instances:
            assert name.replace("@.service", f"@{instance}") in enabled
    assert "passerelle-relay" in enabled
    assert "passerelle-backup.timer" in enabled
    if shutil.which("systemd-analyze") is not None:
        files = [str(path) for path in sorted(tmp_path.glob("passerelle-*.*")) if path.is_file()]
        where = {**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"}
        done = subprocess.run(
            ["systemd-analyze", "verify", *files], env=where, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")


def test_the_proxy_passes_on_what_strangers_may_reach():
    (proxy,) = blocks("nginx")
    assert re.findall(r"location ([^{]+) \{\s+(\w+)", proxy) == [
        ("~ ^/(channels|backoffice)/", "proxy_pass"),
        ("= /verify", "proxy_pass"),
        ("/console", "proxy_pass"),
        ("/", "return"),
    ]
    for port in INSTANCES["passerelle-web@.service"]:
        assert f"server 127.0.0.1:{port} " in proxy


def filed(phone, npi):
    said = phone.dial("*229#", "1", "1", npi, "1", "1")
    return re.search(r"\d{4} \d{4} \d{4}", said)[0].replace(" ", "")


def troubled(database, reference):
    """Leaves one demand dead and one SMS of unknown fate; its id."""
    conn = sqlite3.connect(database)
    with conn:
        (demand,) = conn.execute("SELECT id FROM submissions WHERE reference = ?", (reference,)).fetchone()
        conn.execute("UPDATE submissions SET state = 'dead' WHERE id = ?", (demand,))
        conn.execute("UPDATE outbox SET state = 'dead' WHERE kind = 'submission' AND target_id = ?", (demand,))
        (sms,) = conn.execute("SELECT max(id) FROM mts WHERE submission_id = ?", (demand,)).fetchone()
        conn.execute("UPDATE mts SET state = 'unknown', resent_at = updated_at WHERE id = ?", (sms,))
        conn.execute("UPDATE outbox SET state = 'unknown' WHERE kind = 'mt' AND target_id = ?", (sms,))
    conn.close()
    return sms


def shim(folder):
    """A folder for PATH in which `gateway` is this checkout's."""
    (folder / "bin").mkdir()
    script = folder / "bin" / "gateway"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m gateway.cli "$@"\n')
    script.chmod(0o755)
    return script.parent
