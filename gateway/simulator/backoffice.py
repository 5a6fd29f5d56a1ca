"""The demo back office: takes submissions, acknowledges, perhaps asks, then decides (docs/protocol-backoffice.md)."""

from __future__ import annotations

import hashlib
import hmac
import json
import random
import re
import threading
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from standardwebhooks.webhooks import Webhook

from gateway.simulator.agenda import Agenda
from gateway.simulator.config import SimulatorConfig
from gateway.simulator.switches import SwitchPanel
from gateway.simulator.wire import JSON, Request, Wire, WireError

SYSTEM = "etat-civil"
EVENT_TRIES = 12  #: with doubling waits, more than half an hour

#: What the case then is; a decision is its own state.
_STATES = {"submission.acknowledged": "acknowledged", "submission.more_needed": "asked"}
_KEY = re.compile(r'"[^"\\\x00-\x1f\x7f]{1,255}"')  # a quoted string, RFC 8941 §3.3.3
_REFERENCE = re.compile(r"[0-9]{12}")

_MESSAGES = {
    "granted": {
        "fr": "Votre acte est disponible.",
        "en": "Your certificate is available.",
    },
    "refused": {
        "fr": "Aucun acte trouvé avec ce NPI. Voyez votre mairie.",
        "en": "No record found with this NPI. Ask your town hall.",
    },
}


_QUESTION = {
    "fr": "Dans quel quartier êtes-vous né(e) ?",
    "en": "In which district were you born?",
}
_ANSWER_DAYS = 7
#: A statement as it is shown: longer ones are no citizen's.
_SAID_MAX = 1000


@dataclass(slots=True)
class Event:
    """One webhook. `state`: waiting, taken, given_up; `answers` are the statuses so far (0: no answer)."""

    id: str
    type: str
    state: str = "waiting"
    answers: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Case:
    """A submission as the institution keeps it.

    `state`: received, acknowledged, asked, answered, granted, refused, withdrawn. `statements`: kind and text of what
    the citizen said since.
    """

    number: str
    reference: str
    service: str
    received_at: str
    decision: str
    state: str = "received"
    asks: bool = False
    statements: dict[str, tuple[str, str]] = field(default_factory=dict)  #: by idempotency key
    calls: int = 1  #: how often it was submitted: more than 1 shows that a retry was recognised
    events: list[Event] = field(default_factory=list)


