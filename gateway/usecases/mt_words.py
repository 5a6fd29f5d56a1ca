"""The state of an SMS in words a person understands; what a report proves depends on the channel."""

from __future__ import annotations

from typing import Literal

from gateway.messages import MtState

Proof = Literal["none", "smsc", "handset"]  #: what "delivered" means on a channel: nothing, the network, the phone

_WORDS: dict[MtState, dict[str, str]] = {
    MtState.CREATED: {"fr": "en attente", "en": "waiting"},
    MtState.SENDING: {"fr": "en cours d'envoi", "en": "leaving"},
    MtState.ACCEPTED: {"fr": "confié à l'agrégateur", "en": "with the aggregator"},
    MtState.SENT: {"fr": "confié à l'opérateur", "en": "with the operator"},
    MtState.DELIVERED: {"fr": "remis", "en": "delivered"},
    MtState.FAILED_TEMPORARY: {"fr": "téléphone absent", "en": "phone away"},
    MtState.FAILED_PERMANENT: {"fr": "non remis", "en": "not delivered"},
    MtState.REJECTED: {"fr": "refusé par l'agrégateur", "en": "refused by the aggregator"},
    MtState.EXPIRED: {"fr": "périmé", "en": "expired"},
    MtState.NO_REPORT: {"fr": "sans accusé de remise", "en": "no report"},
    MtState.UNKNOWN: {"fr": "sort inconnu", "en": "fate unknown"},
    MtState.SUPPRESSED: {"fr": "non envoyé: refusé par l'usager", "en": "not sent: the citizen refused it"},
}
_TO_NETWORK = {"fr": "remis au réseau", "en": "given to the network"}
_OTHERWISE = {"fr": "à joindre autrement", "en": "to be reached otherwise"}
#: Why one was not sent, where it was not her wish.
_NOT_SENT = {
    "stopped": {"fr": "non envoyé: envoi arrêté", "en": "not sent: the sending was stopped"},
    "changed_hands": {"fr": "non envoyé: numéro changé de mains", "en": "not sent: the number changed hands"},
}
#: Reasons for which somebody must be told in another way.
REACH_OTHERWISE = ("reach_otherwise", "UserInBlacklist")


def words(state: MtState, proof: Proof, language: str, reason: str = "") -> str:
    """The state in `language` (French when there is no other): "remis" only where the phone itself said so."""
    if reason in REACH_OTHERWISE:
        chosen = _OTHERWISE
    elif state is MtState.SUPPRESSED and reason in _NOT_SENT:
        chosen = _NOT_SENT[reason]
    elif state is MtState.DELIVERED and proof != "handset":
        chosen = _TO_NETWORK
    else:
        chosen = _WORDS[state]
    return chosen.get(language, chosen["fr"])
