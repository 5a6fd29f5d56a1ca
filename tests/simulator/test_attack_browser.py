"""A page of the network, open in a developer's browser, must not play with his phones."""

import pytest

from gateway.simulator.app import create_app
from gateway.simulator.config import SimulatorConfig


@pytest.fixture
def browser():
    secrets = {"api_key": "k", "backoffice_token": "b", "webhook_secret": "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"}
    app = create_app(SimulatorConfig(**secrets, gateway_url="http://127.0.0.1:9"))
    yield app.test_client()
    app.extensions["world"].close()


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8001", 200),
        ("localhost:8001", 200),
        ("localhost", 200),
        ("[::1]:8001", 200),
        ("evil.example:8001", 403),
        ("evil.example", 403),
        ("127.0.0.1.evil.example:8001", 403),
        ("localhost.evil.example", 403),
        ("127.0.0.1:8001@evil.example", 403),
        ("192.168.1.7:8001", 403),
    ],
)
@pytest.mark.parametrize("path", ["/", "/api/phones", "/api/sent", "/healthz"])
def test_it_answers_to_its_own_names_only(browser, host, status, path):
    with browser.get(path, headers={"Host": host}) as answer:
        assert answer.status_code == status


@pytest.mark.parametrize(
    ("headers", "status", "remark"),
    [
        ({}, 200, "a test or a terminal"),
        ({"Origin": "http://127.0.0.1:8001", "Sec-Fetch-Site": "same-origin"}, 200, "the phone page"),
        ({"Origin": "https://evil.example"}, 403, "a browser that tells no Sec-Fetch-Site"),
        ({"Origin": "null"}, 403, "a page in a sandbox"),
        ({"Origin": "http://127.0.0.1:9999"}, 403, "another program's page on this machine"),
        ({"Sec-Fetch-Site": "cross-site"}, 403, "a form, sent without an origin"),
        (
            {"Origin": "http://evil.example:8001", "Host": "evil.example:8001", "Sec-Fetch-Site": "same-origin"},
            403,
            "rebinding",
        ),
    ],
)
def test_only_its_own_page_changes_something(browser, headers, status, remark):
    answer = browser.post("/api/reset", headers={"Host": "127.0.0.1:8001", **headers})
    assert answer.status_code == status, remark


@pytest.mark.parametrize("path", ["/page/../app.py", "/page/..%2fapp.py", "/page/%2e%2e/app.py", "/page/..%5capp.py"])
def test_files_of_the_page_only(browser, path):
    assert browser.get(path).status_code == 404
