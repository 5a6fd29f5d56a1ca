"""The home page."""

from __future__ import annotations

WORDS = {
    "fr": {
        "title": "Bonjour, {name}",
        "waiting": "Ce qui vous attend",
        "nothing": "Rien ne vous attend.",
        "go": "Vous pouvez",
        "few_codes": "Codes restants sur votre carte: {count}. Faites-en une nouvelle.",
        "not_joined": "Personnes invitées qui n'ont pas encore rejoint: {count}",
        "without_manager": "Institutions sans responsable: {count}",
        "stopped": "Arrêts en cours: {count}",
    },
    "en": {
        "title": "Hello, {name}",
        "waiting": "What waits for you",
        "nothing": "Nothing waits for you.",
        "go": "You can go to",
        "few_codes": "Codes left on your card: {count}. Make a new one.",
        "not_joined": "People invited who have not joined yet: {count}",
        "without_manager": "Institutions without a manager: {count}",
        "stopped": "Stops in force: {count}",
    },
}
