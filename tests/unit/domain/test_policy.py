"""Which route a call takes, and in which language a prompt is spoken."""

from dataclasses import replace

import pytest

from controller.domain.decision import Reason
from controller.domain.policy import Asked, Direction, Exclusions, Period, Route, Sampling
from tests.unit.domain.stories import NOON, asked_for, policy, prompt, purpose

ANY = Route(name="any", purposes=("quality",))
SALES = replace(ANY, name="sales", queues=("sales", "shop-*"))
CALLING = replace(ANY, name="calling", direction=Direction.OUTBOUND)
FRENCH = replace(ANY, name="french", languages=("fr", "fr_*"))


@pytest.mark.parametrize(
    ("routes", "direction", "queue", "language", "taken"),
    [
        pytest.param((ANY,), "inbound", "sales", "en", "any", id="a route without conditions takes every call"),
        pytest.param((SALES, ANY), "inbound", "sales", "en", "sales", id="the first route that matches wins"),
        pytest.param((ANY, SALES), "inbound", "sales", "en", "any", id="even where a later one says more"),
        pytest.param((SALES,), "inbound", "shop-7", "en", "sales", id="a queue may be a pattern"),
        pytest.param((SALES,), "inbound", "SALES", "en", None, id="patterns tell capitals from small letters"),
        pytest.param((SALES,), "inbound", "support", "en", None, id="another queue is not matched"),
        pytest.param((CALLING,), "outbound", "x", "en", "calling", id="an outbound call takes the outbound route"),
        pytest.param((CALLING,), "inbound", "x", "en", None, id="an inbound call does not"),
        pytest.param((FRENCH,), "inbound", "x", "fr_CA", "french", id="a language may be a pattern"),
        pytest.param((FRENCH,), "inbound", "x", "en", None, id="another language is not matched"),
        pytest.param((), "inbound", "x", "en", None, id="no route takes no call"),
    ],
)
def test_the_route_of_a_call(
    routes: tuple[Route, ...], direction: str, queue: str, language: str, taken: str | None
) -> None:
    route = policy(routes=routes).route(asked_for(queue, language, Direction(direction)))
    assert (route.name if route else None) == taken


FROM_SALES = Asked(
    direction=Direction.INBOUND,
    queue="x",
    language="en",
    called=frozenset({"0199000010", "+33199000010"}),
    calling=frozenset({"0639980001", "+33639980001"}),
    context="from-trunk",
)


@pytest.mark.parametrize(
    ("route", "taken"),
    [
        pytest.param(replace(ANY, called=("0199000010",)), True, id="the number that was called, as it was dialled"),
        pytest.param(replace(ANY, called=("+331990000*",)), True, id="or as the world writes it"),
        pytest.param(replace(ANY, called=("0199000011",)), False, id="another number is not matched"),
        pytest.param(replace(ANY, calling=("06*",)), True, id="the number that calls"),
        pytest.param(replace(ANY, calling=("07*",)), False, id="from elsewhere it is not matched"),
        pytest.param(replace(ANY, contexts=("from-*",)), True, id="the context that asks"),
        pytest.param(replace(ANY, contexts=("agents",)), False, id="another context is not matched"),
    ],
)
def test_a_route_by_number_and_context(route: Route, *, taken: bool) -> None:
    assert route.matches(FROM_SALES) is taken


def test_a_withheld_number_matches_no_pattern() -> None:
    assert not replace(ANY, calling=("*",)).matches(replace(FROM_SALES, calling=frozenset()))


OUTBOUND = replace(FROM_SALES, direction=Direction.OUTBOUND, called=frozenset({"112"}))
NEVER = Exclusions(
    representative_numbers=("+33639980001",),
    queues=("works-council",),
    numbers=("0199*",),
    emergency=frozenset({"112"}),
)


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        pytest.param(OUTBOUND, Reason.EMERGENCY_CALL, id="a call to the emergency services"),
        pytest.param(FROM_SALES, Reason.REPRESENTATIVE, id="a representative's number that calls"),
        pytest.param(replace(OUTBOUND, called=FROM_SALES.calling), Reason.REPRESENTATIVE, id="or that is called"),
        pytest.param(
            replace(FROM_SALES, calling=frozenset(), queue="works-council"), Reason.EXCLUDED, id="a queue of theirs"
        ),
        pytest.param(replace(OUTBOUND, called=frozenset({"0199000099"})), Reason.EXCLUDED, id="a number of the file"),
        pytest.param(replace(FROM_SALES, calling=frozenset()), None, id="anybody else is not excluded"),
        pytest.param(
            replace(FROM_SALES, calling=frozenset(), called=frozenset({"112"})),
            None,
            id="whoever calls the emergency services here is for a purpose to say",
        ),
    ],
)
def test_who_is_excluded(asked: Asked, reason: Reason | None) -> None:
    assert replace(policy(), exclusions=NEVER).exclusion(asked) is reason


@pytest.mark.parametrize(
    ("period", "end"),
    [
        pytest.param(Period(months=6), "2026-09-02", id="six months"),
        pytest.param(Period(years=5), "2031-03-02", id="five years"),
        pytest.param(Period(months=11, days=30), "2027-03-04", id="months before days"),
        pytest.param(Period(days=90), "2026-05-31", id="ninety days"),
    ],
)
def test_the_end_of_a_period(period: Period, end: str) -> None:
    assert period.after(NOON).date().isoformat() == end


def test_a_month_ends_where_the_next_has_no_such_day() -> None:
    assert Period(months=1).after(NOON.replace(month=1, day=31)).date().isoformat() == "2026-02-28"


def test_the_purposes_of_a_route_come_in_its_own_order() -> None:
    rules = policy(purpose("quality"), purpose("evidence"))
    route = replace(ANY, purposes=("evidence", "quality"))
    assert [p.name for p in rules.purposes_of(route)] == ["evidence", "quality"]


@pytest.mark.parametrize(
    ("asked", "spoken"),
    [
        pytest.param("fr_CA", "fr_CA", id="the very language is best"),
        pytest.param("fr_BE", "fr", id="without its country it is next best"),
        pytest.param("fr", "fr", id="a language without a country is itself"),
        pytest.param("de_AT", "en", id="an unknown one is spoken in the default language"),
        pytest.param("", "en", id="none at all is spoken in the default language"),
    ],
)
def test_a_prompt_is_spoken_in_the_nearest_language(asked: str, spoken: str) -> None:
    told = {language: prompt("told", language) for language in ("en", "fr", "fr_CA")}
    assert replace(policy(), prompts={"told": told}).prompt("told", asked).language == spoken


@pytest.mark.parametrize(
    ("rate", "block", "marks"),
    [
        pytest.param(0.25, 20, 5, id="a quarter of twenty is five"),
        pytest.param(0.3, 10, 3, id="three tenths of ten are three in spite of binary fractions"),
        pytest.param(0.29, 100, 29, id="and so are twenty-nine hundredths of a hundred"),
        pytest.param(0.0, 20, 0, id="nothing of anything is nothing"),
    ],
)
def test_how_many_positions_of_a_block_are_marked(rate: float, block: int, marks: int) -> None:
    assert Sampling(rate=rate, block=block).marks == marks
