"""`gateway systems check`: the call as it would leave, without a secret, without a call."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests import commands

ROOT = Path(__file__).parents[2]
SHIPPED = (ROOT / "config" / "gateway.yaml").read_text()
MAPPED = """\
    fields:
      submit:
        /numero: /reference
        /demandeur/npi: /fields/npi
        /type: {constant: ACTE}
    paths: {reminder: none}
    poll_every_s: 600
"""


@pytest.fixture
def systems(tmp_path):
    """Runs `gateway systems ...` on the shipped configuration, with more keys for its system."""

    def systems(*arguments, more="", kind="rest", without="-", **environment):
        head = "    institution: anip\n    kind: "
        text = SHIPPED.replace(f"{head}rest\n", f"{head}{kind}\n{more}")
        text = "".join(line for line in text.splitlines(keepends=True) if not line.strip().startswith(f"{without}:"))
        path = tmp_path / "gateway.yaml"
        path.write_text(text)
        (tmp_path / "channels").symlink_to(ROOT / "config" / "channels")
        clean = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
        given = {"GATEWAY_CONFIG": str(path), "GATEWAY_DATA": str(tmp_path / "data"), **environment}
        return commands.run(("systems", *arguments), clean | given)

    return systems


def test_our_own_form(systems, tmp_path):
    done = systems("check", "etat-civil", ETAT_CIVIL_TOKEN="a-real-token")
    assert done.returncode == 0, done.stderr
    assert "POST http://127.0.0.1:8001/backoffice/etat-civil/submissions" in done.stdout
    assert "Authorization: Bearer ***" in done.stdout
    assert '"npi": "exemple"' in done.stdout
    assert "a-real-token" not in done.stdout + done.stderr
    assert not (tmp_path / "data").exists()  # no key was made or read


def test_a_mapped_api(systems):
    done = systems("check", "etat-civil", "--service", "acte-naissance", more=MAPPED)
    assert done.returncode == 0, done.stderr
    assert '"demandeur": {\n    "npi": "exemple"\n  }' in done.stdout
    assert "reminder   cannot be told" in done.stdout
    assert "asked about each open demand every 600 s" in done.stdout


def test_a_field_that_no_service_gives(systems):
    done = systems("check", "etat-civil", more=MAPPED.replace("/fields/npi", "/fields/nip"))
    assert done.returncode == 1
    assert "fields.submit /demandeur/npi: no service gives the field 'nip'" in done.stderr


def test_a_signed_call_shows_no_signature(systems):
    hmac = "    authentication: hmac\n    signing_secret_env: SIGN\n"
    done = systems("check", "etat-civil", more=hmac, without="token_env", SIGN="whsec_" + "B" * 32)
    assert done.returncode == 0, done.stderr
    assert "webhook-id: " + "0" * 32 in done.stdout
    assert "webhook-signature: v1 ***" in done.stdout
    assert "Authorization" not in done.stdout


def test_the_way_through_x_road(systems):
    names = "    client: BJ/GOV/ASIN/PASSERELLE\n    service: BJ/GOV/ANIP/ETATCIVIL/demandes\n"
    done = systems("check", "etat-civil", kind="xroad", more=names, without="token_env")
    assert done.returncode == 0, done.stderr
    assert "/backoffice/etat-civil/r1/BJ/GOV/ANIP/ETATCIVIL/demandes/submissions" in done.stdout
    assert "X-Road-Issue: 000000000000" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("check", "nobody"), "nobody: no such system (known: etat-civil)"),
        (("check", "etat-civil", "--service", "infos"), "infos: no such service submits to etat-civil"),
    ],
)
def test_what_does_not_exist(systems, arguments, said):
    done = systems(*arguments)
    assert done.returncode == 1
    assert said in done.stderr
