"""The limits of the law that no file can break, purpose by purpose. Each message names the source of its rule."""

from collections.abc import Mapping

from controller.config.draft import Draft, Finding, Findings
from controller.config.faults import Path, did_you_mean
from controller.config.period import parse_period, within, written
from controller.config.shape import ConsentShape, PurposeShape, SamplingShape
from controller.domain.policy import Basis, ConsentMode, Period, Start

HIGHEST_RATE = 0.30
LOWEST_RATE = 0.20
DEFAULT_OBJECT_KEY = "1"

_QUALITY = (Period(months=6), "CNIL, listening and recording at work: quality and training")
_EVIDENCE = (Period(years=5), "evidence is kept no longer than actions may be brought, C. civ. art. 2224")
_OBLIGATION = (Period(years=7), "MiFID II art. 16(7): 5 years, 7 where the authority asks for it")
_SMALL = 1e-9


def check_purposes(draft: Draft) -> Findings:
    """Everything about purposes and their consent."""
    for name, purpose in draft.purposes.items():
        path: Path = ("purposes", name)
        yield from _check_basis(purpose, path)
        yield from _check_retention(purpose, path)
        if isinstance(purpose.sampling, SamplingShape):
            yield from _check_sampling(purpose.basis, purpose.sampling, (*path, "sampling"))
        consent_path = (*path, "consent")
        yield from _check_prompts(purpose.consent, consent_path, draft.names)
        yield from _check_mode(purpose, consent_path)
        yield from _check_keys(purpose.consent, consent_path)


def _check_basis(purpose: PurposeShape, path: Path) -> Findings:
    if purpose.basis is Basis.CONTRACT and purpose.starts is Start.ON_ANSWER:
        yield Finding(
            path=(*path, "starts"),
            message="must be on-trigger: evidence of a contract is recorded from when the talk is about concluding"
            " it, never from the answer (CNIL, 25 April 2022)",
        )
    everything = purpose.sampling == "all"
    if everything and purpose.basis is not Basis.LEGAL_OBLIGATION and purpose.starts is Start.ON_ANSWER:
        yield Finding(
            path=(*path, "sampling"),
            message="all is only for a legal obligation or a recording on-trigger: recording must not be"
            " systematic (CNIL, listening and recording at work)",
        )


def retention_limit(basis: Basis, start: Start) -> tuple[Period, str]:
    """The longest retention, and where it comes from."""
    if basis is Basis.LEGAL_OBLIGATION:
        return _OBLIGATION
    return _QUALITY if start is Start.ON_ANSWER and basis is not Basis.CONTRACT else _EVIDENCE


def _check_retention(purpose: PurposeShape, path: Path) -> Findings:
    limit, source = retention_limit(purpose.basis, purpose.starts)
    if not within(parse_period(purpose.retention), limit):
        yield Finding(path=(*path, "retention"), message=f"must be at most {written(limit)} ({source})")


def _check_sampling(basis: Basis, sampling: SamplingShape, path: Path) -> Findings:
    rate, share = sampling.rate, sampling.rate * sampling.block
    limited = basis is not Basis.LEGAL_OBLIGATION
    if limited:
        yield from _check_ceiling(sampling, path)
    if limited and rate < LOWEST_RATE:
        message = f"{rate:g} is below {LOWEST_RATE:.2f}: lawful, but 20 to 30 % is the usual quality goal"
        yield Finding(path=(*path, "rate"), message=message, warning=True)
    if abs(share - round(share)) > _SMALL or round(share) < 1:
        yield Finding(
            path=(*path, "rate"),
            message=f"times block ({sampling.block}) must be a whole number of calls, not {share:g}",
        )
    if sampling.minimum is not None and sampling.minimum > rate:
        yield Finding(path=(*path, "minimum"), message=f"must be at most the rate, {rate:g}")
    if sampling.maximum is not None and sampling.maximum < rate:
        yield Finding(path=(*path, "maximum"), message=f"must be at least the rate, {rate:g}")
    if len(set(sampling.strata)) < len(sampling.strata):
        yield Finding(path=(*path, "strata"), message="names the same thing twice")


def _check_ceiling(sampling: SamplingShape, path: Path) -> Findings:
    for key, value in (("rate", sampling.rate), ("maximum", sampling.maximum)):
        if value is not None and value > HIGHEST_RATE:
            message = (
                f"{value:g} is above the {HIGHEST_RATE:.2f} limit for anything but a legal obligation: 20 to 30 % is"
                " the usual share, and recording must not be systematic (CNIL, listening and recording at work)"
            )
            yield Finding(path=(*path, key), message=message)


def _check_prompts(consent: ConsentShape, path: Path, names: Mapping[str, frozenset[str]]) -> Findings:
    known = names["announcements"]
    for key in ("announcement", "information", "choice"):
        name = getattr(consent, key)
        if name is not None and name not in known:
            message = f"names no announcement of this file: {name}{did_you_mean(name, sorted(known))}"
            yield Finding(path=(*path, key), message=message)


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
    if not information and consent.choice is not None and consent.mode is ConsentMode.OPT_OUT:
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
