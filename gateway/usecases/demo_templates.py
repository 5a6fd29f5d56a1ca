"""The demonstration's template: whoever tries the API finds one to send from. It is made where `make run` runs."""

from __future__ import annotations

from datetime import datetime

from gateway.engine.notification_text import Body, encode
from gateway.messages import Category
from gateway.settings import Settings
from gateway.store import templates
from gateway.store.db import Database

NAME = "Démonstration"
#: Vital: a demonstration at night arrives at night.
_SAID = templates.NewVersion(
    Category.VITAL,
    None,
    "plain",
    encode(
        Body(
            {"fr": "Bonjour {nom}, ceci est un essai.", "en": "Hello {nom}, this is a trial."},
            ("fr", "en"),
            {"nom": 30},
        )
    ),
)


def make(database: Database, settings: Settings, now: datetime) -> None:
    """Makes the template of the first institution, once; none unless `settings.local`. Raises StoreUnavailable."""
    institution = next(iter(settings.institutions), None)
    if not settings.local or institution is None:
        return
    with database.begin() as conn:
        template_id = templates.add(conn, institution, NAME, "cli:run", now)
        if template_id is not None:
            templates.add_version(conn, template_id, 1, _SAID, "cli:run", now)
