"""The sample as daemons really draw it: they come and go, several at once, and the promises hold all the same."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from random import Random
from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from controller.db import queries
from controller.db.engine import open_engine
from controller.db.ledger import PostgresLedger
from controller.domain.decision import Reason, StoredDecision
from controller.domain.policy import Sampling
from controller.domain.sampling import Stratum, draw
from controller.runtime.ports import SampledDecision
from tests.integration.conftest import KEY
from tests.integration.entries import QUARTER, a_decision, a_question
from tests.unit.domain.sampled_calls import (
    assert_never_above_the_maximum,
    assert_never_below_the_minimum_for_want_of_a_choice,
)

DRAWN = {Reason.SAMPLED, Reason.NOT_SAMPLED, Reason.SAMPLING_CAP}
"""The reasons of calls that everything but the sample allowed."""


@asynccontextmanager
async def a_daemon(database: str) -> AsyncIterator[PostgresLedger]:
    """Knows nothing but the database and the key."""
    engine = open_engine(database, pool_size=2)
    try:
        yield PostgresLedger(engine, sampling_key=KEY, writer=f"daemon-{uuid4()}", timeout_s=60.0)
    finally:
        await engine.dispose()


def questions(chance: Random, strata: list[str], number: int, sampling: Sampling) -> list[SampledDecision]:
    """Answered calls; of every ten, two callers have objected."""
    asked = [a_question(chance.choice(strata), eligible=chance.random() < 0.8) for _ in range(number)]
    return [
        replace(one, sampling=sampling, question=replace(one.question, facts={"stratum": one.stratum})) for one in asked
    ]


async def in_order(engine: AsyncEngine) -> dict[str, list[StoredDecision]]:
    """The drawn decisions of each stratum, by their positions."""
    by_stratum: dict[str, list[StoredDecision]] = defaultdict(list)
    async for row in queries.decisions(engine):
        if "position" in row.facts:
            by_stratum[str(row.facts["stratum"])].append(row)
    return {
        stratum: sorted(rows, key=lambda row: (row.facts["block"], row.facts["position"]))
        for stratum, rows in by_stratum.items()
    }


def assert_replayed(stratum: str, rows: list[StoredDecision], sampling: Sampling) -> Stratum:
    """Every position was drawn once, and came out as whoever has the key finds it; the promises hold."""
    state = Stratum()
    for row in rows:
        eligible = row.reason in DRAWN
        state, outcome = draw(state, sampling, key=KEY, purpose="quality", stratum=stratum, eligible=eligible)
        assert (row.verdict == "allowed") is outcome.chosen
        facts = {name: row.facts[name] for name in ("block", "position", "marked", "owed", "needed")}
        assert facts == {name: getattr(outcome, name) for name in facts}
    chosen = [row.verdict == "allowed" for row in rows]
    assert_never_above_the_maximum(chosen, sampling.maximum)
    assert_never_below_the_minimum_for_want_of_a_choice([row.reason in DRAWN for row in rows], chosen, sampling.minimum)
    return state


@pytest.mark.parametrize("sampling", [QUARTER, Sampling(rate=0.2), Sampling(rate=0.3, block=100)], ids=str)
async def test_a_daemon_goes_on_in_every_stratum_where_the_one_before_it_was(
    database: str, engine: AsyncEngine, sampling: Sampling
) -> None:
    chance, strata = Random(11), ["agent=201", "agent=202"]
    for _ in range(12):
        async with a_daemon(database) as ledger:
            for _ in range(chance.randint(1, 4)):
                await ledger.write(questions(chance, strata, chance.randint(1, 40), sampling))
    states = {stratum: assert_replayed(stratum, rows, sampling) for stratum, rows in (await in_order(engine)).items()}
    assert await queries.sampling_strata(engine) == {("quality", name): state for name, state in states.items()}
    assert all(state.answered > 150 for state in states.values())


async def test_daemons_that_draw_at_once_draw_one_sample(database: str, engine: AsyncEngine) -> None:
    strata = ["agent=201", "agent=202", "agent=203"]

    async def draws(number: int) -> None:
        chance = Random(number)
        for _ in range(3):  # each ends and begins again, while the others go on
            async with a_daemon(database) as ledger:
                for _ in range(10):
                    asked = questions(chance, strata, chance.randint(1, 8), QUARTER)
                    await ledger.write([a_decision(), *asked])

    await asyncio.gather(*(draws(number) for number in range(4)))
    found = await in_order(engine)
    states = {stratum: assert_replayed(stratum, rows, QUARTER) for stratum, rows in found.items()}
    assert await queries.sampling_strata(engine) == {("quality", name): state for name, state in states.items()}
    for rows in found.values():
        assert [row.seq for row in rows] == sorted(row.seq for row in rows)
    assert all(state.answered > 100 for state in states.values())
