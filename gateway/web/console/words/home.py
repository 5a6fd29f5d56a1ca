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
        "to_approve": "Envois qui attendent une approbation: {count}",
        "to_send": "Envois vérifiés, prêts à partir: {count}",
        "unread": "Demandes à lire: {count}",
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
        "to_approve": "Messages that wait for an approval: {count}",
        "to_send": "Messages checked, ready to leave: {count}",
        "unread": "Requests to read: {count}",
    },
}
