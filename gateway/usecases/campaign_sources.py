"""Where the rows of a campaign come from: what was typed or pasted, a file, or citizens whom the gateway knows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from gateway.messages import SubmissionState
from gateway.spreadsheets import table
from gateway.spreadsheets.bounds import SheetFault
from gateway.store import audiences, campaigns
from gateway.text import reference
from gateway.text.msisdn import MsisdnError
from gateway.usecases.campaign_checking import read_number
from gateway.usecases.campaign_parts import STEP_ROWS, Entry, Job
from gateway.usecases.parts import Parts

_BETWEEN = re.compile(r"[\n\r,;\t]+")


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody to write to: a number as it was written, and what the text says to her."""

    number: str = field(repr=False)
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    language: str = ""
    own_reference: str | None = None


def pasted(text: str, values: Mapping[str, str] | None = None) -> tuple[Recipient, ...]:
    """The numbers of a pasted list: one a line, or separated by commas, semicolons or tabs; all get `values`."""
    numbers = (number.strip() for number in _BETWEEN.split(text))
    return tuple(Recipient(number, values or {}) for number in numbers if number)


def packed(recipients: Sequence[Recipient]) -> bytes:
    """The recipients as they are kept until they are checked."""
    return msgspec.json.encode(recipients)


def of_recipients(recipients: Sequence[Recipient]) -> list[Entry]:
    """The rows of a short list, as `entries` gives them."""
    return list(_of_list(packed(recipients)))


def entries(parts: Parts, job: Job) -> Iterator[Entry]:
    """The rows that are not checked yet, in their order. Raises SheetFault, SealBroken, StoreUnavailable."""
    campaign = job.campaign
    if campaign.source in ("state", "topic"):
        yield from _citizens(parts, job)
        return
    with parts.database.read() as conn:
        kept = campaigns.file_of(conn, parts.seals, campaign.id)
    if kept is None:
        raise SheetFault("unreadable")
    name, content = kept
    found = _of_file(parts, job, name, content) if campaign.source == "file" else _of_list(content)
    for entry in found:
        if entry.number > campaign.checked:
            yield entry


def _of_list(content: bytes) -> Iterator[Entry]:
    for number, one in enumerate(msgspec.json.decode(content, type=list[dict[str, Any]]), 1):
        yield Entry(
            number=number,
            msisdn=one["number"],
            cell="",
            values=one["values"],
            language=one["language"],
            own_reference=one["own_reference"],
        )


def _of_file(parts: Parts, job: Job, name: str, content: bytes) -> Iterator[Entry]:
    region = parts.settings.countries[0]

    def is_number(cell: str) -> bool:
        try:
            read_number(cell, region)
        except MsisdnError:
            return False
        return True

    wanted = tuple(job.body.placeholders)
    for number, row in enumerate(table.rows(name, content, wanted, is_number), 1):
        yield Entry(
            number=number,
            msisdn=row.number,
            cell=row.number_at,
            values=row.values,
            cells=row.values_at,
            language=row.language,
            own_reference=row.own_reference or None,
        )


def _citizens(parts: Parts, job: Job) -> Iterator[Entry]:
    """Those of an audience, page by page: each page sees who is in it by then, and nobody comes twice."""
    number, position = job.campaign.checked, job.campaign.position
    options = job.options
    while True:
        with parts.database.read() as conn:
            if job.campaign.source == "topic":
                found = audiences.of_topic(conn, parts.seals, str(options["topic"]), position, STEP_ROWS)
            else:
                state = SubmissionState(options["state"])
                service = options.get("service")
                of = job.campaign.institution
                found = audiences.in_state(conn, parts.seals, of, service, state, position, STEP_ROWS)
        for citizen in found:
            number, position = number + 1, citizen.position
            values = {"reference": reference.show(citizen.reference)} if citizen.reference else {}
            yield Entry(number, citizen.msisdn, "", values, position=position)
        if len(found) < STEP_ROWS:
            return
