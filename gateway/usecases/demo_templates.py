"""The demonstration's templates, made for each institution where `make run` runs and there are none yet."""

from __future__ import annotations

from datetime import datetime

from gateway.engine import notification_text
from gateway.messages import Category
from gateway.settings import Settings
from gateway.store import templates
from gateway.store.db import Database
from gateway.store.templates import NewVersion
from gateway.usecases.template_draft import Draft, body_of

READY = Draft(
    name="Acte prêt",
    category=Category.PROCEDURE,
    texts={
        "fr": "Bonjour {nom}, votre acte de naissance est prêt[, retrait: {lieu}]. Apportez le récépissé {reference}.",
        "en": "Hello {nom}, your birth certificate is ready[. Collect it at {lieu}]. Bring your receipt {reference}.",
    },
    languages=("fr", "en"),
    sizes={"nom": 30, "lieu": 30, "reference": 14},
    examples={"nom": "Awa Dossou", "lieu": "Cotonou, guichet 3", "reference": "4821 0937 5628"},
)
OUTING = Draft(
    name="Enrôlement de proximité",
    category=Category.INFORMATION,
    texts={
        "fr": "L'ANIP est à {commune} le {date}, de 8 h à 17 h: enrôlement gratuit. Ne payez personne par téléphone.",
        "en": "ANIP is in {commune} on {date}, from 8 to 17 h: registration is free of charge.",
    },
    languages=("fr", "en"),
    sizes={"commune": 20, "date": 12},
    examples={"commune": "Parakou", "date": "samedi 12/12"},
)
#: For whoever tries the API. Vital: a demonstration at night arrives at night.
TRIAL = Draft(
    name="Démonstration",
    category=Category.VITAL,
    texts={"fr": "Bonjour {nom}, ceci est un essai.", "en": "Hello {nom}, this is a trial."},
    languages=("fr", "en"),
    sizes={"nom": 30},
    examples={"nom": "Awa Dossou"},
)
ALL = (TRIAL, READY, OUTING)  # docs/api.md names the first by its id


def make(database: Database, settings: Settings, now: datetime) -> int:
    """How many were made; none unless `settings.local`. Raises StoreUnavailable."""
    if not settings.local:
        return 0
    made = 0
    for institution, declared in settings.institutions.items():
        sender = (declared.senders or (settings.sms.sender,))[0]
        with database.begin() as conn:
            if any(templates.of_institution(conn, institution, retired=retired) for retired in (False, True)):
                continue
            for draft in ALL:
                template_id = templates.add(conn, institution, draft.name, "cli:run", now)
                if template_id is None:
                    continue
                body = notification_text.encode(body_of(draft))
                templates.add_version(
                    conn, template_id, 1, NewVersion(draft.category, sender, draft.policy, body), "cli:run", now
                )
                made += 1
    return made
