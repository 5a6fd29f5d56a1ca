"""What the steps of a campaign share: the values that cross them, and what a step needs to know of its campaign."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.engine import notification_text
from gateway.engine.notification_text import Body
from gateway.messages import Category
from gateway.settings import Institution
from gateway.store import campaigns, templates
from gateway.store.campaigns import StoredCampaign
from gateway.store.db import Connection
from gateway.store.templates import Version
from gateway.usecases.parts import Parts

#: The lane of campaigns and of their SMS. A campaign's own work comes before SMS that wait for their sender's rate.
LANE = "bulk"
WORK_PRIORITY, SMS_PRIORITY = 10, 50
#: Rows of one transaction: short enough to hold up nobody, long enough to be worth a flush to the disk.
STEP_ROWS = 500


@dataclass(frozen=True, slots=True)
class Entry:
    """One row as it was given, before it is checked."""

    number: int  #: from 1
    msisdn: str = field(repr=False)  #: as it was written
    cell: str  #: where the number stands, "" where there are no cells
    values: Mapping[str, str] = field(repr=False)
    cells: Mapping[str, str] = field(default_factory=dict)  #: where each value stands
    language: str = ""
    own_reference: str | None = None
    position: int = 0  #: of an audience: the id it was found by


@dataclass(frozen=True, slots=True)
class Job:
    """A campaign as its steps need it."""

    campaign: StoredCampaign
    version: Version
    body: Body
    institution: Institution
    options: Mapping[str, Any] = field(repr=False)

    @property
    def language(self) -> str:
        """That of whoever chose none."""
        return str(self.options.get("language", ""))

    @property
    def topic(self) -> str | None:
        return self.options["topic"] if self.campaign.source == "topic" else None

    @property
    def guests(self) -> frozenset[str] | None:
        """The only numbers that may be written to; None: all."""
        found = self.options.get("guests")
        return None if found is None else frozenset(found)

    @property
    def counted(self) -> bool:
        """Whether a citizen may have refused it."""
        return self.version.category is not Category.VITAL


def job_of(conn: Connection, parts: Parts, campaign: StoredCampaign) -> Job:
    """What the steps of a campaign need. Raises SealBroken, LookupError (its institution is declared no more)."""
    version = templates.version(conn, campaign.version_id)
    assert version is not None  # a key of the table says so
    return Job(
        campaign=campaign,
        version=version,
        body=notification_text.decode(version.body),
        institution=parts.settings.institutions[campaign.institution],
        options=campaigns.options(conn, parts.seals, campaign.id),
    )
