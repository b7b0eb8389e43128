"""The limits of the law that no file can break, purpose by purpose. Each message names the source of its rule."""

from controller.config.consent_rules import check_consent
from controller.config.draft import Draft, Finding, Findings, known_announcement
from controller.config.faults import Path
from controller.config.period import parse_period, within, written
from controller.config.shape import PurposeShape, SamplingShape
from controller.domain.policy import Basis, Period, Start

HIGHEST_RATE = 0.30
LOWEST_RATE = 0.20
SMALL = 1e-9
"""What arithmetic with shares may be wrong by."""

_WORK = "CNIL, listening and recording at work"
_QUALITY = (Period(months=6), f"{_WORK}: quality and training")
_EVIDENCE = (Period(years=5), "the usual practice for evidence of a contract")
_OBLIGATION = (Period(years=7), "MiFID II art. 16(7): 5 years, 7 where the authority asks for it")
_ANALYSES = (Period(years=1), f"{_WORK}: documents of analysis")
_UNSAMPLED = frozenset({Basis.CONTRACT, Basis.LEGAL_OBLIGATION})
"""What may be recorded without a sample. Anything else is quality, whatever starts it."""


def check_purposes(draft: Draft) -> Findings:
    """Everything about purposes and their consent."""
    for name, purpose in draft.purposes.items():
        path: Path = ("purposes", name)
        yield from _check_basis(purpose, path)
        yield from _check_retention(purpose, path)
        if isinstance(purpose.sampling, SamplingShape):
            yield from _check_sampling(purpose.basis, purpose.sampling, (*path, "sampling"))
        yield from _check_notice(purpose, path)
        yield from known_announcement(purpose.notice, (*path, "notice"), draft.names)
        yield from check_consent(purpose, (*path, "consent"), draft.names)


def _check_basis(purpose: PurposeShape, path: Path) -> Findings:
    if purpose.basis is Basis.CONTRACT and purpose.starts is Start.ON_ANSWER:
        yield Finding(
            path=(*path, "starts"),
            message="must be on-trigger: evidence of a contract is recorded from when the talk is about concluding"
            " it, never from the answer (CNIL, 25 April 2022)",
        )
    if purpose.basis in _UNSAMPLED:
        yield from _check_unsampled(purpose, path)
        return
    if purpose.starts is Start.ON_TRIGGER:
        message = (
            "must be on-answer: on-trigger is only for evidence of a contract or a legal obligation. Of anything else a"
            " sample is recorded, and a sample of answered calls is drawn at the answer"
        )
        yield Finding(path=(*path, "starts"), message=f"{message} ({_WORK})")
    if purpose.sampling == "all":
        message = "all is only for evidence of a contract or a legal obligation: recording must not be systematic"
        yield Finding(path=(*path, "sampling"), message=f"{message} ({_WORK})")


def _check_unsampled(purpose: PurposeShape, path: Path) -> Findings:
    if purpose.starts is Start.ON_TRIGGER and purpose.sampling != "all":
        message = (
            "must be all with on-trigger: a sample is one of all answered calls, drawn at the answer (practice: 20 to"
            " 30 % of the flow of calls)"
        )
        yield Finding(path=(*path, "sampling"), message=message)


def retention_limit(basis: Basis) -> tuple[Period, str]:
    """The longest retention, and where it comes from."""
    return {Basis.LEGAL_OBLIGATION: _OBLIGATION, Basis.CONTRACT: _EVIDENCE}.get(basis, _QUALITY)


def highest_share(sampling: SamplingShape) -> float:
    """The maximum of a sample, where none is given too."""
    return max(HIGHEST_RATE, sampling.rate) if sampling.maximum is None else sampling.maximum


def quality_share(purpose: PurposeShape) -> float | None:
    """The largest share of its calls that a purpose records for quality; None where it is not for quality."""
    if purpose.basis in _UNSAMPLED or not isinstance(purpose.sampling, SamplingShape):
        return None
    return highest_share(purpose.sampling)


def analyses_limit(basis: Basis) -> tuple[Period, str]:
    """The longest life of documents made from recordings, and where it comes from."""
    return _OBLIGATION if basis is Basis.LEGAL_OBLIGATION else _ANALYSES


def _check_retention(purpose: PurposeShape, path: Path) -> Findings:
    yield from _check_period(purpose.retention, (*path, "retention"), *retention_limit(purpose.basis))
    if purpose.without_contract is not None and not _within(purpose.without_contract, purpose.retention):
        message = "must be at most retention: what no contract came of is not kept for longer"
        yield Finding(path=(*path, "without_contract"), message=message)
    if purpose.analyses is not None:
        yield from _check_period(purpose.analyses, (*path, "analyses"), *analyses_limit(purpose.basis))


def _within(period: str, limit: str) -> bool:
    return within(parse_period(period), parse_period(limit))


def _check_period(period: str, path: Path, limit: Period, source: str) -> Findings:
    if not within(parse_period(period), limit):
        yield Finding(path=path, message=f"must be at most {written(limit)} ({source})")


def _check_notice(purpose: PurposeShape, path: Path) -> Findings:
    on_trigger = purpose.starts is Start.ON_TRIGGER
    if purpose.notice is not None and not on_trigger:
        message = "is never heard: it is played when a recording starts on-trigger"
        yield Finding(path=(*path, "notice"), message=message)
    if purpose.notice is None and on_trigger and purpose.basis is Basis.CONTRACT:
        message = "needs a notice: the customer is told again when the recording begins (CNIL, 25 April 2022)"
        yield Finding(path=path, message=message)


def _check_sampling(basis: Basis, sampling: SamplingShape, path: Path) -> Findings:
    rate, share = sampling.rate, sampling.rate * sampling.block
    limited = basis is not Basis.LEGAL_OBLIGATION
    if limited:
        yield from _check_ceiling(sampling, path)
    if limited and rate < LOWEST_RATE:
        message = f"{rate:g} is below {LOWEST_RATE:.2f}: lawful, but 20 to 30 % is the usual quality goal"
        yield Finding(path=(*path, "rate"), message=message, warning=True)
    if abs(share - round(share)) > SMALL or round(share) < 1:
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
