"""Decisions read back for somebody outside, on a real PostgreSQL: none is passed over, one daemon reads at a time."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import partial

import psycopg
import pytest
from prometheus_client import REGISTRY
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs

from controller.db import decisions
from controller.db.feed import PostgresFeed, pass_over
from controller.db.ledger import PostgresLedger
from controller.domain.chain import BEGINNING, chained
from controller.domain.decision import Kind, Reason, StoredDecision
from controller.domain.policy import Period
from controller.errors import DatabaseAway
from controller.runtime import metrics
from controller.runtime.feed import Delivery, Told
from tests.integration.beside import beside
from tests.integration.conftest import KEY
from tests.integration.entries import a_call, a_call_id, a_decision

MOST = 100


@pytest.fixture
async def feed(database: str) -> AsyncIterator[PostgresFeed]:
    async with PostgresFeed(database, "somebody") as opened:
        yield opened


async def tokens(feed: PostgresFeed, most: int = MOST) -> list[str]:
    return [str(told.token) for told in await feed.after(most)]


async def test_who_is_new_is_told_what_is_decided_from_then_on(feed: PostgresFeed, ledger: PostgresLedger) -> None:
    await ledger.write([a_decision()])
    assert await feed.take()
    assert await feed.after(MOST) == []
    later = [a_decision(), a_decision()]
    await ledger.write(later)
    assert await tokens(feed) == [decision.token for decision in later]
    [first, _] = await feed.after(MOST)
    assert (first.decision.kind, first.decision.facts) == (later[0].kind, later[0].facts)


async def test_what_was_had_does_not_come_again_whoever_reads_next(
    feed: PostgresFeed, ledger: PostgresLedger, database: str
) -> None:
    assert await feed.take()
    some = [a_decision() for _ in range(5)]
    await ledger.write(some)
    await feed.had(await feed.after(2))
    await feed.release()
    async with PostgresFeed(database, "somebody") as other, PostgresFeed(database, "somebody else") as another:
        assert await other.take()
        assert await tokens(other) == [decision.token for decision in some[2:]]
        assert await another.take()
        assert await another.after(MOST) == []


async def test_a_decision_that_is_committed_after_a_later_number_was_read_is_not_passed_over(
    feed: PostgresFeed, ledger: PostgresLedger, database: str
) -> None:
    """Numbers are given before transactions end: who goes on after the highest number loses this one."""
    assert await feed.take()
    slow, quick = a_decision(), a_decision()
    async with await psycopg.AsyncConnection.connect(database) as connection:
        await decisions.insert(connection, "a slow daemon", chained("a slow daemon", BEGINNING, [slow]))
        await ledger.write([quick])
        had = await feed.after(MOST)
        assert [told.token for told in had] == [quick.token]
        await feed.had(had)
        await connection.commit()
    [told] = await feed.after(MOST)
    assert told.token == slow.token
    assert told.decision.seq < had[0].decision.seq


async def test_every_writer_is_heard_and_each_in_its_order(feed: PostgresFeed, engine: AsyncEngine) -> None:
    assert await feed.take()
    writers = {name: PostgresLedger(engine, sampling_key=KEY, writer=name) for name in ("a", "b", "c")}
    written: dict[str, list[str]] = {name: [] for name in writers}
    for number in range(12):
        name = "abc"[number % 3]
        decision = a_decision()
        await writers[name].write([decision])
        written[name].append(decision.token)
    read: dict[str, list[str]] = {name: [] for name in writers}
    while some := await feed.after(5):
        for told in some:
            read[told.writer].append(told.token)
        await feed.had(some)
    assert read == written


async def test_one_daemon_reads_and_the_next_one_goes_on_when_it_is_gone(
    feed: PostgresFeed, ledger: PostgresLedger, database: str
) -> None:
    async with PostgresFeed(database, "somebody") as standing_by:
        assert await feed.take()
        assert not await standing_by.take()
        await ledger.write([a_decision()])
        read = await feed.after(MOST)
        async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
            await connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database()"
                " AND application_name = 'recording-controller feed' AND pid IN"
                " (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted)"
            )
        assert await standing_by.take()
        with pytest.raises(DatabaseAway):
            await feed.had(read)
        assert await tokens(standing_by) == [told.token for told in read]
        assert not await feed.take()


async def test_a_call_that_was_excluded_since_is_told_without_anybody_in_it(
    feed: PostgresFeed, ledger: PostgresLedger
) -> None:
    assert await feed.take()
    call = a_call_id()
    decision = partial(a_decision, call_id=call, actor="agent:201")
    await ledger.write([a_call(id=call), decision()])
    [before] = await feed.after(MOST)
    assert (before.decision.actor, before.decision.rule) == ("agent:201", "routes.support")
    await ledger.write([a_call(id=call, linkedid="", agent=None), decision(reason=Reason.PRIVATE_CALL)])
    for told in await feed.after(MOST):
        named = (told.decision.linkedid, told.decision.rule, told.decision.actor, told.decision.facts)
        assert named == (None, None, "agent", {})
        assert told.decision.call_id == call


async def test_nothing_is_told_of_a_feed_that_somebody_has_deleted(
    feed: PostgresFeed, ledger: PostgresLedger, database: str
) -> None:
    """Rather than all that was ever decided."""
    assert await feed.take()
    await ledger.write([a_decision()])
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
        await connection.execute("DELETE FROM feed")
    assert await feed.after(MOST) == []


class Faulty:
    """Takes everything, but for the first time, when it fails as nobody has foreseen."""

    def __init__(self) -> None:
        self.attempts = 0
        self.taken = asyncio.Event()

    def wants(self, _decision: StoredDecision) -> bool:
        return True

    async def send(self, told: Sequence[Told]) -> int:
        self.attempts += 1
        if self.attempts == 1:
            raise LookupError("a fault of ours")
        self.taken.set()
        return len(told)


async def test_a_fault_in_what_is_told_ends_nothing(feed: PostgresFeed, ledger: PostgresLedger) -> None:
    assert await feed.take()
    await ledger.write([a_decision()])
    sink = Faulty()
    delivery = Delivery(name="x", feed=feed, sink=sink, give_up_after=Period(days=1), random=lambda: 0.0)
    with capture_logs() as log:
        async with beside(delivery.run()), asyncio.timeout(20.0):
            await sink.taken.wait()
    assert [(line["event"], line["reason"]) for line in log] == [("feed.not_told", "a fault: LookupError")]
    assert isinstance(log[0]["exc_info"], LookupError)
    assert REGISTRY.get_sample_value("rc_feed_failures_total", {"feed": "x"}) == 1


async def test_a_daemon_that_cannot_read_what_is_to_be_told_lets_another_one_try(
    feed: PostgresFeed, ledger: PostgresLedger, database: str
) -> None:
    assert await feed.take()
    await ledger.write([a_decision()])
    delivery = Delivery(name="y", feed=feed, sink=Faulty(), give_up_after=Period(days=1), random=lambda: 0.0)
    metrics.FEED_LATE.labels("y").set(1.0)
    async with beside(delivery.run()), asyncio.timeout(20.0), PostgresFeed(database, "somebody") as other:
        while not await other.take():
            await asyncio.sleep(0.01)
    assert REGISTRY.get_sample_value("rc_feed_late_seconds", {"feed": "y"}) == 0


def test_what_becomes_of_a_feed_is_counted_from_the_start() -> None:
    """A counter that is not there before the first time raises no alert by it."""
    feed = PostgresFeed("", "new")
    Delivery(name="new", feed=feed, sink=Faulty(), give_up_after=Period(days=1), random=lambda: 0.0)
    names = ("told_total", "failures_total", "given_up_total", "late_seconds")
    assert [REGISTRY.get_sample_value(f"rc_feed_{name}", {"feed": "new"}) for name in names] == [0] * 4


async def test_who_uses_the_system_is_named_to_nobody_outside(feed: PostgresFeed, ledger: PostgresLedger) -> None:
    assert await feed.take()
    actors = ["cli:alice", "account:bob", "token:carol", "agent:201", "policy"]
    about = partial(a_decision, call_id=None, kind=Kind.CONFIG, facts={"account": "bob"})
    await ledger.write([*(a_decision(actor=actor) for actor in actors), about(reason=Reason.ACCOUNT_ADDED)])
    had = await feed.after(MOST)
    assert [told.decision.actor for told in had] == ["cli", "account", "token", "agent:201", "policy", "policy"]
    assert had[-1].decision.facts == {}


async def test_what_somebody_has_passed_over_does_not_come_back(
    feed: PostgresFeed, ledger: PostgresLedger, database: str
) -> None:
    """Neither by what a daemon notes that had read it before."""
    assert await feed.take()
    await ledger.write([a_decision(), a_decision()])
    had = await feed.after(1)
    assert await pass_over(database, "somebody")
    await feed.had(had)
    assert await feed.after(MOST) == []
