"""What institutions have in an office: templates, notifications, demands at their desks, and a worker by hand."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from itertools import count
from typing import TYPE_CHECKING, Any

from gateway.engine.notification_text import Body, encode
from gateway.engine.outcomes import Act, Submission
from gateway.messages import Category, Role
from gateway.store import campaigns as stored
from gateway.store import desk as inboxes
from gateway.store import templates
from gateway.store.campaigns import StoredCampaign
from gateway.store.desk import Chosen
from gateway.store.tables import submissions
from gateway.usecases import campaigns, desk
from gateway.usecases.actors import Actor
from gateway.usecases.caller import Caller
from gateway.usecases.campaigns import NewCampaign, Recipient
from gateway.usecases.submissions import submit
from gateway.workers import lanes

if TYPE_CHECKING:
    from tests.console.conftest import Office

HOME = "anip"
_DESKS = {HOME: "guichet-anip", "mairie-abomey": "guichet-abomey"}
_numbers = count(1)


def template(
    office: Office,
    text: str = "Bonjour {nom}, votre demande est validée.",
    *,
    institution: str = HOME,
    category: Category = Category.VITAL,
    name: str = "",
    **languages: str,
) -> int:
    """The id of a new template; French, and other languages by name. Every `{nom}` takes 20 characters."""
    sizes = {one: 20 for one in ("nom", "lieu") if f"{{{one}}}" in text}
    body = Body({"fr": text, **languages}, ("fr", *languages), sizes)
    with office.gateway.database.begin() as conn:
        made = templates.add(conn, institution, name or f"Modèle {next(_numbers)}", "auteur", office.gateway.now())
        assert made is not None
        said = templates.NewVersion(category, None, "plain", encode(body))
        templates.add_version(conn, made, 1, said, "auteur", office.gateway.now())
    return made


def campaign(
    office: Office,
    *numbers: str,
    template_id: int | None = None,
    institution: str = HOME,
    who: str = "envoi",
    file: bytes = b"",
    **more: Any,
) -> str:
    """The public id of a new campaign of somebody else, checked."""
    actor = Actor(who, institution, frozenset({Role.SENDER}))
    new: dict[str, Any] = {"source": "list", "recipients": tuple(Recipient(one, {"nom": "Awa"}) for one in numbers)}
    if file:
        new = {"source": "file", "content": file, "name": "table.csv"}
    chosen = template(office, institution=institution) if template_id is None else template_id
    made = campaigns.start(office.gateway.parts, actor, institution, NewCampaign(template_id=chosen, **{**new, **more}))
    work(office, "bulk")
    return made


def demand(
    office: Office,
    institution: str = HOME,
    *,
    npi: str = "",
    language: str = "fr",
    promised: date | None = None,
    service: str = "acte-naissance",
) -> int:
    """The id of a demand that lies in the inbox of an institution."""
    number = next(_numbers)
    args = Submission(
        system=_DESKS[institution],
        fields={"npi": npi or f"{number:010d}", "commune": "cotonou"},
        personal=frozenset({"npi"}),
        subject=(("npi", npi or f"{number:010d}"),),
        label="...",
        language=language,
        assurance="number",
    )
    citizen = Caller(msisdn=f"+22901970{number:05d}", channel="africastalking", network="61603", language=language)
    answer = submit(office.gateway.parts, Act("submit", service, 0, args), citizen, number.to_bytes(32))
    assert answer.outcome == "submitted", answer
    work(office, "backoffice")
    reference = answer.values["reference"].raw
    with office.gateway.database.begin() as conn:
        conn.execute(submissions.update().where(submissions.c.reference == reference).values(promised_on=promised))
        found = inboxes.find(conn, desk.desk_of(office.gateway.parts, institution), str(reference))
    assert found is not None
    return found.id


def work(office: Office, lane: str, times: int = 50) -> None:
    """Does what is due in a lane, as a worker does."""
    with ThreadPoolExecutor(2) as pool:
        for _ in range(times):
            if not lanes.drain_once(office.gateway, lane, pool)[0]:
                return


def campaigns_of(office: Office, institution: str) -> Sequence[StoredCampaign]:
    with office.gateway.database.read() as conn:
        return stored.list_page(conn, institution, 100)


def templates_of(office: Office, institution: str) -> list[int]:
    with office.gateway.database.read() as conn:
        return [one.template_id for one in templates.of_institution(conn, institution)]


def demands_of(office: Office, institution: str) -> list[int]:
    with office.gateway.database.read() as conn:
        at = desk.desk_of(office.gateway.parts, institution)
        return [one.id for one in inboxes.page(conn, at, Chosen(), 100)]
