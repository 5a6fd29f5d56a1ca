"""Stops."""

from __future__ import annotations

WORDS = {
    "fr": {
        "title": "Arrêts",
        "now": "Arrêté en ce moment",
        "nothing": "Rien n'est arrêté.",
        "what": "Quoi",
        "since": "Depuis",
        "who": "Par",
        "reason": "Raison",
        "reason_hint": "elle reste au journal avec votre nom",
        "start": "Relancer",
        "stop_title": "Arrêter",
        "stop": "Arrêter maintenant",
        "sms": "Tous les SMS",
        "campaigns": "Les envois en nombre",
        "service": "Démarche",
        "fault_subject": "Choisissez quoi arrêter.",
        "fault_reason": "Écrivez pourquoi.",
    },
    "en": {
        "title": "Stops",
        "now": "Stopped now",
        "nothing": "Nothing is stopped.",
        "what": "What",
        "since": "Since",
        "who": "By",
        "reason": "Reason",
        "reason_hint": "it is kept with your name",
        "start": "Start again",
        "stop_title": "Stop",
        "stop": "Stop now",
        "sms": "All SMS",
        "campaigns": "Campaigns",
        "service": "Service",
        "fault_subject": "Choose what to stop.",
        "fault_reason": "Write why.",
    },
}
