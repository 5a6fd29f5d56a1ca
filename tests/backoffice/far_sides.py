"""Institutions' systems as each kind of connector meets them: real servers on loopback, written from the protocols.

They import nothing of the connectors. `Far` is what the contract needs of any other side, whatever it speaks.
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

TOKEN = "t0ken-of-the-contract"
SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
CLIENT = "BJ/GOV/ASIN/PASSERELLE"
SERVICE = ["BJ", "GOV", "ANIP+(test)", "ETAT-CIVIL", "demandes"]


@dataclass
class Request:
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Reply:
    status: int
    document: Any = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Heard:
    """What the institution understood: `what` is submit, withdraw, statement, reminder, status or lookup."""

    what: str
    about: str  #: a reference, or the name of a source
    key: str
    document: Any = None


@dataclass
class Far:
    """An institution. Says `answer` to a new submission, `state` when it is asked, and remembers what it heard."""

    dialect: Any
    answer: tuple[str, dict[str, Any]] = ("accepted", {})
    state: tuple[str, dict[str, Any]] = ("accepted", {})
    away: bool = False  #: 503
    lose: int = 0  #: so many answers are lost after they had their effect
    elsewhere: bool = False  #: answers with a redirect
    heard: list[Heard] = field(default_factory=list)
    cases: dict[str, str] = field(default_factory=dict)  #: idempotency key -> file number

    def take(self, request: Request) -> Reply:
        if self.away:
            return self.dialect.away()
        if self.elsewhere:
            return Reply(302, None, {"Location": "/elsewhere"})
        refusal = self.dialect.refuses(request)
        if refusal is not None:
            return refusal
        heard = self.dialect.understand(request)
        if heard is None:
            return Reply(404, {"status": "no such place"})
        self.heard.append(heard)
        reply = self._reply(heard)
        reply.headers |= self.dialect.adds(request)
        return reply

    def _reply(self, heard: Heard) -> Reply:
        if heard.what == "submit":
            word, more = self.answer
            if word != "rejected":
                more = {"case": self.cases.setdefault(heard.key, f"EC-{len(self.cases) + 1}"), **more}
            return self.dialect.says(heard.what, word, more)
        if heard.what == "status":
            return self.dialect.says(heard.what, *self.state)
        if heard.what == "lookup":
            return Reply(200, {"outcome": "found", "values": {"name": "ADJOVI"}, "confirmed": True})
        known = heard.about in {one.about for one in self.heard if one.what == "submit"}
        return Reply(200 if known else 404, {"status": "noted" if known else "unknown"})


class Native:
    """docs/protocol-backoffice.md; `proof` says how the caller shows who it is."""

    def __init__(self, proof: str) -> None:
        self.proof = proof

    def away(self) -> Reply:
        return Reply(503, {"status": "unavailable"})

    def refuses(self, request: Request) -> Reply | None:
        if self.proof == "bearer" and request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return Reply(401)
        if self.proof == "hmac" and not _is_signed(request):
            return Reply(401)
        return None  # mtls: the connection itself

    def adds(self, request: Request) -> dict[str, str]:
        return {}

    def understand(self, request: Request) -> Heard | None:
        parts = request.target.removeprefix("/api").split("/")[1:]
        document = json.loads(request.body) if request.body else None
        key = request.headers.get("Idempotency-Key", "").strip('"')
        match (request.method, *parts):
            case ("POST", "submissions"):
                return Heard("submit", document["reference"], key, document)
            case ("GET", "submissions", reference):
                return Heard("status", reference, key)
            case ("POST", "submissions", reference, "withdrawal"):
                return Heard("withdraw", reference, key, document)
            case ("POST", "submissions", reference, "statements"):
                return Heard("statement", reference, key, document)
            case ("POST", "submissions", reference, "reminder"):
                return Heard("reminder", reference, key, document)
            case ("POST", "lookups", source):
                return Heard("lookup", unquote(source), key, document)
        return None

    def says(self, what: str, word: str, more: Mapping[str, Any]) -> Reply:
        return Reply(202 if what == "submit" else 200, {"status": word, **more})


#: The state of a demand, as that institution counts.
WORDS = {
    "accepted": 1,
    "delivered": 0,
    "rejected": 9,
    "in_progress": 2,
    "more_needed": 3,
    "granted": 4,
    "refused": 5,
}
#: What gateway.yaml says about it.
MAPPING = {
    "paths": {
        "submit": "/v2/demandes",
        "status": "/v2/demandes/{case}/etat",
        "withdraw": "/v2/annulations?ref={reference}",
        "statement": "/v2/demandes/ref/{reference}/messages",
        "reminder": "none",
        "lookup": "/v2/registre/{source}",
    },
    "fields": {
        "submit": {
            "/numeroExterne": "/reference",
            "/demandeur/telephone": "/applicant/msisdn",
            "/demandeur/npi": "/fields/npi",
            "/type": {"constant": "ACTE"},
            "/donnees": "/fields",
        },
        "statement": {"/texte": "/text", "/nature": "/kind"},
    },
    "answers": {
        "status": "/dossier/0/etat",
        "case": "/dossier/0/numero",
        "reason": "/motif",
        "question": "/motif",
        "code": "/erreur/code",
        "news": "/modifieLe",
        "values": {str(value): word for word, value in WORDS.items()},
    },
}


class Mapped:
    """An institution's own API, made before anybody here had heard of this gateway; its keys are in a header."""

    def away(self) -> Reply:
        return Reply(503)

    def refuses(self, request: Request) -> Reply | None:
        return None if request.headers.get("Authorization") == f"Bearer {TOKEN}" else Reply(403)

    def adds(self, request: Request) -> dict[str, str]:
        return {}

    def understand(self, request: Request) -> Heard | None:
        parts = request.target.removeprefix("/api/v2").split("/")[1:]
        document = json.loads(request.body) if request.body else None
        key = request.headers.get("Idempotency-Key", "").strip('"')
        match (request.method, *parts):
            case ("POST", "demandes"):
                return Heard("submit", document["numeroExterne"], key, document)
            case ("GET", "demandes", case, "etat"):
                return Heard("status", unquote(case), key)
            case ("POST", place) if place.startswith("annulations?ref="):
                return Heard("withdraw", place.partition("=")[2], key, document)
            case ("POST", "demandes", "ref", reference, "messages"):
                return Heard("statement", reference, key, document)
            case ("POST", "registre", source):
                return Heard("lookup", unquote(source), key, document)
        return None

    def says(self, what: str, word: str, more: Mapping[str, Any]) -> Reply:
        said: dict[str, Any] = {"dossier": [{"etat": WORDS[word], "numero": more.get("case")}]}
        said["motif"] = (more.get("reason") or more.get("question") or {}).get("fr")
        said["erreur"] = {"code": more.get("code")}
        said["modifieLe"] = more.get("news")
        return Reply(201 if what == "submit" and word != "rejected" else 200 if what != "submit" else 422, said)


