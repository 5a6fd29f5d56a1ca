"""What docs/connect-institution.md shows is accepted, and does what it says there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from gateway.backoffice import mapping
from gateway.settings import XroadSystem, load

GUIDE = (Path(__file__).parents[1] / "docs" / "connect-institution.md").read_text()
BEFORE = """\
channels:
  one: {kind: africastalking, sms: true}
senders: {s: {channel: one}}
sms: {sender: s}
institutions:
  anip: {name: {fr: ANIP, en: ANIP}}
"""
EXAMPLES = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)


@pytest.fixture
def systems(tmp_path):
    def systems(example):
        path = tmp_path / "gateway.yaml"
        path.write_text(BEFORE + example)
        return load({"GATEWAY_CONFIG": str(path)}).systems

    return systems


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_each_example_is_accepted(systems, example):
    (declared,) = systems(example).values()
    assert declared.lease_s > declared.connect_timeout_s + declared.read_timeout_s


def test_the_mapped_example_does_what_it_shows(systems):
    (example,) = (one for one in EXAMPLES if "registre:" in one)
    declared = systems(example)["registre"]
    sent, taken, later = re.findall(r"^(?:201  |200  |)(\{.*\})$", GUIDE, re.MULTILINE)
    demand = {"reference": "482109375628", "applicant": {"msisdn": "+2290197000000"}, "fields": {"npi": "1234567890"}}
    assert json.loads(mapping.body(demand, declared.fields.submit)) == json.loads(sent)
    first, then = (mapping.read(declared.answers, raw.encode()) for raw in (taken, later))
    assert (first.meaning, first.case_number) == ("delivered", "RC-77")
    assert mapping.path(declared.paths.status, reference="1", case=first.case_number) == "/v2/demandes/RC-77"
    assert (then.meaning, then.question) == ("more_needed", {"fr": "Joindre la copie du statut"})
    assert then.news == "2026-11-24T09:00:00Z"


def test_the_simulated_service_is_the_one_of_the_example(systems):
    from gateway.simulator import xroad

    (example,) = (one for one in EXAMPLES if "xroad" in one)
    (declared,) = systems(example).values()
    assert isinstance(declared, XroadSystem)
    assert (declared.client, tuple(declared.service.split("/"))) == (xroad.CLIENT, xroad.SERVICE)
