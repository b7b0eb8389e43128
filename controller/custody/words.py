"""Decisions, bases and purposes in plain words, for data subjects: GDPR art. 12(1) asks for clear and plain language.

In French and English. The constants are explained for those who run the product in docs/glossary.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from controller.domain.decision import Kind, Reason, Verdict
from controller.domain.policy import Basis, Direction

LANGUAGES = ("fr", "en")
_COLONS = ("\u00a0:", ":")


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The words of one language, by the constants that they stand for; ``decisions`` by kind and verdict."""

    decisions: Mapping[str, str]
    reasons: Mapping[str, str]
    bases: Mapping[str, str]
    directions: Mapping[str, str]
    colon: str

    def decision(self, kind: str, verdict: str, reason: str) -> str:
        """One decision as a sentence; a reason of another version of this program stands as it is."""
        about = self.decisions.get(f"{kind} {verdict}", f"{kind} {verdict}")
        return f"{about}{self.colon} {self.reasons.get(reason, reason)}."


def words(language: str) -> Words:
    """The words of ``fr`` or ``en``."""
    index = LANGUAGES.index(language)
    return Words(
        decisions={f"{kind} {verdict}": told[index] for (kind, verdict), told in _DECISIONS.items()},
        reasons={reason.value: told[index] for reason, told in REASONS.items()},
        bases={basis.value: told[index] for basis, told in BASES.items()},
        directions={direction.value: told[index] for direction, told in DIRECTIONS.items()},
        colon=_COLONS[index],
    )


DIRECTIONS: Mapping[Direction, tuple[str, str]] = {
    Direction.INBOUND: ("vous avez appelé", "you called"),
    Direction.OUTBOUND: ("vous avez été appelé", "you were called"),
}

BASES: Mapping[Basis, tuple[str, str]] = {
    Basis.CONSENT: ("votre consentement (art. 6(1)(a) du RGPD)", "your consent (GDPR art. 6(1)(a))"),
    Basis.CONTRACT: ("un contrat avec vous (art. 6(1)(b) du RGPD)", "a contract with you (GDPR art. 6(1)(b))"),
    Basis.LEGAL_OBLIGATION: ("une obligation légale (art. 6(1)(c) du RGPD)", "a legal obligation (GDPR art. 6(1)(c))"),
    Basis.LEGITIMATE_INTEREST: (
        "un intérêt légitime (art. 6(1)(f) du RGPD)",
        "a legitimate interest (GDPR art. 6(1)(f))",
    ),
}

_DECISIONS: Mapping[tuple[Kind, Verdict], tuple[str, str]] = {
    (Kind.CONSENT, Verdict.ALLOWED): ("Enregistrement possible", "Recording possible"),
    (Kind.CONSENT, Verdict.REFUSED): ("Enregistrement refusé", "Recording refused"),
    (Kind.CONSENT, Verdict.APPLIED): ("Opposition modifiée", "Objection changed"),
    (Kind.RECORD, Verdict.ALLOWED): ("L'appel peut être enregistré", "The call may be recorded"),
    (Kind.RECORD, Verdict.REFUSED): ("L'appel n'est pas enregistré", "The call is not recorded"),
    (Kind.PAUSE, Verdict.APPLIED): ("Enregistrement mis en pause", "Recording paused"),
    (Kind.RESUME, Verdict.ALLOWED): ("L'enregistrement peut reprendre", "Recording may go on"),
    (Kind.RESUME, Verdict.REFUSED): ("L'enregistrement ne reprend pas", "Recording does not go on"),
    (Kind.RESUME, Verdict.APPLIED): ("Enregistrement repris", "Recording goes on"),
    (Kind.STOP, Verdict.APPLIED): ("Enregistrement terminé", "Recording ended"),
    (Kind.DISCARD, Verdict.APPLIED): ("Enregistrement supprimé", "Recording thrown away"),
    (Kind.RETAIN, Verdict.ALLOWED): ("Conservation", "Kept"),
    (Kind.RETAIN, Verdict.REFUSED): ("Conservation refusée", "Not kept"),
    (Kind.RETAIN, Verdict.APPLIED): ("Conservation", "Kept"),
    (Kind.ERASE, Verdict.REFUSED): ("Effacement refusé", "Erasure refused"),
    (Kind.ERASE, Verdict.APPLIED): ("Effacement", "Erased"),
    (Kind.HOLD, Verdict.APPLIED): ("Gel pour litige", "Legal hold"),
    (Kind.ACCESS, Verdict.ALLOWED): ("Accès accordé", "Access given"),
    (Kind.ACCESS, Verdict.REFUSED): ("Accès refusé", "Access refused"),
    (Kind.ACCESS, Verdict.APPLIED): ("Accès", "Access"),
}

