"""Sending through Africa's Talking, against a real server that answers, misbehaves, or is not there."""

import ipaddress
import json
import logging
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.channels import build
from gateway.channels.base import Channel
from gateway.messages import MtSms, SendOutcome, SendResult
from gateway.settings import ChannelSettings

ROWS = json.loads((Path(__file__).parent / "cases" / "africastalking_send.json").read_text(encoding="utf-8"))["cases"]
KEY = "atsk_0123456789"
ONE = "+2290197000000"
TWO = "+2290160000000"
TEXT = "Bonjour é & c'est prêt"
SMS = MtSms("at", "EGOUV", TEXT, (ONE,))

Script = Callable[[socket.socket, bytes], None]


class Server:
    """A server whose script receives each connection and request; it keeps what it was sent."""

    def __init__(self, script: Script, tls: ssl.SSLContext | None = None) -> None:
        self.script = script
        self.requests: list[bytes] = []
        self.connections = 0
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._threads = [threading.Thread(target=self._accept)]
        self._open: list[socket.socket] = []
        self._threads[0].start()

    @property
    def address(self) -> str:
        scheme = "https" if self._tls else "http"
        return f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}/version1"

    def stop(self) -> None:
        for opened in [self._listener, *self._open]:
            with suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)
            opened.close()
        for thread in self._threads:
            thread.join(timeout=10)
            assert not thread.is_alive()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            self._threads.append(threading.Thread(target=self._serve, args=(connection,)))
            self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError):
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            while request := read_request(connection):
                self.requests.append(request)
                self.script(connection, request)
        connection.close()


def read_request(connection: socket.socket) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received:
        more = connection.recv(65536)
        if not more:
            return b""
        received += more
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(int(h.split(b":")[1]) for h in head.split(b"\r\n") if h.lower().startswith(b"content-length"))
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def answering(status: int, body: bytes | str, headers: str = "Content-Type: application/json\r\n") -> Script:
    sent = body.encode() if isinstance(body, str) else body
    head = f"HTTP/1.1 {status} Whatever\r\n{headers}Content-Length: {len(sent)}\r\n\r\n".encode()
    return lambda connection, _: connection.sendall(head + sent)


def raw(data: bytes) -> Script:
    """Sends `data` and closes."""

    def script(connection: socket.socket, _: bytes) -> None:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_RDWR)

    return script


def recipients(*rows: dict, message: str = "Sent to 1/1 Total Cost: XOF 15.0000") -> str:
    return json.dumps({"SMSMessageData": {"Message": message, "Recipients": list(rows)}})


def accepted(number: str = ONE, **changes: object) -> dict:
    row = {"statusCode": 101, "number": number, "status": "Success", "cost": "XOF 15.0000", "messageId": "ATXid_1"}
    return {**row, **changes}


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(script: Script, tls: ssl.SSLContext | None = None) -> Server:
        servers.append(Server(script, tls))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def channel_to(address: str, key: str | None = KEY, **settings: object) -> Channel:
    values = {
        "kind": "africastalking",
        "username": "sandbox",
        "base_url": address,
        "sms": True,
        "connect_timeout_s": 2,
        "read_timeout_s": 2,
        **settings,
    }
    return build("at", ChannelSettings.model_validate(values), config_folder=Path(), api_key=key, region="BJ")


def outcome(result: tuple[SendResult, ...]) -> tuple[SendOutcome, str]:
    (only,) = result
    return only.outcome, only.code


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["remark"])
def test_recipient_answers(serve: Callable[..., Server], row: dict) -> None:
    server = serve(answering(row["status"], row["answer"], f"Content-Type: {row['content_type']}\r\n"))
    expect = {**row["expect"], "outcome": SendOutcome(row["expect"]["outcome"])}
    assert channel_to(server.address).send(SMS) == (SendResult(ONE, **expect),)


