"""How the other party is told and asked: what each mode needs, and that every key has one meaning."""

from collections.abc import Mapping

from controller.config.draft import Finding, Findings, known_announcement
from controller.config.faults import Path
from controller.config.shape import ConsentShape, PurposeShape
from controller.domain.policy import Basis, ConsentMode

DEFAULT_OBJECT_KEY = "1"

_OBJECTION = frozenset({ConsentMode.OPT_OUT, ConsentMode.REFUSAL_ENDS_CALL})
"""Whoever stays silent has not objected: nothing has to be asked."""


def check_consent(purpose: PurposeShape, path: Path, names: Mapping[str, frozenset[str]]) -> Findings:
    """Everything about the consent of a purpose, which stands at ``path``."""
    for key in ("announcement", "information", "choice"):
        yield from known_announcement(getattr(purpose.consent, key), (*path, key), names)
    yield from _check_mode(purpose, path)
    yield from _check_keys(purpose.consent, path)


def _check_mode(purpose: PurposeShape, path: Path) -> Findings:
    consent = purpose.consent
    if consent.announcement is None:
        yield Finding(path=path, message="needs an announcement: whoever is recorded is told (GDPR art. 13)")
    if consent.mode is ConsentMode.NONE:
        yield from _check_not_asked(purpose, path)
        return
    if purpose.basis is Basis.CONSENT and consent.mode is not ConsentMode.OPT_IN:
        message = "must be opt-in where the basis is consent: silence is no consent (GDPR art. 4(11) and 7)"
        yield Finding(path=(*path, "mode"), message=message)
    if consent.mode is ConsentMode.OPT_IN:
        yield from _check_opt_in(consent, path)
    if consent.mode is ConsentMode.REFUSAL_ENDS_CALL:
        yield from _check_refusal(purpose, path)
    yield from _check_information(consent, path)


def _check_not_asked(purpose: PurposeShape, path: Path) -> Findings:
    if purpose.basis is not Basis.LEGAL_OBLIGATION:
        message = "none is only for a legal obligation: anyone else may object (GDPR art. 21)"
        yield Finding(path=(*path, "mode"), message=message)
    consent = purpose.consent
    useless = [key for key in ("information", "choice") if getattr(consent, key) is not None]
    for key in (*useless, *(["keys"] if consent.keys.model_fields_set else [])):
        yield Finding(
            path=(*path, key), message="has no use in mode none: the announcement is played, nothing is asked"
        )


def _check_opt_in(consent: ConsentShape, path: Path) -> Findings:
    for key in ("agree", "object"):
        if getattr(consent.keys, key) is None:
            message = f"needs the key {key} in mode opt-in: silence is no consent (GDPR art. 7)"
            yield Finding(path=(*path, "keys"), message=message)
    if consent.choice is None:
        yield Finding(path=path, message="needs a choice in mode opt-in: it asks for the key")


def _check_refusal(purpose: PurposeShape, path: Path) -> Findings:
    if purpose.consent.keys.object is None:
        message = "needs the key object in mode refusal-ends-call: whoever presses it is not served by telephone"
        yield Finding(path=(*path, "keys"), message=f"{message} (C. assur. R. 112-7)")
    if purpose.basis is not Basis.LEGAL_OBLIGATION:
        message = "refusal-ends-call is meant for a legal obligation (C. assur. R. 112-7): objecting costs the call"
        yield Finding(path=(*path, "mode"), message=message, warning=True)


def _check_information(consent: ConsentShape, path: Path) -> Findings:
    information, key = consent.information is not None, consent.keys.information is not None
    if information and not key:
        yield Finding(path=(*path, "keys"), message="needs the key information, which plays the information")
    if information and consent.choice is None:
        yield Finding(path=(*path, "information"), message="needs a choice: it is asked again after the information")
    if not information and key:
        yield Finding(
            path=(*path, "keys", "information"), message="has nothing to play: consent.information is missing"
        )
    if not information and consent.choice is not None and consent.mode in _OBJECTION:
        yield Finding(path=(*path, "choice"), message="is never asked: consent.information is missing")


def _check_keys(consent: ConsentShape, path: Path) -> Findings:
    default = DEFAULT_OBJECT_KEY if consent.mode is ConsentMode.OPT_OUT else None
    taken = {consent.keys.object or default: "object"}
    for name in ("agree", "information"):
        key = getattr(consent.keys, name)
        if key is None:
            continue
        if key in taken:
            message = f"must not be the key {taken[key]} too: one key, one meaning"
            yield Finding(path=(*path, "keys", name), message=message)
        taken.setdefault(key, name)