REASONS: Mapping[Reason, tuple[str, str]] = {
    Reason.ANNOUNCED: (
        "l'annonce a été entendue en entier, sans opposition",
        "the announcement was heard whole, and nobody objected",
    ),
    Reason.AGREED: ("vous avez accepté par une touche", "you agreed by pressing a key"),
    Reason.OPTED_OUT: ("une personne s'y est opposée pendant l'appel", "somebody objected during the call"),
    Reason.NOT_AGREED: ("pas d'accord exprimé, ce qui vaut refus", "nobody agreed, and that means no"),
    Reason.ANNOUNCEMENT_INCOMPLETE: (
        "l'annonce n'a pas été entendue en entier",
        "the announcement was not heard whole",
    ),
    Reason.NOT_ASKED: ("la question n'a pas été posée", "the question was not asked"),
    Reason.OBJECTION_ON_FILE: ("vous vous y étiez opposé auparavant", "you had objected before"),
    Reason.OBJECTIONS_UNKNOWN: (
        "une opposition antérieure n'a pas pu être recherchée à temps",
        "it could not be found out in time whether you had objected before",
    ),
    Reason.OBJECTION_ADDED: ("votre opposition a été notée", "your objection was noted"),
    Reason.OBJECTION_ENDED: ("votre opposition a pris fin", "your objection has ended"),
    Reason.SAMPLED: ("appel choisi dans l'échantillon", "the call was chosen for the sample"),
    Reason.NOT_SAMPLED: ("appel hors de l'échantillon", "the call was not chosen for the sample"),
    Reason.SAMPLING_CAP: (
        "la part maximale d'appels enregistrés était atteinte",
        "the largest share of recorded calls was reached",
    ),
    Reason.LEGAL_OBLIGATION: ("une obligation légale l'impose", "a legal obligation requires it"),
    Reason.EVERY_CALL: ("tous les appels de cette finalité le sont", "every call for this purpose is"),
    Reason.TRIGGER: (
        "le moment qui doit être enregistré a commencé",
        "the part that is to be recorded has begun",
    ),
    Reason.NO_MATCHING_ROUTE: ("aucune règle ne le prévoit", "no rule provides for it"),
    Reason.REPRESENTATIVE: ("un représentant du personnel participe", "a staff representative takes part"),
    Reason.PRIVATE_CALL: ("appel personnel d'un salarié", "a private call of an employee"),
    Reason.EXCLUDED: ("appel exclu de tout enregistrement", "the call is excluded from recording"),
    Reason.EMERGENCY_CALL: ("appel d'urgence", "an emergency call"),
    Reason.AGENT_NOT_INFORMED: (
        "la personne qui a répondu n'avait pas été informée",
        "the person who answered had not been informed",
    ),
    Reason.DECISION_NOT_LOGGED: (
        "la décision n'a pas pu être écrite à temps",
        "the decision could not be written in time",
    ),
    Reason.OVERLOAD: ("trop d'appels à la fois", "there were too many calls at once"),
    Reason.STORAGE_FULL: ("plus de place pour conserver", "there was no room left to keep it"),
    Reason.PAYMENT: ("des données bancaires sont communiquées", "card data is being given"),
    Reason.PAYMENT_OVER: ("le paiement est terminé", "the payment is over"),
    Reason.AGENT_REQUEST: ("à la demande de votre interlocuteur", "the person you spoke to asked for it"),
    Reason.HOLD: ("mise en attente", "you were put on hold"),
    Reason.EXTERNAL_PARTY: ("une autre personne participe", "another person takes part"),
    Reason.NOBODY_CONNECTED: ("personne ne vous entendait", "nobody could hear you"),
    Reason.NOTHING_FORBIDS: ("rien ne s'y oppose", "nothing stands against it"),
    Reason.PBX_STALLED: ("le standard téléphonique ne répondait plus", "the telephone exchange stood still"),
    Reason.EVENTS_LOST: (
        "la connexion au standard téléphonique a été perdue",
        "the connection to the telephone exchange was lost",
    ),
    Reason.HANDED_OVER: ("une autre instance du service a pris le relais", "the program was relieved by another"),
    Reason.CALL_ENDED: ("fin de l'appel", "the call ended"),
    Reason.PAUSE_UNCONFIRMED: (
        "une pause n'a pas été confirmée\u00a0; l'enregistrement est mis hors d'écoute",
        "a pause was not confirmed; the recording is kept out of hearing",
    ),
    Reason.PAUSE_TOO_LONG: ("pause trop longue", "the pause was too long"),
    Reason.RECORDING_FAILED: ("échec technique", "it failed for technical reasons"),
    Reason.CONTROLLER_LOST: ("le service d'enregistrement s'est interrompu", "the program broke off"),
    Reason.CONTROLLER_STOPPED: ("le service d'enregistrement a été arrêté", "the program was stopped"),
    Reason.DATABASE_AWAY: ("la base de données ne répondait pas", "the database did not answer"),
    Reason.OTHER_PROOF: ("une autre preuve existe", "there is other proof"),
    Reason.STORED: ("mis en conservation chiffrée", "put into encrypted storage"),
    Reason.RECORDING_LOST: ("l'enregistrement n'a pas été retrouvé", "the recording was not found again"),
    Reason.UNEXPLAINED: ("origine inconnue", "nobody knows where it comes from"),
    Reason.ARCHIVED: ("mis en archivage intermédiaire", "put into the intermediate archive"),
    Reason.OUTCOME_KNOWN: ("la suite de l'appel est connue", "it is known what came of the call"),
    Reason.RETENTION_CHANGED: ("la durée de conservation a changé", "the time for which it is kept has changed"),
    Reason.RECTIFIED: ("une donnée a été rectifiée", "something about it was put right"),
    Reason.RESTRICTED: ("limitation du traitement demandée", "restriction of processing was asked for"),
    Reason.RESTRICTION_LIFTED: ("fin de la limitation du traitement", "the restriction of processing has ended"),
    Reason.RETENTION_OVER: ("fin de la durée de conservation", "its time is over"),
    Reason.NO_CONTRACT: ("aucun contrat n'a suivi", "no contract came of the call"),
    Reason.SUBJECT_REQUEST: ("à votre demande", "you asked for it"),
    Reason.ERASED_BEFORE: ("déjà effacé auparavant", "it had been erased before"),
    Reason.LEGAL_HOLD: ("conservé pour un litige", "it is kept for a dispute"),
    Reason.EVIDENCE: ("conservé comme preuve d'un contrat", "it is kept as evidence of a contract"),
    Reason.PURPOSE_UNKNOWN: (
        "la finalité n'existe plus\u00a0; une personne doit décider",
        "its purpose exists no more; a person has to decide",
    ),
    Reason.HOLD_PLACED: ("conservation imposée par un litige", "it has to be kept for a dispute"),
    Reason.HOLD_LIFTED: ("fin du litige", "the dispute is over"),
    Reason.POLICY_LOADED: ("règles en vigueur", "rules in force"),
    Reason.POLICY_FAULTY: ("règles refusées", "rules refused"),
    Reason.KEYS_REWRAPPED: ("clés de chiffrement renouvelées", "encryption keys renewed"),
    Reason.NOT_DELIVERED: ("un système extérieur n'a pas été informé", "a system outside was not told"),
    Reason.AGENT_INFORMED: ("un salarié a été informé", "an employee was informed"),
    Reason.NOTICE_WITHDRAWN: (
        "l'information d'un salarié a été retirée",
        "the information of an employee was withdrawn",
    ),
    Reason.ACCOUNT_ADDED: ("un compte a été créé", "an account was added"),
    Reason.ACCOUNT_CHANGED: ("un compte a été modifié", "an account was changed"),
    Reason.ACCOUNT_DISABLED: ("un compte a été désactivé", "an account was disabled"),
    Reason.TOKEN_ISSUED: ("un accès a été donné à un programme", "a program was given access"),
    Reason.TOKEN_REVOKED: ("l'accès d'un programme a été retiré", "the access of a program was taken back"),
}
