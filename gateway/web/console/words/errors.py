"""What an error says: what happened, and what to do."""

from __future__ import annotations

WORDS = {
    "fr": {
        "title": "Impossible",
        "home": "Retour à l'accueil",
        "e400": ("Page trop ancienne", "Rien n'a été enregistré. Rouvrez la page et recommencez."),
        "e404": ("Page introuvable", "Elle n'existe pas, ou elle n'est pas à vous. Vérifiez l'adresse."),
        "e405": ("Page introuvable", "Elle n'existe pas, ou elle n'est pas à vous. Vérifiez l'adresse."),
        "e413": ("Trop grand", "Rien n'a été enregistré. Envoyez moins à la fois."),
        "e429": ("Trop d'essais", "Attendez un peu, puis recommencez."),
        "e500": (
            "Erreur de notre part",
            "Réessayez. Si cela continue, prévenez l'administrateur et dites-lui l'heure.",
        ),
        "e503": ("Service indisponible", "Rien n'a été enregistré. Réessayez dans quelques minutes."),
    },
    "en": {
        "title": "Not possible",
        "home": "Back to the home page",
        "e400": ("Page too old", "Nothing was saved. Open the page again and start over."),
        "e404": ("Page not found", "It does not exist, or is not yours. Check the address."),
        "e405": ("Page not found", "It does not exist, or is not yours. Check the address."),
        "e413": ("Too large", "Nothing was saved. Send less at a time."),
        "e429": ("Too many tries", "Wait a little, then try again."),
        "e500": ("Our mistake", "Try again. If it goes on, tell the administrator, with the time."),
        "e503": ("Service unavailable", "Nothing was saved. Try again in a few minutes."),
    },
}
