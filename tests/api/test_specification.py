"""The served specification: valid, complete, and kept by the server under requests that schemathesis makes of it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from openapi_spec_validator import OpenAPIV31SpecValidator
from sqlalchemy import text

from gateway import settings, wiring
from gateway.engine.outcomes import Act, Submission
from gateway.messages import Category, Role, SubmissionState
from gateway.store import migrate, submission_events, submissions
from gateway.usecases import api_keys, templates
from gateway.usecases.actors import Actor
from gateway.usecases.api_keys import Scope
from gateway.usecases.caller import Caller
from gateway.usecases.submissions import submit
from gateway.usecases.templates import Draft
from gateway.web.api.refusals import CODES
from gateway.web.api.shell import OPERATIONS
from tests.api.conftest import API, MANAGER, Served
from tests.campaigns.conftest import A
from tests.e2e.running import free_ports
from tests.supervise.processes import wait_until

ROOT = Path(__file__).parents[2]
SEED = "20261125"


def test_it_is_valid_and_says_all(sqlite_served: Served) -> None:
    answer = requests.get(f"{sqlite_served.url}{API}/openapi.json", timeout=30)
    assert answer.headers["Content-Type"] == "application/json"
    said: Any = answer.json()
    assert said["openapi"] == "3.1.0"
    OpenAPIV31SpecValidator(said).validate()
    told = {(method.upper(), path) for path, methods in said["paths"].items() for method in methods}
    assert told == {(operation.method, operation.path) for operation in OPERATIONS}
    for operation in OPERATIONS:
        one = said["paths"][operation.path][operation.method.lower()]
        assert one["summary"]
        assert set(one["responses"]) >= {str(operation.status), "401", "403", "404", "429", "503"}
        assert all(parameter["description"] for parameter in one["parameters"] if parameter["in"] != "query")
        if operation.writes:
            assert "Idempotency-Key" in [parameter["name"] for parameter in one["parameters"]]
    assert said["components"]["schemas"]["NewNotification"]["additionalProperties"] is False


def test_every_refusal_says_what_to_do() -> None:
    used = {code for operation in OPERATIONS for code in operation.refusals}
    assert used <= set(CODES)
    for code, (status, title, sentence) in CODES.items():
        assert 400 <= status < 600, code
        assert title, code
        assert sentence, code


def test_the_page_reads_without_script_and_loads_nothing(sqlite_served: Served) -> None:
    for path in ("", "/"):
        answer = requests.get(f"{sqlite_served.url}{API}{path}", timeout=30)
        assert answer.status_code == 200
        assert "script" not in answer.text.lower()
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert not re.search(r"""(?:src|href)=["'](?!#|data:,|/api/v1/openapi\.json)""", answer.text)
        for operation in OPERATIONS:
            assert f'id="{operation.name}"' in answer.text
            assert operation.summary in answer.text
        assert answer.text.count("<h1>") == 1
        assert len(answer.content) < 90_000


@dataclass
class Real:
    """`gateway web` in a process of its own, and a key of everything."""

    url: str
    key: str
    log: Path
    names: dict[str, str]  #: what the names in paths may be of, so that not all is 404


@pytest.fixture(scope="module")
def real(_redis_server: str) -> Iterator[Real]:
    with tempfile.TemporaryDirectory() as folder:
        (port,) = free_ports(1)
        given = {"GATEWAY_DATA": folder, "GATEWAY_REDIS": _redis_server, "GATEWAY_LOCAL": "1"}
        given |= {"GATEWAY_BIND": f"127.0.0.1:{port}", "GATEWAY_LOG_LEVEL": "info"}
        declared = settings.load(given)
        migrate.upgrade(wiring.database_url(declared))
        gateway = wiring.build(declared)
        new = api_keys.NewKey("fuzz", tuple(Scope), live=True, per_minute=6000, per_day=1_000_000)
        key, _ = api_keys.create(gateway.parts, MANAGER, A, new)
        author = Actor("author@x", A, frozenset({Role.AUTHOR}))
        templates.create(gateway.parts, author, A, Draft("t", Category.PROCEDURE, {"fr": "Bonjour {nom}"}))
        names = {"template": "1", **_filed(gateway)}
        gateway.close()
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
        log = Path(folder) / "log"
        with log.open("wb") as out:
            command = [sys.executable, "-m", "gateway.cli", "web"]
            process = subprocess.Popen(command, cwd=ROOT, env=inherited | given, stdout=out, stderr=out)
        url = f"http://127.0.0.1:{port}{API}"
        try:
            wait_until(lambda: _answers(url) or process.poll() is not None, 60, "a web server")
            said = {"Authorization": f"Bearer {key}", "Idempotency-Key": "first"}
            body = {"template_id": 1, "to": "+2290197000000", "values": {"nom": "Awa"}}
            sent = requests.post(f"{url}/notifications", json=body, headers=said, timeout=30).json()
            names |= {"notification": sent["id"], "campaign": sent["campaign"]}
            yield Real(url, key, log, names)
        finally:
            process.terminate()
            process.wait(30)


def _filed(gateway: wiring.Gateway) -> dict[str, str]:
    """A demand that its institution has."""
    caller = Caller(msisdn="+2290197000000", channel="africastalking", network="61603", language="fr")
    args = Submission(
        system="etat-civil", fields={"npi": "1234564412"}, personal=frozenset({"npi"}), subject=(), label="...4412",
        language="fr", assurance="number",
    )  # fmt: skip
    submit(gateway.parts, Act("submit", "acte-naissance", 0, args), caller, b"k")
    with gateway.database.begin() as conn:
        row = conn.execute(text("SELECT id, reference FROM submissions")).one()
        submissions.set_state(conn, gateway.parts.seals, row.id, SubmissionState.DELIVERED, gateway.now())
        submission_events.add(conn, row.id, "delivered", gateway.now(), "")
    return {"reference": row.reference}


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/openapi.json", timeout=5).ok
    except requests.ConnectionError:
        return False


@pytest.mark.processes
@pytest.mark.timeout(300)
def test_schemathesis_finds_nothing(real: Real, tmp_path: Path) -> None:
    """Examples, boundaries and random calls, right and wrong ones: no 5xx, and every answer is as specified."""
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "run", f"{real.url}/openapi.json",
        "--header", f"Authorization: Bearer {real.key}", "--seed", SEED, "--generation-deterministic",
        "--max-examples", os.environ.get("SCHEMATHESIS_EXAMPLES", "12"), "--mode", "all",
        "--phases", "examples,coverage,fuzzing", "--checks", ",".join(CHECKS), "--suppress-health-check", "all",
        "--request-timeout", "10", "--no-color",
    ]  # fmt: skip
    named = "".join(f'"{name}" = "{value}"\n' for name, value in real.names.items())
    (tmp_path / "schemathesis.toml").write_text(f"[parameters]\n{named}")
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:] + real.log.read_text()[-3000:]
    assert re.search(r"Test cases:|test cases", done.stdout), done.stdout
    errors = [line for line in real.log.read_text().splitlines() if '"level":"error"' in line]
    assert not errors, errors[:3]


CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "unsupported_method",
    "ignored_auth",
)
