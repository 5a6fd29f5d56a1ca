"""What the page /verify says, in each of its languages; the first is the one shown unasked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    house: str
    title: str
    lead: str
    reference: str
    reference_hint: str
    code: str
    code_hint: str
    last4: str
    last4_hint: str
    submit: str
    missing: str
    privacy: str
    genuine: str
    service: str
    day: str
    state: str
    holder: str
    yes: str
    no: str
    no_text: str
    not_genuine: str
    not_genuine_text: str
    too_many: str
    too_many_text: str
    later: str
    later_text: str  #: holds {wait}, seconds
    unavailable: str
    unavailable_text: str


WORDS: Mapping[str, Words] = {
    "fr": Words(
        house="Services publics du Bénin",
        title="Vérifier un récépissé",
        lead="Recopiez le SMS du récépissé. Cette page dit s'il est authentique; elle ne donne le nom de personne.",
        reference="Numéro du récépissé",
        reference_hint="12 chiffres, par exemple 4821\N{NO-BREAK SPACE}0937\N{NO-BREAK SPACE}5628",
        code="Code de vérification",
        code_hint="6 chiffres, dans le même SMS",
        last4="4 derniers chiffres du NPI (facultatif)",
        last4_hint="Pour savoir aussi si la demande concerne la personne devant vous",
        submit="Vérifier",
        missing="Remplissez ce champ.",
        privacy="Ce qui est tapé ici sert à cette vérification et à rien d'autre.",
        genuine="Récépissé authentique",
        service="Démarche",
        day="Déposé le",
        state="Demande",
        holder="NPI",
        yes="OUI, il finit par ces 4 chiffres",
        no="NON, pas confirmé",
        no_text="Le récépissé est authentique, mais ces 4 chiffres n'ont pas été confirmés.",
        not_genuine="Récépissé non reconnu",
        not_genuine_text="Ce numéro et ce code ne vont pas ensemble. Relisez le SMS, puis recommencez.",
        too_many="Trop de vérifications",
        too_many_text="Trop de vérifications sont venues de votre connexion. Réessayez dans une heure.",
        later="Trop de réponses fausses pour ce récépissé",
        later_text="Réessayez dans {wait} secondes.",
        unavailable="Service momentanément indisponible",
        unavailable_text="Rien n'a pu être vérifié. Réessayez dans quelques minutes.",
    ),
    "en": Words(
        house="Public services of Benin",
        title="Check a receipt",
        lead="Copy the receipt's SMS. This page says whether it is genuine; it gives nobody's name.",
        reference="Receipt number",
        reference_hint="12 digits, for example 4821\N{NO-BREAK SPACE}0937\N{NO-BREAK SPACE}5628",
        code="Verification code",
        code_hint="6 digits, in the same SMS",
        last4="Last 4 digits of the NPI (optional)",
        last4_hint="To know as well whether the request is about the person before you",
        submit="Check",
        missing="Fill in this field.",
        privacy="What is typed here is used for this check and for nothing else.",
        genuine="Genuine receipt",
        service="Procedure",
        day="Filed on",
        state="Request",
        holder="NPI",
        yes="YES, it ends with these 4 digits",
        no="NO, not confirmed",
        no_text="The receipt is genuine, but these 4 digits were not confirmed.",
        not_genuine="Receipt not recognised",
        not_genuine_text="This number and this code do not match. Read the SMS again, then try once more.",
        too_many="Too many checks",
        too_many_text="Too many checks came from your connection. Try again in an hour.",
        later="Too many wrong answers for this receipt",
        later_text="Try again in {wait} seconds.",
        unavailable="Service unavailable for the moment",
        unavailable_text="Nothing could be checked. Try again in a few minutes.",
    ),
}
LANGUAGE_NAMES = {"fr": "Français", "en": "English"}