def test_the_request_is_the_sdks(serve: Callable[..., Server]) -> None:
    server = serve(answering(201, recipients(accepted(), accepted(TWO))))
    channel_to(server.address).send(MtSms("at", "EGOUV", TEXT, (ONE, TWO)))
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /version1/messaging HTTP/1.1\r\n")
    assert f"apiKey: {KEY}".encode() in head
    assert b"Accept: application/json" in head
    assert b"User-Agent: africastalking-python/2.0.0" in head
    assert body == (
        b"username=sandbox&to=%2B2290197000000%2C%2B2290160000000"
        b"&message=Bonjour+%C3%A9+%26+c%27est+pr%C3%AAt&bulkSMSMode=1&from=EGOUV"
    )


def test_no_sender_is_the_aggregators_default(serve: Callable[..., Server]) -> None:
    server = serve(answering(201, recipients(accepted())))
    channel_to(server.address).send(MtSms("at", "", TEXT, (ONE,)))
    assert b"from=" not in server.requests[0]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (302, SendOutcome.REJECTED),
        (400, SendOutcome.REJECTED),
        (401, SendOutcome.STOP),
        (403, SendOutcome.REJECTED),
        (404, SendOutcome.REJECTED),
        (408, SendOutcome.REJECTED),
        (429, SendOutcome.RETRY),
        (499, SendOutcome.REJECTED),
        (500, SendOutcome.RETRY),
        (501, SendOutcome.REJECTED),
        (502, SendOutcome.RETRY),
        (503, SendOutcome.RETRY),
        (504, SendOutcome.UNKNOWN),
        (505, SendOutcome.REJECTED),
    ],
)
def test_http_statuses(serve: Callable[..., Server], status: int, expected: SendOutcome) -> None:
    # A body that would be an acceptance changes nothing: only 2xx is read.
    server = serve(answering(status, recipients(accepted())))
    assert outcome(channel_to(server.address).send(SMS)) == (expected, f"http_{status}")
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("value", "seconds", "remark"),
    [
        ("7", 7, "seconds"),
        ("0", 0, "at once"),
        ("999999", 86_400, "no longer than a day"),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None, "a date is left to our own delay"),
        ("-1", None, "no number"),
        ("٣", None, "no ASCII digit"),
    ],
)
def test_retry_after(serve: Callable[..., Server], value: str, seconds: int | None, remark: str) -> None:
    head = f"HTTP/1.1 429 Slow\r\nRetry-After: {value}\r\nContent-Length: 0\r\n\r\n"
    server = serve(raw(head.encode()))
    (result,) = channel_to(server.address).send(SMS)
    assert (result.outcome, result.retry_after_s) == (SendOutcome.RETRY, seconds), remark


# Nothing left: may be tried again.


def test_refused_connection_is_retried() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert outcome(channel_to(f"http://127.0.0.1:{port}").send(SMS)) == (SendOutcome.RETRY, "not_sent")


def test_connection_that_nobody_takes_is_retried() -> None:
    # A listener whose queue is full leaves a new connection without an answer.
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = []
        try:
            for _ in range(3):
                client = socket.socket()
                client.setblocking(False)
                client.connect_ex(full.getsockname())
                waiting.append(client)
            address = f"http://127.0.0.1:{full.getsockname()[1]}"
            result = channel_to(address, connect_timeout_s=0.3, read_timeout_s=0.3).send(SMS)
        finally:
            for client in waiting:
                client.close()
    assert outcome(result) == (SendOutcome.RETRY, "not_sent")


def test_unknown_host_is_retried() -> None:
    assert outcome(channel_to("http://aggregator.invalid").send(SMS)) == (SendOutcome.RETRY, "not_sent")


def test_tls_that_is_not_tls_is_retried() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        result = channel_to(f"https://127.0.0.1:{listener.getsockname()[1]}").send(SMS)
        thread.join(timeout=10)
    assert outcome(result) == (SendOutcome.RETRY, "not_sent")


def test_certificate_that_nobody_vouches_for_is_retried(serve: Callable[..., Server], tmp_path: Path) -> None:
    server = serve(answering(201, recipients(accepted())), certificate(tmp_path))
    assert outcome(channel_to(server.address).send(SMS)) == (SendOutcome.RETRY, "not_sent")
    assert server.requests == []


