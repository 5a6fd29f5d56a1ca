"""Budgets."""

from __future__ import annotations

from typing import Any

WORDS: dict[str, dict[str, Any]] = {
    "fr": {
        "title": "Budget des SMS",
        "title_all": "Budgets des SMS",
        "institution": "Institution",
        "month": "Mois",
        "this_month": "Ce mois",
        "limit": "Limite",
        "used": "Utilisé",
        "left": "Reste",
        "over": "dépassé de {amount}",
        "before": "Mois précédents",
        "nothing": "Rien avant ce mois.",
        "set_title": "Changer la limite",
        "set_label": "Limite par mois, en F CFA",
        "set_hint": "à partir de ce mois; 0: plus rien ne part",
        "set": "Enregistrer",
        "fault": "Écrivez un nombre entier de francs, entre 0 et 10 000 000 000, sans décimales.",
        "lead": "Ce que les envois de l'institution peuvent coûter en un mois. Un envoi est compté en entier quand il est lancé; ce qui ne part pas est rendu. Les récépissés, avis et réponses aux usagers n'en font pas partie.",
    },
    "en": {
        "title": "SMS budget",
        "title_all": "SMS budgets",
        "institution": "Institution",
        "month": "Month",
        "this_month": "This month",
        "limit": "Limit",
        "used": "Used",
        "left": "Left",
        "over": "over by {amount}",
        "before": "Months before",
        "nothing": "Nothing before this month.",
        "set_title": "Change the limit",
        "set_label": "Limit per month, in F CFA",
        "set_hint": "from this month on; 0: nothing leaves any more",
        "set": "Save",
        "fault": "Write a whole number of francs, from 0 to 10,000,000,000, without decimals.",
        "lead": "What the institution's notifications may cost in a month. A notification is counted as a whole when it is sent; what does not leave is given back. Receipts, notices and answers to citizens are no part of it.",
    },
}
