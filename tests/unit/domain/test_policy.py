"""Which route a call takes, and in which language a prompt is spoken."""

from dataclasses import replace

import pytest

from controller.domain.policy import Direction, Route, Sampling
from tests.unit.domain.stories import policy, prompt, purpose

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
    route = policy(routes=routes).route(direction=Direction(direction), queue=queue, language=language)
    assert (route.name if route else None) == taken


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