def certificate(folder: Path) -> ssl.SSLContext:
    """A server's TLS context with its own certificate, which is written to server.pem."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


# Bytes left and no complete answer came: never resent.


def reset(connection: socket.socket, _: bytes) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


ANSWER = recipients(accepted()).encode()


@pytest.mark.parametrize(
    ("script", "remark"),
    [
        (reset, "reset"),
        (raw(b""), "closed without a word"),
        (raw(b"HTTP/1.1 201 Cre"), "half a status line"),
        (raw(b"HTTP/1.1 201 Created\r\nContent-Le"), "half a header"),
        (raw(b"HTTP/1.1 503 Bu"), "half a status line of an error"),
        (raw(b"HTTP/1.1 201 Created\r\nContent-Length: 500\r\n\r\n" + ANSWER), "a body shorter than told"),
        (raw(b"HTTP/1.1 503 Busy\r\nContent-Length: 500\r\n\r\nno"), "even of an error"),
        (raw(b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{"), "half a chunk"),
        (raw(b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{"), "a chunk of no size"),
        (
            answering(201, b"not gzip", "Content-Encoding: gzip\r\n"),
            "a body that cannot be decoded",
        ),
        (raw(b"SSH-2.0-OpenSSH_9.2\r\n"), "another protocol"),
        (raw(b"HTTP/1.1 abc\r\n\r\n"), "a status that is none"),
        (raw(b"HTTP/1.1 201 Created\r\n" + b"A: b\r\n" * 300 + b"\r\n"), "too many headers"),
        (raw(b"HTTP/1.1 201 Created\r\nA: " + b"b" * 70_000 + b"\r\n\r\n"), "a header too long"),
        (raw(b"HTTP/1.1 201 Created\r\nContent-Length: 2000000\r\n\r\n" + b" " * 2_000_000), "a body too long"),
        (raw(b"HTTP/1.1 201 Created\r\nContent-Length: 1, 2\r\n\r\n{}"), "two lengths"),
    ],
)
def test_no_complete_answer_is_unknown(serve: Callable[..., Server], script: Script, remark: str) -> None:
    server = serve(script)
    assert outcome(channel_to(server.address).send(SMS)) == (SendOutcome.UNKNOWN, "no_answer"), remark
    assert len(server.requests) == 1


def test_an_old_proxys_page_without_a_length_is_an_answer(serve: Callable[..., Server]) -> None:
    server = serve(raw(b"HTTP/1.0 503 Service Unavailable\r\nConnection: close\r\n\r\n<html>no server</html>"))
    assert outcome(channel_to(server.address).send(SMS)) == (SendOutcome.RETRY, "http_503")


def test_no_answer_in_time_is_unknown(serve: Callable[..., Server]) -> None:
    server = serve(lambda connection, request: None)
    result = channel_to(server.address, read_timeout_s=0.3).send(SMS)
    assert outcome(result) == (SendOutcome.UNKNOWN, "no_answer")
    assert len(server.requests) == 1


def test_a_body_that_stops_is_unknown(serve: Callable[..., Server]) -> None:
    server = serve(lambda connection, _: connection.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 500\r\n\r\n{"))
    result = channel_to(server.address, read_timeout_s=0.3).send(SMS)
    assert outcome(result) == (SendOutcome.UNKNOWN, "no_answer")


@pytest.mark.parametrize(
    "start", [b"HTTP/1.1 201 Created\r\nA: ", b"HTTP/1.1 201 Created\r\nContent-Length: 500\r\n\r\n"]
)
@pytest.mark.parametrize("tls", [False, True])
def test_an_answer_that_drips_is_cut_off(serve: Callable[..., Server], tmp_path: Path, start: bytes, tls: bool) -> None:
    stopped = threading.Event()

    def drip(connection: socket.socket, _: bytes) -> None:
        connection.sendall(start)
        while not stopped.wait(0.05):  # well within the read timeout of 0.3 s
            connection.sendall(b"x")

    server = serve(drip, certificate(tmp_path) if tls else None)
    channel = channel_to(server.address, connect_timeout_s=0.3, read_timeout_s=0.3)
    if tls:
        channel._sms._client._session.verify = str(tmp_path / "server.pem")  # type: ignore[attr-defined]
    try:
        result = channel.send(SMS)
    finally:
        stopped.set()
    assert outcome(result) == (SendOutcome.UNKNOWN, "no_answer")
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (answering(201, ANSWER), (SendOutcome.ACCEPTED, "Success")),
        (reset, (SendOutcome.UNKNOWN, "no_answer")),
    ],
)
def test_over_tls(
    serve: Callable[..., Server], tmp_path: Path, script: Script, expected: tuple[SendOutcome, str]
) -> None:
    server = serve(script, certificate(tmp_path))
    channel = channel_to(server.address)
    channel._sms._client._session.verify = str(tmp_path / "server.pem")  # type: ignore[attr-defined]
    assert outcome(channel.send(SMS)) == expected


@pytest.mark.parametrize(
    ("body", "remark"),
    [
        ("", "nothing"),
        ("<html>Welcome to the hotel</html>", "another server's page"),
        ("{", "half a JSON"),
        ("[]", "not an object"),
        ("null", "nothing at all"),
        ("{}", "no message data"),
        ('{"SMSMessageData": null}', "null message data"),
        ('{"SMSMessageData": {"Recipients": {}}}', "recipients that are no list"),
        ('{"SMSMessageData": {"Recipients": [7]}}', "a recipient that is no object"),
        ('{"SMSMessageData": {"Message": "\\ud800"}}', "half a surrogate pair"),
        ("[" * 100_000, "deeper than anyone reads"),
        ('{"SMSMessageData": {"Message": "é"}}'.encode("latin-1"), "not UTF-8"),
    ],
)
def test_unreadable_success_is_unknown(serve: Callable[..., Server], body: bytes | str, remark: str) -> None:
    server = serve(answering(201, body))
    result = channel_to(server.address).send(SMS)
    assert outcome(result) == (SendOutcome.UNKNOWN, "unreadable_answer"), remark


def test_a_success_without_content_is_unknown(serve: Callable[..., Server]) -> None:
    server = serve(raw(b"HTTP/1.1 204 No Content\r\n\r\n"))
    assert outcome(channel_to(server.address).send(SMS)) == (SendOutcome.UNKNOWN, "unreadable_answer")


# What an answer says of each recipient.


@pytest.mark.parametrize(
    ("row", "expected", "remark"),
    [
        (accepted(messageId="None"), (SendOutcome.ACCEPTED, "Success", None), "accepted, with no id"),
        (accepted(messageId=None), (SendOutcome.ACCEPTED, "Success", None), "accepted, null id"),
        (accepted(messageId="a b"), (SendOutcome.ACCEPTED, "Success", None), "accepted, an id that is none"),
        (accepted(statusCode="101"), (SendOutcome.ACCEPTED, "Success", "ATXid_1"), "a code as text"),
        (accepted(statusCode=199), (SendOutcome.ACCEPTED, "Success", "ATXid_1"), "a new code of acceptance"),
        (accepted(statusCode=99), (SendOutcome.REJECTED, "Success", None), "below the codes of acceptance"),
        (accepted(statusCode=200), (SendOutcome.REJECTED, "Success", None), "above them"),
        (accepted(statusCode=599, status="New"), (SendOutcome.REJECTED, "New", None), "a code unknown to us"),
        (accepted(statusCode=402, status="a b"), (SendOutcome.REJECTED, "402", None), "no word for a log"),
        (accepted(statusCode=None), (SendOutcome.UNKNOWN, "unreadable_recipient", None), "no code"),
        (accepted(statusCode=[1]), (SendOutcome.UNKNOWN, "unreadable_recipient", None), "no number"),
        (accepted("2290197000000"), (SendOutcome.ACCEPTED, "Success", "ATXid_1"), "a number without its plus"),
        (accepted(TWO), (SendOutcome.UNKNOWN, "missing_recipient", None), "another number"),
        (accepted("x"), (SendOutcome.UNKNOWN, "missing_recipient", None), "no number at all"),
        ({}, (SendOutcome.UNKNOWN, "missing_recipient", None), "an empty recipient"),
    ],
)
def test_recipients_at_their_edges(
    serve: Callable[..., Server], row: dict, expected: tuple[SendOutcome, str, str | None], remark: str
) -> None:
    server = serve(answering(201, recipients(row)))
    (result,) = channel_to(server.address).send(SMS)
    assert (result.outcome, result.code, result.external_id) == expected, remark


@pytest.mark.parametrize(
    ("message", "expected", "code"),
    [
        ("InvalidSenderId", SendOutcome.REJECTED, "InvalidSenderId"),
        ("InsufficientBalance", SendOutcome.STOP, "InsufficientBalance"),
        ("InternalServerError", SendOutcome.RETRY, "InternalServerError"),
        ("GatewayError", SendOutcome.RETRY, "GatewayError"),
        ("Sent to 0/1 Total Cost: 0", SendOutcome.UNKNOWN, "missing_recipient"),
        ("", SendOutcome.UNKNOWN, "missing_recipient"),
    ],
)
def test_one_word_for_the_whole_call(
    serve: Callable[..., Server], message: str, expected: SendOutcome, code: str
) -> None:
    server = serve(answering(201, recipients(message=message)))
    results = channel_to(server.address).send(MtSms("at", "", TEXT, (ONE, TWO)))
    assert [(r.msisdn, r.outcome, r.code) for r in results] == [(ONE, expected, code), (TWO, expected, code)]


def test_each_recipient_is_read_on_its_own(serve: Callable[..., Server]) -> None:
    third = "+2290195000000"
    server = serve(answering(201, recipients(accepted(TWO, statusCode=406, status="UserInBlacklist"), accepted(ONE))))
    results = channel_to(server.address).send(MtSms("at", "", TEXT, (ONE, TWO, third, "97000000")))
    assert [(r.msisdn, r.outcome, r.code) for r in results] == [
        (ONE, SendOutcome.ACCEPTED, "Success"),
        (TWO, SendOutcome.REJECTED, "UserInBlacklist"),
        (third, SendOutcome.UNKNOWN, "missing_recipient"),
        ("97000000", SendOutcome.REJECTED, "invalid_number"),
    ]
    assert b"97000000" not in server.requests[0].replace(b"%2B2290197000000", b"")


@pytest.mark.parametrize("number", ["97000000", "+22997000000", "2290197000000", "+2290197000000\n", "", "+٢٢٩"])
def test_no_call_for_a_number_that_is_none(serve: Callable[..., Server], number: str) -> None:
    server = serve(answering(201, recipients(accepted())))
    result = channel_to(server.address).send(MtSms("at", "", TEXT, (number,)))
    assert outcome(result) == (SendOutcome.REJECTED, "invalid_number")
    assert server.requests == []


def test_no_call_for_a_text_that_cannot_be_sent(serve: Callable[..., Server]) -> None:
    server = serve(answering(201, recipients(accepted())))
    result = channel_to(server.address).send(MtSms("at", "", "a\ud800", (ONE,)))
    assert outcome(result) == (SendOutcome.REJECTED, "unsendable_text")
    assert server.requests == []


def test_more_recipients_than_a_call_takes_are_several_calls(serve: Callable[..., Server]) -> None:
    server = serve(answering(201, recipients(accepted(ONE), accepted(TWO))))
    channel = channel_to(server.address, max_recipients_per_call=1)
    results = channel.send(MtSms("at", "", TEXT, (ONE, TWO)))
    assert [r.outcome for r in results] == [SendOutcome.ACCEPTED, SendOutcome.ACCEPTED]
    assert len(server.requests) == 2


def test_after_a_stop_no_other_call_leaves(serve: Callable[..., Server]) -> None:
    server = serve(answering(401, "The supplied authentication is invalid"))
    channel = channel_to(server.address, max_recipients_per_call=1)
    results = channel.send(MtSms("at", "", TEXT, (ONE, TWO)))
    assert [(r.outcome, r.code) for r in results] == [(SendOutcome.STOP, "http_401")] * 2
    assert len(server.requests) == 1


@pytest.mark.parametrize("key", [None, "", "  "])
def test_without_a_key_nothing_leaves(serve: Callable[..., Server], key: str | None) -> None:
    server = serve(answering(201, recipients(accepted())))
    assert outcome(channel_to(server.address, key).send(SMS)) == (SendOutcome.STOP, "no_api_key")
    assert server.requests == []


# The connection.


@pytest.mark.parametrize("location", ["/version1/elsewhere", "http://[", "https://example.com/", "\xff"])
def test_redirects_are_not_followed(serve: Callable[..., Server], location: str) -> None:
    head = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
    server = serve(raw(head.encode("latin-1")))
    assert outcome(channel_to(server.address).send(SMS)) == (SendOutcome.REJECTED, "http_302")
    assert len(server.requests) == 1


def test_a_connection_is_kept(serve: Callable[..., Server]) -> None:
    server = serve(answering(201, recipients(accepted())))
    channel = channel_to(server.address)
    for _ in range(3):
        assert outcome(channel.send(SMS))[0] is SendOutcome.ACCEPTED
    assert (server.connections, len(server.requests)) == (1, 3)


def test_a_kept_connection_that_the_server_closed_is_opened_again(serve: Callable[..., Server]) -> None:
    head = f"HTTP/1.1 201 Created\r\nContent-Length: {len(ANSWER)}\r\n\r\n".encode()
    closed = threading.Event()

    def answer_and_close(connection: socket.socket, request: bytes) -> None:
        raw(head + ANSWER)(connection, request)
        closed.set()

    server = serve(answer_and_close)
    channel = channel_to(server.address)
    for _ in range(3):
        assert outcome(channel.send(SMS))[0] is SendOutcome.ACCEPTED
        # A request that crosses the close on its way is unknown, and rightly so: here it comes after.
        assert closed.wait(10)
        closed.clear()
    assert (server.connections, len(server.requests)) == (3, 3)


def test_nothing_comes_from_the_environment_or_stays_in_cookies(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login someone password else\n", encoding="ascii")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "")
    server = serve(answering(201, recipients(accepted()), "Content-Type: application/json\r\nSet-Cookie: a=b\r\n"))
    channel = channel_to(server.address)
    for _ in range(2):
        assert outcome(channel.send(SMS))[0] is SendOutcome.ACCEPTED
    assert b"Cookie" not in b"".join(server.requests)
    assert b"Authorization" not in b"".join(server.requests)


def test_threads_do_not_mix_their_answers(serve: Callable[..., Server]) -> None:
    def echo(connection: socket.socket, request: bytes) -> None:
        form = parse_qs(request.partition(b"\r\n\r\n")[2].decode())
        if form["message"][0].endswith("0"):  # every tenth is cut off after it left
            reset(connection, request)
            return
        answer = recipients(accepted(messageId=form["message"][0]))
        answering(201, answer)(connection, request)

    server = serve(echo)
    channel = channel_to(server.address)

    def send(number: int) -> SendResult:
        return channel.send(MtSms("at", "", f"m{number}", (ONE,)))[0]

    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(send, range(100)))
    for number, result in enumerate(results):
        if number % 10:
            assert (result.outcome, result.external_id) == (SendOutcome.ACCEPTED, f"m{number}")
        else:
            assert result.outcome is SendOutcome.UNKNOWN


def test_no_number_text_or_key_in_logs(serve: Callable[..., Server], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for script in (answering(201, recipients(accepted())), answering(500, KEY + ONE), reset):
        result = channel_to(serve(script).address).send(SMS)
        assert KEY not in repr(result)
    for secret in (KEY, "97000000", "Bonjour"):
        assert secret not in caplog.text