class Xroad(Native):
    """A consumer's security server, with the institution behind it (PR-REST)."""

    def __init__(self) -> None:
        super().__init__("none")

    def away(self) -> Reply:
        error = {"type": "Server.ServerProxy.NetworkError", "message": "connect timed out", "detail": "9bc95b6e"}
        return Reply(500, error, {"X-Road-Error": error["type"]})

    def refuses(self, request: Request) -> Reply | None:
        """Its client is known by the header; nobody may show a token to it."""
        if request.headers.get("X-Road-Client") != CLIENT or "Authorization" in request.headers:
            return Reply(500, {"type": "x"}, {"X-Road-Error": "Server.ServerProxy.AccessDenied"})
        return None

    def adds(self, request: Request) -> dict[str, str]:
        return {"X-Road-Id": request.headers.get("X-Road-Id", "made-here"), "X-Road-Request-Hash": "aGFzaA=="}

    def understand(self, request: Request) -> Heard | None:
        version, *parts = request.target.split("/")[1:]
        if version != "r1" or [unquote(part) for part in parts[:5]] != SERVICE:
            return None
        heard = super().understand(Request(request.method, "/" + "/".join(parts[5:]), request.headers, request.body))
        if heard is not None and heard.what != "lookup" and request.headers.get("X-Road-Issue") != heard.about:
            return None
        return heard


def _is_signed(request: Request) -> bool:
    try:
        Webhook(SECRET).verify(request.body or b"", {name.lower(): value for name, value in request.headers.items()})
    except WebhookVerificationError:
        return False
    except ValueError:  # it reads the body as JSON once it believes it; a reading has none
        pass
    return True


class Serving:
    """A Far behind a real server; `url` is its address."""

    def __init__(self, far: Far, tls: ssl.SSLContext | None = None) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                reply = far.take(Request(self.command, self.path, self.headers, body))
                if far.lose:
                    far.lose -= 1
                    with contextlib.suppress(OSError):
                        self.connection.shutdown(socket.SHUT_RDWR)
                    self.close_connection = True
                    return
                raw = b"" if reply.document is None else json.dumps(reply.document).encode()
                self.send_response(reply.status)
                for name, value in {**reply.headers, "Content-Length": str(len(raw))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(raw)

            def do_GET(self) -> None:
                self.do_POST()

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                """A refused handshake is what some tests want."""

        self._server = Server(("127.0.0.1", 0), Handler)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
