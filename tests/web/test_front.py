"""The front of the web process: bounds on a request, the client's address in all its uses, headers on every answer."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from gateway import logs, settings, wiring
from gateway.settings import Settings
from gateway.store import migrate
from gateway.web import front
from gateway.web.headers import security_headers
from tests.web.conftest import Site

TURN = "/channels/africastalking/local/ussd"
FORM = urlencode(
    {"sessionId": "s1", "serviceCode": "*229#", "networkCode": "61603", "phoneNumber": "+2290197000000", "text": ""}
).encode()
PROXY = "10.0.0.1"
OFFICE = "41.85.0.7"  # of the aggregator and of the monitoring
STRANGER = "203.0.113.66"


@pytest.fixture
def declared(tmp_path: Path, redis_url: str) -> Settings:
    environ = {"GATEWAY_DATA": str(tmp_path), "GATEWAY_REDIS": redis_url, "GATEWAY_LOCAL": "1"}
    loaded = settings.load({**environ, "GATEWAY_LOG_LEVEL": "error", "GATEWAY_PUBLIC_URL": "https://x.example"})
    channel = loaded.channels["africastalking"].model_copy(update={"allow_from": (f"{OFFICE}/32",)})
    migrate.upgrade(wiring.database_url(loaded))
    return loaded.model_copy(
        update={
            "trusted_proxies": (f"{PROXY}/32",),
            "monitoring_from": (f"{OFFICE}/32",),
            "channels": {**loaded.channels, "africastalking": channel},
            "limits": loaded.limits.model_copy(update={"verify_per_address_hour": 2}),
        }
    )


@pytest.fixture
def behind(declared: Settings) -> Iterator[Site]:
    """A site behind a proxy of ours."""
    gateway = wiring.build(declared)
    yield Site(gateway)
    gateway.close()


def through(*hops: str, peer: str = PROXY) -> dict[str, str]:
    return {"REMOTE_ADDR": peer, "HTTP_X_FORWARDED_FOR": ", ".join(hops)}


@pytest.mark.parametrize(
    ("environ", "allowed", "remark"),
    [
        (through(OFFICE), True, "the client, through our proxy"),
        ({"REMOTE_ADDR": OFFICE}, True, "directly"),
        (through(STRANGER), False, "a stranger, through our proxy"),
        (through(OFFICE, STRANGER), False, "who says he is the office"),
        (through(OFFICE, peer=STRANGER), False, "and directly"),
        ({"REMOTE_ADDR": STRANGER, "HTTP_FORWARDED": f"for={OFFICE}"}, False, "and in the other header"),
        ({**through(STRANGER), "HTTP_FORWARDED": f"for={OFFICE}"}, False, "and in both"),
        ({"REMOTE_ADDR": PROXY}, False, "our proxy itself"),
    ],
)
def test_callbacks_and_metrics_are_for_the_true_client(
    behind: Site, environ: dict[str, str], allowed: bool, remark: str
) -> None:
    assert behind.call("POST", TURN, FORM, **environ)[0] == (200 if allowed else 403), remark
    assert behind.call("GET", "/metrics", **environ)[0] == (200 if allowed else 404), remark


@pytest.mark.parametrize("name", ["X_FORWARDED_FOR", "FORWARDED", "X_REAL_IP", "VIA", "X_FORWARDED_PROTO"])
def test_a_proxy_that_nobody_declared_opens_no_metrics(site: Site, name: str) -> None:
    """It stands on this machine, so that all the world seems to call from here."""
    assert site.call("GET", "/metrics")[0] == 200
    assert site.call("GET", "/metrics", **{f"HTTP_{name}": "127.0.0.1"})[0] == 404


def test_a_declared_proxy_may_pass_on_who_looks_at_metrics(behind: Site) -> None:
    for environ in ({"HTTP_VIA": "1.1 x"}, {"HTTP_X_REAL_IP": OFFICE}):
        assert behind.call("GET", "/metrics", **through(OFFICE), **environ)[0] == 200


def test_checks_are_counted_by_the_true_client(behind: Site) -> None:
    def check(**environ: str) -> int:
        return behind.call("POST", "/verify", b"reference=482109375628&code=123456", **environ)[0]

    for number in range(3):
        answered = check(**through(str(ipaddress.ip_address("198.18.0.0") + number), STRANGER))
        assert answered == (429 if number == 2 else 200), "a new made-up address is no new client"
    assert check(**through(OFFICE)) == 200, "another client of the same proxy still has his own"


PLENTY = {f"HTTP_X_{number}": "1" for number in range(front.HEADERS_MAX)}


@pytest.mark.parametrize(
    ("method", "path", "environ", "status", "remark"),
    [
        ("GET", "/healthz", {}, 200, "an ordinary request"),
        ("GET", "/healthz", PLENTY, 200, "as many headers as may be"),
        ("GET", "/healthz", PLENTY | {"HTTP_Y": ""}, 431, "one more"),
        ("GET", "/healthz", {"HTTP_X": "x" * (front.HEADER_CHARS_MAX - 6)}, 200, "as large as may be"),
        ("GET", "/healthz", {"HTTP_X": "x" * (front.HEADER_CHARS_MAX - 5)}, 431, "one more character"),
        ("POST", TURN, {"HTTP_COOKIE": "x" * front.HEADER_CHARS_MAX}, 431, "a callback too"),
        ("GET", "/" + "x" * (front.PATH_CHARS_MAX - 1), {}, 404, "the longest path"),
        ("GET", "/" + "x" * front.PATH_CHARS_MAX, {}, 414, "one more character"),
        ("POST", "/channels/" + "x" * front.PATH_CHARS_MAX, {}, 414, "a callback too"),
        ("GET", "/verify", {"QUERY_STRING": "x" * front.QUERY_CHARS_MAX}, 200, "the longest query"),
        ("GET", "/verify", {"QUERY_STRING": "x" * (front.QUERY_CHARS_MAX + 1)}, 414, "one more character"),
        ("POST", "/verify", {"CONTENT_LENGTH": "16385"}, 413, "a body too large"),
        ("POST", TURN, {"CONTENT_LENGTH": "16385"}, 413, "a callback's too"),
        ("TRACE", "/healthz", {}, 405, "a method that repeats headers"),
        ("CONNECT", "/healthz", {}, 405, "a method for proxies"),
        ("EVIL", TURN, {}, 405, "no method"),
        ("get", "/healthz", {}, 405, "methods are in capitals"),
        ("DELETE", "/verify", {}, 405, "not of this page"),
        ("GET", "/verify/", {}, 200, "a slash too many is no redirect"),
        ("GET", "//evil.example/verify", {}, 404, "another host in the path"),
    ],
)
def test_bounds(site: Site, method: str, path: str, environ: dict[str, str], status: int, remark: str) -> None:
    answered, headers, _ = site.call(method, path, b"", **environ)
    assert answered == status, remark
    assert set(dict(security_headers(""))) <= set(headers), remark


WANTED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=31536000",
}


@pytest.mark.parametrize(
    ("method", "path", "environ"),
    [
        ("GET", "/", {}),
        ("GET", "/verify", {}),
        ("POST", "/verify", {}),
        ("GET", "/nothing", {}),
        ("DELETE", "/verify", {}),
        ("POST", "/backoffice/etat-civil/events", {}),
        ("POST", "/backoffice/etat-civil/events", {"CONTENT_LENGTH": "99999"}),
        ("GET", "/metrics", {"REMOTE_ADDR": STRANGER}),
        ("GET", "/metrics", {"REMOTE_ADDR": OFFICE}),
        ("GET", "/channels/x/y/ussd", {}),
        ("POST", TURN, {}),
        ("TRACE", "/", {}),
    ],
)
def test_every_answer_of_the_site_has_the_headers(
    behind: Site, method: str, path: str, environ: dict[str, str]
) -> None:
    _, headers, _ = behind.call(method, path, b"", **environ)
    assert headers | WANTED == headers
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; ")
    assert headers["Content-Security-Policy"].endswith("frame-ancestors 'none'")
    assert "camera=()" in headers["Permissions-Policy"]
    assert not {"X-Powered-By", "Set-Cookie"} & set(headers)


def test_no_https_is_promised_where_it_is_not_known(site: Site) -> None:
    assert "Strict-Transport-Security" not in site.call("GET", "/verify")[1]


def test_an_error_that_nobody_caught_says_nothing() -> None:
    lines: list[bytes] = []
    logs.start("error", wiring.now, lines.append)

    def broken(environ: front.Environ, start_response: front.StartResponse) -> list[bytes]:
        raise RuntimeError(environ["PATH_INFO"])

    seen: list[str] = []
    environ = {"PATH_INFO": "/channels/at/s3cret/ussd", "REQUEST_METHOD": "POST"}
    guarded = front.behind_front(broken, (), security_headers(""))
    body = b"".join(guarded(environ, lambda status, headers: seen.append(status)))
    assert (seen, body) == (["500 Internal Server Error"], b"internal server error\n")
    assert b"RuntimeError" in lines[-1]
    assert b"s3cret" not in b"".join(lines)
