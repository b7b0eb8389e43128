"""How long what is stored may be kept, and what becomes of it when."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.decision import Reason
from controller.domain.policy import Basis, Period, Purpose
from controller.domain.retention import (
    NOTHING,
    OUTCOMES,
    Fate,
    Judgement,
    Kept,
    Revision,
    after_outcome,
    due,
    judge,
    revision,
)
from tests.unit.domain.stories import NOON, purpose

QUALITY = replace(purpose(), retention=Period(months=6))
ASSESSED = replace(QUALITY, analyses=Period(years=1))
INSURANCE = replace(
    purpose("insurance", basis=Basis.CONTRACT), retention=Period(years=2), without_contract=Period(months=1)
)
MARKETS = replace(purpose("markets", basis=Basis.LEGAL_OBLIGATION), retention=Period(years=5))
HALF_A_YEAR = Period(months=6)
SECOND = timedelta(seconds=1)

DESTROYED = Judgement(fate=Fate.DESTROY, reason=Reason.RETENTION_OVER)
WITHOUT_CONTRACT = Judgement(fate=Fate.DESTROY, reason=Reason.NO_CONTRACT)
HELD = Judgement(fate=Fate.KEEP, reason=Reason.LEGAL_HOLD)
RESTRICTED = Judgement(fate=Fate.KEEP, reason=Reason.RESTRICTED)
ARCHIVED = Judgement(fate=Fate.ARCHIVE, reason=Reason.ARCHIVED)


def recorded(**changes: object) -> Kept:
    """A recording of NOON, with whatever is different about it."""
    fields = {
        "is_document": False,
        "began": NOON,
        "due_at": None,
        "archived": False,
        "held": False,
        "restricted": False,
        "outcome": None,
    }
    return Kept(**{**fields, **changes})  # type: ignore[arg-type]


def after(**lasts: int) -> datetime:
    return Period(**lasts).after(NOON)


@pytest.mark.parametrize(
    ("of", "outcome", "is_document", "day"),
    [
        pytest.param(QUALITY, None, False, after(months=6), id="by its purpose"),
        pytest.param(QUALITY, "none", False, after(months=6), id="an outcome changes nothing of most purposes"),
        pytest.param(INSURANCE, None, False, after(months=1), id="without a contract for less long, until one is told"),
        pytest.param(INSURANCE, "none", False, after(months=1), id="and where none came of it"),
        pytest.param(INSURANCE, "contract", False, after(years=2), id="with a contract as long as the purpose says"),
        pytest.param(ASSESSED, None, True, after(years=1), id="a document by a period of its own"),
        pytest.param(QUALITY, None, True, None, id="no document where the purpose keeps none"),
        pytest.param(
            replace(INSURANCE, analyses=Period(days=9)), "none", True, after(days=9), id="not by the outcome of a call"
        ),
    ],
)
def test_the_day_on_which_something_is_due(
    of: Purpose, outcome: str | None, day: datetime | None, *, is_document: bool
) -> None:
    assert due(of, NOON, is_document=is_document, outcome=outcome) == day


def test_six_months_of_august_end_with_february() -> None:
    assert due(QUALITY, datetime(2026, 8, 31, tzinfo=UTC)) == datetime(2027, 2, 28, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kept", "of", "at", "judgement"),
    [
        pytest.param(recorded(), QUALITY, after(months=6) - SECOND, NOTHING, id="nothing before its day"),
        pytest.param(recorded(), QUALITY, after(months=6), DESTROYED, id="destroyed on its day"),
        pytest.param(
            recorded(due_at=after(days=1)), QUALITY, after(days=1), DESTROYED, id="the day that was fixed holds"
        ),
        pytest.param(
            recorded(due_at=after(years=1)), QUALITY, after(months=7), NOTHING, id="also where the policy now says less"
        ),
        pytest.param(
            recorded(due_at=after(days=1)), None, after(days=1), DESTROYED, id="also where the purpose is gone"
        ),
        pytest.param(recorded(), None, after(years=99), NOTHING, id="without a day and a purpose nobody knows"),
        pytest.param(recorded(began=None), QUALITY, after(years=99), NOTHING, id="nor without a day and its beginning"),
        pytest.param(recorded(held=True), QUALITY, after(months=6), HELD, id="kept while a legal hold stands"),
        pytest.param(recorded(held=True), QUALITY, after(days=1), NOTHING, id="a hold changes nothing before its day"),
        pytest.param(recorded(restricted=True), QUALITY, after(months=6), RESTRICTED, id="kept while restricted"),
        pytest.param(
            recorded(held=True, restricted=True), QUALITY, after(months=6), HELD, id="a hold is named before that"
        ),
        pytest.param(recorded(), INSURANCE, after(months=1), WITHOUT_CONTRACT, id="for want of a contract"),
        pytest.param(
            recorded(outcome="contract"), INSURANCE, after(years=2), DESTROYED, id="with a contract by its own time"
        ),
        pytest.param(
            recorded(due_at=after(months=3)), INSURANCE, after(months=3), DESTROYED, id="by a policy of before"
        ),
        pytest.param(
            recorded(is_document=True, due_at=after(days=9)), INSURANCE, after(days=9), DESTROYED, id="a document"
        ),
        pytest.param(
            recorded(began=None, due_at=after(days=9)), INSURANCE, after(days=9), DESTROYED, id="of unknown age"
        ),
        pytest.param(recorded(), MARKETS, after(months=6), ARCHIVED, id="to the archive after its time"),
        pytest.param(recorded(), MARKETS, after(months=6) - SECOND, NOTHING, id="and not before"),
        pytest.param(recorded(archived=True), MARKETS, after(years=1), NOTHING, id="and once"),
        pytest.param(recorded(archived=True), MARKETS, after(years=5), DESTROYED, id="and destroyed from there"),
        pytest.param(
            recorded(due_at=after(years=9)), QUALITY, after(years=1), NOTHING, id="what is worked with is not archived"
        ),
        pytest.param(
            recorded(outcome="contract"), INSURANCE, after(months=7), ARCHIVED, id="evidence of a contract is archived"
        ),
        pytest.param(
            recorded(held=True, due_at=after(years=5)), MARKETS, after(years=1), ARCHIVED, id="also while it is held"
        ),
    ],
)
def test_what_becomes_of_it(kept: Kept, of: Purpose | None, at: datetime, judgement: Judgement) -> None:
    assert judge(kept, of, at=at, archive_after=HALF_A_YEAR) == judgement


@pytest.mark.parametrize(
    ("kept", "of", "found"),
    [
        pytest.param(recorded(due_at=after(months=6)), QUALITY, None, id="nothing where it is as the policy says"),
        pytest.param(
            recorded(due_at=after(months=9)), QUALITY, Revision(due_at=after(months=6), sooner=True), id="sooner"
        ),
        pytest.param(
            recorded(due_at=after(months=3)), QUALITY, Revision(due_at=after(months=6), sooner=False), id="later"
        ),
        pytest.param(recorded(), QUALITY, Revision(due_at=after(months=6), sooner=True), id="never is later than ever"),
        pytest.param(recorded(due_at=after(months=9)), None, None, id="nothing where the purpose is gone"),
        pytest.param(recorded(began=None, due_at=NOON), QUALITY, None, id="nothing where nobody knows its age"),
        pytest.param(
            recorded(is_document=True, due_at=NOON), QUALITY, None, id="nothing where there are no more documents"
        ),
    ],
)
def test_what_another_policy_would_change(kept: Kept, of: Purpose | None, found: Revision | None) -> None:
    assert revision(kept, of) == found


@pytest.mark.parametrize(
    ("kept", "of", "outcome", "day"),
    [
        pytest.param(
            recorded(due_at=after(months=1)), INSURANCE, "contract", after(years=2), id="a contract lengthens"
        ),
        pytest.param(recorded(due_at=after(months=1)), INSURANCE, "none", None, id="none changes nothing"),
        pytest.param(recorded(due_at=after(days=3)), INSURANCE, "none", None, id="none never lengthens"),
        pytest.param(
            recorded(due_at=after(years=2)), INSURANCE, "none", after(months=1), id="a contract after all was none"
        ),
        pytest.param(recorded(), INSURANCE, "none", after(months=1), id="what had no day has one"),
        pytest.param(recorded(due_at=after(years=2)), INSURANCE, "contract", None, id="told again it changes nothing"),
        pytest.param(recorded(due_at=after(days=3)), QUALITY, "contract", None, id="most purposes do not ask"),
        pytest.param(recorded(due_at=after(days=3)), None, "contract", None, id="nor one that is gone"),
        pytest.param(
            recorded(is_document=True, due_at=after(days=3)), INSURANCE, "contract", None, id="nor a document"
        ),
        pytest.param(recorded(began=None, due_at=NOON), INSURANCE, "contract", None, id="nor one of unknown age"),
    ],
)
def test_what_an_outcome_changes(kept: Kept, of: Purpose | None, outcome: str, day: datetime | None) -> None:
    assert after_outcome(kept, of, outcome) == day


moments = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
periods = st.builds(Period, years=st.integers(0, 7), months=st.integers(0, 11), days=st.integers(0, 400))
purposes = st.builds(
    lambda basis, retention, without, analyses: replace(
        purpose(basis=basis), retention=retention, without_contract=without, analyses=analyses
    ),
    st.sampled_from(Basis),
    periods,
    st.none() | periods,
    st.none() | periods,
)
some_kept = st.builds(
    Kept,
    is_document=st.booleans(),
    began=st.none() | moments,
    due_at=st.none() | moments,
    archived=st.booleans(),
    held=st.booleans(),
    restricted=st.booleans(),
    outcome=st.none() | st.sampled_from(OUTCOMES),
)


@given(some_kept, st.none() | purposes, moments, periods)
def test_nothing_is_destroyed_before_its_day_nor_while_it_is_to_be_kept(
    kept: Kept, of: Purpose | None, at: datetime, archive_after: Period
) -> None:
    judgement = judge(kept, of, at=at, archive_after=archive_after)
    if judgement.fate is Fate.DESTROY:
        assert not kept.held
        assert not kept.restricted
        assert kept.due_at is None or kept.due_at <= at
    elif kept.due_at is not None and kept.due_at <= at:
        assert judgement.fate is Fate.KEEP


@given(some_kept, st.none() | purposes, moments, moments, periods)
def test_what_is_due_stays_due(
    kept: Kept, of: Purpose | None, one: datetime, another: datetime, archive_after: Period
) -> None:
    sooner, later = sorted((one, another))
    before = judge(kept, of, at=sooner, archive_after=archive_after)
    if before.fate in {Fate.DESTROY, Fate.KEEP}:
        assert judge(kept, of, at=later, archive_after=archive_after) == before


@given(some_kept, purposes)
def test_what_was_revised_is_as_the_policy_says(kept: Kept, of: Purpose) -> None:
    found = revision(kept, of)
    if found is not None:
        assert found.sooner == (kept.due_at is None or found.due_at < kept.due_at)
        assert revision(replace(kept, due_at=found.due_at), of) is None


@given(some_kept, purposes)
def test_no_contract_never_lengthens(kept: Kept, of: Purpose) -> None:
    day = after_outcome(kept, of, "none")
    assert day is None or kept.due_at is None or day < kept.due_at