class Backoffice:
    """The demo institution. Safe to share between threads; keeps no personal data but what citizens say to it."""

    def __init__(self, config: SimulatorConfig, switches: SwitchPanel, wire: Wire, agenda: Agenda) -> None:
        self._config = config
        self._switches = switches
        self._wire = wire
        self._agenda = agenda
        self._webhook = Webhook(config.webhook_secret)
        self._lock = threading.Lock()
        self._cases: dict[str, Case] = {}  # by idempotency key
        self._digests: dict[str, bytes] = {}
        self._count = 0
        self._version = 0

    @property
    def version(self) -> int:
        return self._version

    def submit(self, authorization: str, key: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """Status and JSON of the answer to a submission; the same key gets the same one, and no new case."""
        if self._switches.now.backoffice_down:
            return 503, {"status": "unavailable"}
        if not hmac.compare_digest(authorization.encode(), f"Bearer {self._config.backoffice_token}".encode()):
            return 401, {"status": "unauthorized"}
        if not _KEY.fullmatch(key):
            return 400, {"status": "bad_request", "detail": "Idempotency-Key must be a quoted string"}
        submission = _read(body)
        if submission is None:
            return 400, {"status": "bad_request", "detail": "the body is not a submission"}
        digest = hashlib.sha256(body).digest()
        with self._lock:
            case = self._cases.get(key)
            if case is not None and self._digests[key] != digest:
                return 409, {"status": "conflict", "detail": "this key came with another body"}
            self._version += 1
            if case is not None:
                case.calls += 1
                return 202, {"status": "accepted", "case": case.number}
            case = self._cases[key] = self._open(submission)
            self._digests[key] = digest
        self._agenda.after(self._config.ack_s, lambda: self._acknowledge(case))
        return 202, {"status": "accepted", "case": case.number}

    def withdraw(self, authorization: str, reference: str) -> tuple[int, dict[str, Any]]:
        """Status and JSON of the answer to "the citizen withdrew this demand"; 404 when it never came."""
        if self._switches.now.backoffice_down:
            return 503, {"status": "unavailable"}
        if not hmac.compare_digest(authorization.encode(), f"Bearer {self._config.backoffice_token}".encode()):
            return 401, {"status": "unauthorized"}
        with self._lock:
            case = next((one for one in self._cases.values() if one.reference == reference), None)
            if case is None:
                return 404, {"status": "unknown"}
            case.state = "withdrawn"
            self._version += 1
        return 200, {"status": "withdrawn"}

    def status(self, authorization: str, reference: str) -> tuple[int, dict[str, Any]]:
        """Status and JSON of the answer to "what became of this demand?"; 404 when it never came."""
        if self._switches.now.backoffice_down:
            return 503, {"status": "unavailable"}
        if not hmac.compare_digest(authorization.encode(), f"Bearer {self._config.backoffice_token}".encode()):
            return 401, {"status": "unauthorized"}
        with self._lock:
            case = next((one for one in self._cases.values() if one.reference == reference), None)
        if case is None or case.state == "withdrawn":
            return 404, {"status": "unknown"}
        said = case.state if case.state in _MESSAGES else "accepted"
        return 200, {"status": said, "case": case.number, "reason": _MESSAGES.get(said, {})}

    def take_statement(self, authorization: str, key: str, reference: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """Status and JSON of the answer to what a citizen says about her demand; the same key counts once."""
        if self._switches.now.backoffice_down:
            return 503, {"status": "unavailable"}
        if not hmac.compare_digest(authorization.encode(), f"Bearer {self._config.backoffice_token}".encode()):
            return 401, {"status": "unauthorized"}
        said = _read_statement(body)
        if said is None or not _KEY.fullmatch(key):
            return 400, {"status": "bad_request", "detail": "the body is not a statement"}
        with self._lock:
            case = next((one for one in self._cases.values() if one.reference == reference), None)
            if case is None:
                return 404, {"status": "unknown"}
            self._version += 1
            is_new = key not in case.statements
            case.statements[key] = said
            answers = is_new and said[0] == "answer" and case.state == "asked"
            if answers:
                case.state = "answered"
        if answers:
            self._decide_later(case)
        return 200, {"status": "taken"}

    def cases(self) -> list[dict[str, Any]]:
        """Every case, newest first."""
        with self._lock:
            return [_shown(case) for case in reversed(self._cases.values())]

    def reset(self) -> None:
        with self._lock:
            self._cases.clear()
            self._digests.clear()
            self._version += 1

    def _open(self, submission: dict[str, Any]) -> Case:
        self._count += 1
        now = datetime.now(UTC)
        # The rules of the demonstration: a NPI that ends in 0 is unknown to the institution, one in 8 makes it ask.
        npi = str(submission["fields"].get("npi", ""))
        return Case(
            f"EC-{now.year}-{self._count:05}",
            submission["reference"],
            submission["service"],
            now.isoformat(timespec="seconds"),
            "refused" if npi.endswith("0") else "granted",
            asks=npi.endswith("8"),
        )

    def _acknowledge(self, case: Case) -> None:
        self._begin_event(case, "submission.acknowledged", {"reference": case.reference, "case": case.number})

    def _ask(self, case: Case) -> None:
        until = datetime.now(UTC) + timedelta(days=_ANSWER_DAYS)
        data = {"reference": case.reference, "question": _QUESTION, "answer_by": until.strftime("%Y-%m-%dT%H:%M:%SZ")}
        self._begin_event(case, "submission.more_needed", data)

    def _decide_later(self, case: Case) -> None:
        later_s = max(0.0, self._config.decision_s - self._config.ack_s)
        self._agenda.after(later_s, lambda: self._decide(case))

    def _decide(self, case: Case) -> None:
        data = {
            "reference": case.reference,
            "decision": case.decision,
            "message": _MESSAGES[case.decision],
        }
        self._begin_event(case, "submission.decided", data)

    def _begin_event(self, case: Case, kind: str, data: dict[str, Any]) -> None:
        if case.state == "withdrawn":
            return
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        body = json.dumps({"type": kind, "timestamp": now, "data": data}, ensure_ascii=False)
        event = Event(f"msg_{uuid.uuid4().hex}", kind)
        with self._lock:
            case.state = _STATES.get(kind, case.decision)
            case.events.append(event)
            self._version += 1
        self._post(case, event, body)

    def _post(self, case: Case, event: Event, body: str) -> None:
        """Signed anew at each try, as Standard Webhooks asks; the id stays, so a repeat has no effect."""
        now = datetime.now(UTC)
        headers = {
            "webhook-id": event.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._webhook.sign(event.id, now, body),
        }
        try:
            status = self._wire.post(Request(f"/backoffice/{SYSTEM}/events", JSON, body.encode(), headers)).status
        except WireError:
            status = 0
        with self._lock:
            self._version += 1
            event.answers.append(status)
            if 200 <= status < 300:
                event.state = "taken"
            elif len(event.answers) >= EVENT_TRIES:
                event.state = "given_up"
        if event.state == "waiting":
            # Spread, as senders must be: what was refused together would come back together, and be refused again.
            wait_s = self._config.retry_s * 2 ** (len(event.answers) - 1) * random.uniform(0.5, 1)
            self._agenda.after(wait_s, lambda: self._post(case, event, body))
        elif event.type == "submission.acknowledged":
            # Asked, or decided, after it was acknowledged, however long that took.
            if case.asks:
                self._ask(case)
            else:
                self._decide_later(case)


def _read(body: bytes) -> dict[str, Any] | None:
    """The submission in a request body, None when it is not one."""
    try:
        submission: Any = json.loads(body)
    except ValueError:
        return None
    if not isinstance(submission, dict) or not isinstance(submission.get("fields"), dict):
        return None
    reference, service = submission.get("reference"), submission.get("service")
    if not isinstance(reference, str) or not _REFERENCE.fullmatch(reference) or not isinstance(service, str):
        return None
    return submission


def _read_statement(body: bytes) -> tuple[str, str] | None:
    """The kind and the text of a statement, None when the body is not one."""
    try:
        said: Any = json.loads(body)
    except ValueError:
        return None
    kind, text = (said.get("kind"), said.get("text")) if isinstance(said, dict) else (None, None)
    if kind not in ("answer", "correction") or not isinstance(text, str) or len(text) > _SAID_MAX:
        return None
    return kind, text


def _shown(case: Case) -> dict[str, Any]:
    return {
        "case": case.number,
        "reference": case.reference,
        "service": case.service,
        "received_at": case.received_at,
        "state": case.state,
        "calls": case.calls,
        "statements": [{"kind": kind, "text": text} for kind, text in case.statements.values()],
        "events": [
            {"id": event.id, "type": event.type, "state": event.state, "answers": list(event.answers)}
            for event in case.events
        ],
    }
