"""docs/api.md as a stranger follows it: its commands and its Python, from the key to the SMS on the phone."""

import os
import re
import subprocess
import sys

import pytest

from gateway.usecases.api_keys import Scope
from gateway.usecases.api_notifications import STATES
from tests.e2e.running import ROOT
from tests.e2e.test_runbook import shim
from tests.supervise.processes import wait_until

pytestmark = pytest.mark.processes
GUIDE = (ROOT / "docs" / "api.md").read_text()
NUMBER = "+2290197000000"


def blocks(kind):
    return re.findall(rf"```{kind}\n(.*?)```", GUIDE, re.DOTALL)


@pytest.mark.timeout(300)
def test_from_a_key_to_a_message(new_system, tmp_path):
    system = new_system().start()
    environment = {**system.environment, "PATH": f"{shim(tmp_path)}:{os.environ['PATH']}", "PYTHONWARNINGS": "error"}
    script = "\n".join(blocks("sh")).replace("http://127.0.0.1:8000", system.gateway_url)
    (python,) = blocks("python")
    (tmp_path / "example.py").write_text(python)
    whole = f"set -euo pipefail\n{script}\n{sys.executable} {tmp_path}/example.py\n"
    done = subprocess.run(
        ["bash", "-c", whole], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"name":"Démonstration"' in done.stdout
    assert '"own_reference":"lettre-2026-0417"' in done.stdout
    assert "notification.delivered" in done.stdout
    assert "problem" not in done.stdout
    phone = system.phone(NUMBER)
    wait_until(lambda: len(phone.inbox()) >= 2, what="both SMS")
    assert phone.inbox() == ["Bonjour Awa, ceci est un essai."] * 2


def test_the_guide_names_every_scope_and_state():
    for one in (*Scope, *STATES):
        assert f"| `{one}` |" in GUIDE, one
