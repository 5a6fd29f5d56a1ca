"""The simulated X-Road server, called by the gateway's own connector and by hand."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from gateway.backoffice.build import build
from gateway.messages import BackofficeRequest, BackofficeStatement, Decision, HandOver, StatementKind
from gateway.settings import XroadSystem
from gateway.simulator.switches import SECURITY_SERVER

NOW = datetime(2026, 11, 23, 13, 5, tzinfo=UTC)
BELOW = "/xroad/r1/BJ/GOV/ANIP/ETATCIVIL/demandes"
CLIENT = {"X-Road-Client": "BJ/GOV/ASIN/PASSERELLE"}


def demand(npi: str = "1234567891") -> BackofficeRequest:
    fields: dict[str, str | int] = {"npi": npi}
    return BackofficeRequest(
        f"k-{npi}", "482109375628", "acte-naissance", NOW, "", "fr", "+2290197000000", "number", fields
    )


@pytest.fixture
def connect() -> Iterator[Callable[..., Any]]:
    made: list[Any] = []

    def connect(simulator: Any, **more: Any) -> Any:
        declared: dict[str, Any] = {
            "client": CLIENT["X-Road-Client"],
            "service": "BJ/GOV/ANIP/ETATCIVIL/demandes",
            "poll_every_s": 1,
        }
        declared |= {"read_timeout_s": 2}
        system = XroadSystem(institution="anip", kind="xroad", url=simulator.url + "/xroad", **(declared | more))
        made.append(build("etat-civil", system, token="", now=lambda: NOW))
        return made[-1]

    yield connect
    for one in made:
        one.close()


def test_a_demand_goes_through_and_its_proof_comes_back(simulator: Any, connect: Any, until: Any) -> None:
    office = connect(simulator)
    answer = office.submit(demand())
    assert (answer.outcome, answer.code) == (HandOver.ACCEPTED, "accepted")
    assert len(base64.b64decode(answer.evidence.digest)) == 64
    (case,) = simulator.call("GET", "/api/backoffice").json()["cases"]
    assert case["case"] == answer.case_number
    until(lambda: simulator.call("GET", "/api/backoffice").json()["cases"][0]["state"] == "granted")
    (event,) = office.poll("482109375628", "")
    assert (event.decision, event.message["fr"]) == (Decision.GRANTED, "Votre acte est disponible.")
    assert office.withdraw("482109375628", "k-1").outcome is HandOver.ACCEPTED


def test_what_a_citizen_says_goes_through_too(simulator: Any, connect: Any) -> None:
    office = connect(simulator)
    said = BackofficeStatement(
        "s-1", "482109375628", "acte-naissance", StatementKind.CORRECTION, "Erreur: a", NOW, "", ""
    )
    office.submit(demand())
    assert office.state(said).code == "http_200"
    (case,) = simulator.call("GET", "/api/backoffice").json()["cases"]
    assert case["statements"] == [{"kind": "correction", "text": "Erreur: a"}]


FAILURES = {
    # the switch -> code, whether a person must look
    "down": ("cut", False),
    "client_error": ("xroad.client.badrequest", True),
    "consumer_error": ("xroad.server.clientproxy.outdatedglobalconf", False),
    "provider_error": ("xroad.server.serverproxy.networkerror", False),
    "denied": ("xroad.server.serverproxy.accessdenied", True),
    "snake_case": ("xroad.server.clientproxy.globalconfoutdated", False),
    "slow": ("too_slow", False),
}


def test_every_switch_has_its_row() -> None:
    assert set(SECURITY_SERVER) - {"normal"} == set(FAILURES)


@pytest.mark.parametrize("switch", FAILURES)
def test_each_failure_is_survived(start: Any, connect: Any, switch: str) -> None:
    simulator = start(hold_s=3.0)
    office = connect(simulator, read_timeout_s=1, connect_timeout_s=0.5)
    assert simulator.call("PUT", "/api/switches", {"security_server": switch}).status_code == 200
    answer = office.submit(demand())
    code, look = FAILURES[switch]
    assert (answer.outcome, answer.code, answer.misconfigured) == (HandOver.RETRY, code, look)
    simulator.call("PUT", "/api/switches", {"security_server": "normal"})
    assert office.submit(demand()).outcome is HandOver.ACCEPTED
    (case,) = simulator.call("GET", "/api/backoffice").json()["cases"]
    assert case["calls"] == (2 if switch == "slow" else 1)


def test_the_institutions_own_failure_is_not_x_roads(simulator: Any, connect: Any) -> None:
    simulator.call("PUT", "/api/switches", {"backoffice_down": True})
    answer = connect(simulator).submit(demand())
    assert (answer.outcome, answer.code) == (HandOver.RETRY, "http_503")


REFUSED = [
    # target, headers, status, X-Road-Error, remark
    (f"{BELOW}/submissions/482109375628", {}, 400, "Client.BadRequest", "no client"),
    (
        f"{BELOW}/submissions/482109375628",
        {"X-Road-Client": "BJ/GOV/ASIN/AUTRE"},
        500,
        "Server.ServerProxy.AccessDenied",
        "not known",
    ),
    (
        f"{BELOW}/submissions/482109375628",
        CLIENT | {"Authorization": "Bearer x"},
        400,
        "Client.BadRequest",
        "a token to the server",
    ),
    (
        "/xroad/r1/BJ/GOV/ANIP/ETATCIVIL/autre/submissions/482109375628",
        CLIENT,
        500,
        "Server.ServerProxy.UnknownService",
        "no such service",
    ),
    (
        "/xroad/r1/BJ%2FGOV%2FANIP%2FETATCIVIL%2Fdemandes/a/b/c/d/submissions/1",
        CLIENT,
        400,
        "Client.BadRequest",
        "separators must not be encoded",
    ),
    ("/xroad/r2/BJ/GOV/ANIP/ETATCIVIL/demandes/submissions/1", CLIENT, 400, "Client.BadRequest", "another version"),
    ("/xroad/r1/BJ/GOV", CLIENT, 500, "Server.ServerProxy.UnknownService", "too few parts"),
    (f"{BELOW}/submissions/{'1' * 2000}", CLIENT, 400, "Client.BadRequest", "too long"),
]


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: row[-1])
def test_what_the_server_refuses(simulator: Any, row: Any) -> None:
    target, headers, status, error, _ = row
    answer = requests.get(simulator.url + target, headers=headers, timeout=5)
    assert (answer.status_code, answer.headers["X-Road-Error"], answer.json()["type"]) == (status, error, error)
    assert "X-Road-Request-Hash" not in answer.headers


def test_an_unknown_reference_is_the_institutions_answer(simulator: Any) -> None:
    answer = requests.get(f"{simulator.url}{BELOW}/submissions/482109375628", headers=CLIENT, timeout=5)
    assert (answer.status_code, answer.json()) == (404, {"status": "unknown"})
    assert "X-Road-Error" not in answer.headers
    assert re.fullmatch(r"[0-9a-f-]{36}", answer.headers["X-Road-Id"])
