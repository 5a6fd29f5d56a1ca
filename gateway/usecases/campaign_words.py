"""What is said of campaigns, rows and refusals, in words a person understands: one table, French and English."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.messages import CampaignState, RowState

Words = Mapping[str, Mapping[str, str]]  #: language -> key -> sentence; `{0}` stands for what follows the colon

ROWS: Words = {
    "fr": {
        "converted": "ancien numéro à 8 chiffres, converti",
        "lost_zero": "premier zéro perdu par le tableur, remis",
        "shortened": "valeur trop longue, raccourcie",
        "no_number": "pas de numéro",
        "unreadable": "ce n'est pas un numéro de téléphone",
        "invalid": "aucun réseau n'a de numéro comme celui-ci",
        "rounded": "numéro arrondi par le tableur: mettre la colonne en texte et le saisir à nouveau",
        "foreign": "numéro d'un autre pays",
        "not_mobile": "ce n'est pas un numéro de mobile",
        "no_value": "il manque la valeur de {0}",
        "bad_cell": "la formule de {0} est en erreur",
        "forbidden": "lien ou numéro qui n'est pas permis dans {0}",
        "forbidden_text": "avec ces valeurs le texte contient un lien ou un numéro qui n'est pas permis",
        "asks": "avec ces valeurs le texte demande un code, un PIN ou un paiement",
        "empty_text": "le texte serait vide",
        "same_number": "numéro déjà présent plus haut",
        "opted_out": "ne veut pas de ces messages",
        "unregistered": "aucun expéditeur permis chez son opérateur",
        "no_guest": "n'est pas parmi les numéros d'essai",
        "erased": "données effacées à sa demande",
        "refused": "ne veut plus de ces messages",
        "unreadable_row": "ligne illisible",
    },
    "en": {
        "converted": "old 8-digit number, converted",
        "lost_zero": "first zero lost by the spreadsheet, put back",
        "shortened": "value too long, shortened",
        "no_number": "no number",
        "unreadable": "this is no phone number",
        "invalid": "no network has such a number",
        "rounded": "number rounded by the spreadsheet: make the column text and type it again",
        "foreign": "number of another country",
        "not_mobile": "this is no mobile number",
        "no_value": "the value of {0} is missing",
        "bad_cell": "the formula of {0} has an error",
        "forbidden": "a link or number that is not allowed in {0}",
        "forbidden_text": "with these values the text has a link or number that is not allowed",
        "asks": "with these values the text asks for a code, a PIN or a payment",
        "empty_text": "the text would be empty",
        "same_number": "the number stands in an earlier row",
        "opted_out": "does not want such messages",
        "unregistered": "no sender is allowed with this operator",
        "no_guest": "is not among the trial numbers",
        "erased": "data erased at this person's request",
        "refused": "no longer wants such messages",
        "unreadable_row": "the row cannot be read",
    },
}
ROW_STATES: Words = {
    "fr": {
        RowState.GOOD: "à envoyer",
        RowState.WRONG: "à corriger",
        RowState.DUPLICATE: "en double",
        RowState.LEFT_OUT: "non envoyé",
        RowState.WRITTEN: "envoi en cours",
    },
    "en": {
        RowState.GOOD: "to be sent",
        RowState.WRONG: "to be corrected",
        RowState.DUPLICATE: "duplicate",
        RowState.LEFT_OUT: "not sent",
        RowState.WRITTEN: "being sent",
    },
}
STATES: Words = {
    "fr": {
        CampaignState.CHECKING: "vérification en cours",
        CampaignState.READY: "prêt à envoyer",
        CampaignState.REFUSED: "rien à envoyer",
        CampaignState.WAITING: "attend une approbation",
        CampaignState.SENDING: "envoi en cours",
        CampaignState.DONE: "terminé",
        CampaignState.STOPPED: "arrêté",
    },
    "en": {
        CampaignState.CHECKING: "being checked",
        CampaignState.READY: "ready to send",
        CampaignState.REFUSED: "nothing to send",
        CampaignState.WAITING: "waits for approval",
        CampaignState.SENDING: "being sent",
        CampaignState.DONE: "done",
        CampaignState.STOPPED: "stopped",
    },
}
#: Why a campaign, or what was asked of it, is refused.
REFUSALS: Words = {
    "fr": {
        "part": "Des lignes sont à corriger: corrigez le fichier, ou acceptez d'envoyer seulement les bonnes lignes.",
        "budget": "Le budget du mois ne suffit pas: cet envoi coûte {0} F CFA, il en reste {1}.",
        "own": "Vous avez préparé cet envoi: une autre personne doit l'approuver.",
        "state": "Cet envoi n'en est plus là: rechargez la page.",
        "past": "La date d'envoi est passée.",
        "far": "La date d'envoi est dans plus de 90 jours.",
        "no_template": "Ce modèle n'existe pas ou n'est plus utilisé.",
        "sender": "Votre institution n'a pas le droit d'utiliser l'expéditeur de ce modèle.",
        "no_recipients": "Il n'y a aucun destinataire.",
        "wrong_numbers": "Un des numéros n'est pas un numéro de téléphone.",
        "no_topic": "Ce sujet n'existe pas.",
        "file_large": "Le fichier est trop gros: 20 Mo au plus.",
        "too_many_rows": "Plus de 100 000 lignes: partagez le fichier en plusieurs.",
        "too_many_columns": "Plus de 100 colonnes: gardez celles qui servent.",
        "long_cell": "La cellule {0} est trop longue.",
        "quote": 'Ligne {0}: un " qui ne se ferme pas. Corrigez-le.',
        "not_a_table": "Ce fichier n'est pas un tableau lisible: enregistrez-le en CSV ou en XLSX.",
        "too_big_inside": "Ce classeur est trop gros une fois ouvert: enregistrez la feuille en CSV.",
        "damaged": "Ce classeur est endommagé: ouvrez-le et enregistrez-le à nouveau.",
        "no_column": "Il manque la colonne {0}.",
        "no_number_column": "Aucune colonne de numéros: nommez-la « téléphone » ou « numéro ».",
        "nothing_to_send": "Aucune ligne ne peut être envoyée.",
        "not_approved": "L'approbateur a refusé.",
        "abandoned": "Laissé sans suite: les données sont effacées.",
        "failed": "La vérification a échoué: c'est notre faute, l'exploitant est prévenu.",
        "unreadable": "Les données de cet envoi ne peuvent plus être lues.",
    },
    "en": {
        "part": "Some rows must be corrected: correct the file, or accept to send the good rows only.",
        "budget": "The month's budget is too small: this costs {0} F CFA, and {1} are left.",
        "own": "You prepared this: another person must approve it.",
        "state": "This is no longer where it was: reload the page.",
        "past": "The time of sending is past.",
        "far": "The time of sending is more than 90 days ahead.",
        "no_template": "There is no such template, or it is no longer used.",
        "sender": "Your institution may not use the sender of this template.",
        "no_recipients": "There is nobody to send to.",
        "wrong_numbers": "One of the numbers is no phone number.",
        "no_topic": "There is no such topic.",
        "file_large": "The file is too big: 20 MB at most.",
        "too_many_rows": "More than 100,000 rows: split the file.",
        "too_many_columns": "More than 100 columns: keep those that are used.",
        "long_cell": "The cell {0} is too long.",
        "quote": 'Line {0}: a " that does not end. Correct it.',
        "not_a_table": "This file is no table that can be read: save it as CSV or XLSX.",
        "too_big_inside": "This workbook is too big once opened: save the sheet as CSV.",
        "damaged": "This workbook is damaged: open it and save it again.",
        "no_column": "The column {0} is missing.",
        "no_number_column": 'No column of numbers: name it "phone" or "number".',
        "nothing_to_send": "No row can be sent.",
        "not_approved": "The approver refused.",
        "abandoned": "Left without a decision: its data are erased.",
        "failed": "The check failed: this is our fault, the operator is told.",
        "unreadable": "The data of this sending can no longer be read.",
    },
}


def say(words: Words, code: str, language: str) -> str:
    """The sentence of a code ("no_value:nom") in `language`, in French when there is no other; "" for ""."""
    if not code:
        return ""
    key, *details = code.split(":")
    table = words.get(language, words["fr"])
    return table.get(key, key).format(*details, "", "")


def remarks(codes: str, language: str) -> str:
    """The sentences of a row's codes, which are separated by spaces."""
    return ", ".join(say(ROWS, code, language) for code in codes.split())


class CampaignRefused(Exception):
    """What was asked of a campaign is not done; `code` is a key of REFUSALS, with its details after colons."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code

    def sentence(self, language: str) -> str:
        return say(REFUSALS, self.code, language)
