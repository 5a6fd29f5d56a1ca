"""The institutions' systems as gateway.yaml declares them: one model for each kind. Secrets are named, never written.

A new kind: its model here (with its own `kind`), its name in `System`, its line in gateway/backoffice/build.py.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from gateway.settings.mapping import Answers, Fields, Paths
from gateway.settings.part import Count, Part, Seconds

#: X-Road: Message Protocol for REST (PR-REST) 1.0.3, "identifier characters".
_IDENTIFIER = re.compile(r"[A-Za-z0-9'()+,.=?-]{1,64}")


#: Calls that one worker makes at the same time; each has a thread, because it waits for others and not for us.
CALL_THREADS = 48


class SystemSettings(Part):
    """What every kind has: whose it is, how often it is tried, and how often it is called at most."""

    institution: str
    attempts: Count = 100  #: two to three days with the waits below: a day without an answer is no reason to give up
    first_retry_s: Seconds = 5
    longest_retry_s: Seconds = 3600
    lease_s: Seconds = 60
    max_in_flight: Count = 4  #: calls to it at the same time, by all workers together
    breaker_after: Count = 5  #: calls in a row without an answer, or with 5xx, after which it is taken to be away
    ask_every_s: Seconds = 30  #: while it is away: one call in this time finds out whether it is back


class HttpSystem(SystemSettings):
    """What is called over HTTP."""

    url: str
    webhook_secret_env: str | None = None
    connect_timeout_s: Seconds = 2
    read_timeout_s: Seconds = 8
    sources: tuple[str, ...] = ()  #: names of the lookups this system answers
    #: how often each open demand is asked about, for a system that cannot call back; None: it calls back
    poll_every_s: Annotated[float, Field(ge=1)] | None = None
    ca_file: Path | None = None  #: a private authority's certificates (PEM); None: the public ones
    client_cert_file: Path | None = None
    client_key_file: Path | None = None
    paths: Paths = Paths()
    fields: Fields = Fields()
    answers: Answers = Answers()


class RestSystem(HttpSystem):
    """An institution's own API, or one made for docs/protocol-backoffice.md."""

    kind: Literal["rest"]
    authentication: Literal["bearer", "hmac", "mtls"] = "bearer"
    token_env: str | None = None  #: bearer
    signing_secret_env: str | None = None  #: hmac: whsec_..., two of them while they change


def _identifier(least: int, most: int) -> AfterValidator:
    def check(value: str) -> str:
        parts = value.split("/")
        if not least <= len(parts) <= most:
            raise ValueError(f"must have {least} to {most} parts with / between them")
        if not all(_IDENTIFIER.fullmatch(part) and part.strip(".") for part in parts):
            raise ValueError("each part is letters, digits and ' ( ) + , - . = ? (PR-REST 1.0.3)")
        return value

    return AfterValidator(check)


def _like(form: str, example: str) -> AfterValidator:
    def check(value: str) -> str:
        if not re.fullmatch(form, value):
            raise ValueError(f"must look like {example}")
        return value

    return AfterValidator(check)


class XroadSystem(HttpSystem):
    """A service behind X-Road: `url` is our own security server."""

    kind: Literal["xroad"]
    client: Annotated[str, _identifier(3, 4)]  #: who we are: instance/class/member[/subsystem]
    service: Annotated[str, _identifier(4, 5)]  #: instance/class/member[/subsystem]/service
    user_id: Annotated[str, _like(r"[A-Z]{2}[A-Za-z0-9.-]{1,62}", "BJ0000000001")] | None = None
    represented_party: Annotated[str, _identifier(1, 2)] | None = None  #: [class/]member
    header_prefix: Annotated[str, _like(r"[A-Za-z][A-Za-z0-9-]{0,31}", "X-Road")] = "X-Road"
    version: Annotated[str, _like(r"[a-z0-9]{1,8}", "r1")] = "r1"


class DeskSystem(SystemSettings):
    """An institution without an IT system: its demands wait in its agents' inbox."""

    kind: Literal["desk"]


class DropSystem(SystemSettings):
    """An institution that fetches a signed file each day, and puts its answers in another folder.

    Relative folders are in the data folder. Both must be on a local disk, the same for all workers.
    """

    kind: Literal["drop"]
    folder: Path  #: the days' files
    answers_folder: Path  #: where the institution puts its answers; `read` and `refused` in it are ours
    webhook_secret_env: str | None = None  #: whsec_..., for both ways; two of them while they change
    close_hour: Annotated[int, Field(ge=1, le=24)] = 24  #: local hour at which a day ends; 24: midnight
    empty_days: bool = True  #: a day without a line has its file too, so that a missing file is an alarm
    readable_by: Literal["owner", "group"] = "owner"  #: files 0600 or 0640
    keep_days: Count = 30  #: then the files of both folders are erased
    incomplete_s: Count = 3600  #: how long an answer file may wait for its right signature before it is refused
    answers_max_bytes: Annotated[int, Field(ge=1024, le=268_435_456)] = 16_777_216


System = Annotated[RestSystem | XroadSystem | DeskSystem | DropSystem, Field(discriminator="kind")]
