"""The simulator's calls to the gateway: no redirects, no proxy, one kept connection per thread."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

import requests

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


class WireError(Exception):
    """No complete answer came; `code` is "gateway_unreachable" or "gateway_timeout"."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Request:
    """What will be posted, byte for byte, so that a second delivery is the same one."""

    path: str
    content_type: str
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    content_type: str
    body: bytes = field(repr=False)

    @property
    def taken(self) -> bool:
        return 200 <= self.status < 300


class Wire:
    """Posts to one gateway. Safe to share between threads."""

    def __init__(self, gateway_url: str, timeout_s: float) -> None:
        self._gateway_url = gateway_url
        self._timeout_s = timeout_s
        self._local = threading.local()
        self._sessions: list[requests.Session] = []
        self._lock = threading.Lock()

    def post(self, request: Request) -> Answer:
        """What the gateway answers, whatever the status; raises `WireError`."""
        try:
            response = self._session().post(
                self._gateway_url + request.path,
                data=request.body,
                headers={"Content-Type": request.content_type, **request.headers},
                timeout=(min(3.0, self._timeout_s), self._timeout_s),
                allow_redirects=False,
            )
        except requests.Timeout as error:
            raise WireError("gateway_timeout") from error
        except requests.RequestException as error:
            raise WireError("gateway_unreachable") from error
        return Answer(response.status_code, response.headers.get("Content-Type", ""), response.content)

    def close(self) -> None:
        with self._lock:
            for session in self._sessions:
                session.close()
            self._sessions.clear()

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = requests.Session()
            session.trust_env = False
            self._local.session = session
            with self._lock:
                self._sessions.append(session)
        return session
