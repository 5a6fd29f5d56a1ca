"""What the gateway says to a back office, in the form of docs/protocol-backoffice.md."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from gateway.messages import BackofficeReminder, BackofficeRequest, BackofficeStatement, OnBehalf


def submission(request: BackofficeRequest) -> dict[str, Any]:
    return {
        "reference": request.reference,
        "service": request.service,
        "submitted_at": utc(request.submitted_at),
        "promised_date": request.promised_on or None,
        "language": request.language,
        "assurance": request.assurance,
        "applicant": {"msisdn": request.msisdn},
        "fields": request.fields,
        **({} if request.on_behalf is None else {"on_behalf": _on_behalf(request)}),
    }


def statement(said: BackofficeStatement) -> dict[str, Any]:
    return {
        "reference": said.reference,
        "service": said.service,
        "kind": said.kind.value,
        "text": said.text,
        "question": said.question_id or None,
        "said_at": utc(said.said_at),
    }


def reminder(late: BackofficeReminder) -> dict[str, Any]:
    return {"reference": late.reference, "service": late.service, "promised_date": late.promised_on}


def utc(at: datetime) -> str:
    """`2026-11-23T13:05:00Z`"""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _on_behalf(request: BackofficeRequest) -> dict[str, Any]:
    """Somebody else dialled. The document of a person without a phone is handed to her, never to who dialled."""
    return {
        "kind": request.on_behalf,
        "relation": request.relation or None,
        "helper": {"msisdn": request.helper_msisdn},
        "delivery": "in_person" if request.on_behalf is OnBehalf.DECLARED else "as_usual",
    }
