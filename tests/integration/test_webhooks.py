"""Webhooks from a real PostgreSQL to a real receiver that fails in every way: at least once, in order, signed."""

import asyncio
import json
import threading
from base64 import b64decode
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from controller import outward
from controller.config import Webhook
from controller.db.feed import PostgresFeed
from controller.db.ledger import PostgresLedger
from controller.domain.decision import Decision, Kind, Verdict
from controller.domain.policy import Period
from controller.errors import NotDelivered
from controller.runtime.feed import KEEP_S, TRY_S, Delivery, Told
from controller.webhooks.endpoint import Endpoint
from tests.integration.beside import beside
from tests.integration.commands import Run
from tests.integration.conftest import program
from tests.integration.entries import a_decision
from tests.integration.receiver import DRIP, GONE, HANG, REDIRECT, REFUSE, RESET, SECRET, TAKE, Receiver, receiving

KEYS = [b64decode(SECRET.removeprefix("whsec_"))]
DAEMON = """
import asyncio, sys
from tests.integration.test_webhooks import delivering, webhook

async def main():
    async with delivering(sys.argv[1], webhook(sys.argv[2])):
        print("says on its way", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as one:
        yield one


def webhook(url: str, **changes: Any) -> Webhook:
    fields: dict[str, Any] = {
        "name": "crm",
        "url": url,
        "secret": "webhook-crm",
        "kinds": frozenset(),
        "purposes": frozenset(),
        "give_up_after": Period(days=3),
    }
    return Webhook(**{**fields, **changes})


@asynccontextmanager
async def delivering(
    database: str,
    to: Webhook,
    *,
    timeout_s: float = 0.3,
    given_up: list[Told] | None = None,
    keep_s: float = KEEP_S,
    try_s: float = TRY_S,
) -> AsyncIterator[Delivery]:
    """Deliver beside the test, from where the feed is."""
    lost = given_up if given_up is not None else []
    async with (
        outward.session_of() as session,
        PostgresFeed(database, to.name) as feed,
    ):
        delivery = Delivery(
            name="webhook:crm",
            feed=feed,
            sink=Endpoint(to, keys=KEYS, session=session, timeout_s=timeout_s),
            give_up_after=to.give_up_after,
            random=lambda: 0.0,
            on_given_up=lost.append,
            keep_s=keep_s,
            try_s=try_s,
        )
        await feed.take()
        async with beside(delivery.run()):
            yield delivery


async def begun(database: str) -> None:
    """As if a daemon had run before: what is decided from now on is to be told."""
    async with PostgresFeed(database, "crm") as feed:
        assert await feed.take()


def told(bodies: Sequence[Any]) -> list[int]:
    return [body["data"]["facts"]["number"] for body in bodies]


def numbered(*numbers: int, **changes: Any) -> list[Decision]:
    return [a_decision(facts={"number": number}, **changes) for number in numbers]


async def test_a_decision_is_sent_as_it_is_stored(database: str, ledger: PostgresLedger, receiver: Receiver) -> None:
    async with delivering(database, webhook(receiver.url)):
        [receipt] = await ledger.write([a_decision(call_id="01950000-0000-7000-8000-000000000001")])
        await receiver.until(lambda: len(receiver.taken) == 1)
    assert receiver.taken == [
        {
            "type": "decision.record",
            "timestamp": "2026-03-02T12:00:00Z",
            "data": {
                "seq": receipt.seq,
                "at": "2026-03-02T12:00:00Z",
                "call_id": "01950000-0000-7000-8000-000000000001",
                "pbx": "paris",
                "linkedid": "1772452800.1",
                "kind": "record",
                "verdict": "refused",
                "reason": "opted-out",
                "rule": "routes.support",
                "purpose": "quality",
                "policy_version": "a" * 64,
                "actor": "policy",
                "facts": {"agent": "PJSIP/201", "answered": True, "share": 0.25, "calls": 3, "queue": None},
            },
        }
    ]


async def test_whatever_the_receiver_does_each_is_taken_once_and_in_order(
    database: str, ledger: PostgresLedger, receiver: Receiver
) -> None:
    receiver.manners.extend([REFUSE, RESET, HANG, REDIRECT, DRIP, REFUSE])
    await begun(database)
    await ledger.write(numbered(*range(5)))
    async with delivering(database, webhook(receiver.url)):
        await receiver.until(lambda: len(receiver.taken) == 5)
    assert told(receiver.taken) == [0, 1, 2, 3, 4]
    assert told([body for _, body in receiver.came]) == [0] * 6 + [0, 1, 2, 3, 4]
    assert len({identity for identity, _ in receiver.came[:7]}) == 1
    assert len({identity for identity, _ in receiver.came}) == 5
    assert receiver.elsewhere == []


async def test_a_receiver_that_is_not_there_yet_is_found(database: str, ledger: PostgresLedger) -> None:
    async with receiving() as before:
        url, port = before.url, before.port
    await begun(database)
    await ledger.write(numbered(1))
    with capture_logs() as log:
        async with delivering(database, webhook(url)) as delivery:
            await before.until(lambda: delivery.last_error == "ClientConnectorError")
            async with receiving(port) as receiver:
                await receiver.until(lambda: len(receiver.taken) == 1)
                await receiver.until(lambda: delivery.last_error == "")
    assert [line["event"] for line in log] == ["feed.not_told"]
    assert url not in json.dumps(log)


async def test_only_what_is_configured_is_sent(database: str, ledger: PostgresLedger, receiver: Receiver) -> None:
    only = webhook(receiver.url, kinds=frozenset({Kind.STOP}), purposes=frozenset({"quality"}))
    async with delivering(database, only):
        await ledger.write(
            [
                *numbered(1),
                *numbered(2, kind=Kind.STOP, verdict=Verdict.APPLIED),
                *numbered(3, kind=Kind.STOP, purpose="orders"),
                *numbered(4, kind=Kind.STOP, purpose=None),
                *numbered(5, kind=Kind.STOP),
            ]
        )
        await receiver.until(lambda: len(receiver.taken) == 2)
    assert told(receiver.taken) == [2, 5]
    assert len(receiver.came) == 2


async def test_what_could_not_be_delivered_in_its_time_is_given_up_and_said(
    database: str, ledger: PostgresLedger, receiver: Receiver
) -> None:
    receiver.manners.append(REFUSE)
    await begun(database)
    await ledger.write([*numbered(1), *numbered(2, kind=Kind.STOP)])
    given_up: list[Told] = []
    at_once = webhook(receiver.url, kinds=frozenset({Kind.RECORD}), give_up_after=Period())
    with capture_logs() as log:
        async with delivering(database, at_once, given_up=given_up, try_s=0.0):
            await receiver.until(lambda: len(given_up) == 1)
            await ledger.write(numbered(3))
            await receiver.until(lambda: len(receiver.taken) == 1)
    assert told(receiver.taken) == [3]
    assert [one.decision.facts for one in given_up] == [{"number": 1}]
    [line] = [line for line in log if line["event"] == "feed.given_up"]
    assert (line["log_level"], line["reason"]) == ("critical", "answered with status 500")
    assert line["call"] == given_up[0].decision.call_id
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT given_up FROM feed").fetchall() == [(1,)]


async def test_a_daemon_that_is_killed_before_it_notes_a_delivery_delivers_it_again_with_its_id(
    database: str, ledger: PostgresLedger, receiver: Receiver
) -> None:
    receiver.manners.append(HANG)
    await begun(database)
    await ledger.write(numbered(1, 2))
    async with program(DAEMON, database, receiver.url) as (process, _):
        await receiver.until(lambda: len(receiver.came) == 1)
        process.kill()
        await process.wait()
    async with delivering(database, webhook(receiver.url)):
        await receiver.until(lambda: len(receiver.taken) == 2)
    assert told([body for _, body in receiver.came]) == [1, 1, 2]
    assert receiver.came[0][0] == receiver.came[1][0] != receiver.came[2][0]


async def test_two_daemons_deliver_each_decision_once(
    database: str, ledger: PostgresLedger, receiver: Receiver
) -> None:
    async with delivering(database, webhook(receiver.url)), delivering(database, webhook(receiver.url)):
        for number in range(20):
            await ledger.write(numbered(number))
        await receiver.until(lambda: len(receiver.taken) >= 20)
    assert told(receiver.taken) == list(range(20))
    assert len(receiver.came) == 20


def counted(name: str) -> float:
    return REGISTRY.get_sample_value(name, {"feed": "webhook:crm"}) or 0


@pytest.mark.parametrize(
    ("try_s", "taken", "lost"),
    [(TRY_S, [1, 2], []), (0.0, [2], [1])],
    ids=["a first refusal gives nothing up", "later ones give up what was refused and nothing after it"],
)
async def test_what_is_overdue_is_tried_before_it_is_given_up(
    database: str, ledger: PostgresLedger, receiver: Receiver, *, try_s: float, taken: list[int], lost: list[int]
) -> None:
    """After a week without a daemon all is overdue, and one refusal says nothing."""
    receiver.manners.append(REFUSE)
    await begun(database)
    await ledger.write(numbered(1, 2))
    given_up: list[Told] = []
    at_once = webhook(receiver.url, give_up_after=Period())
    async with delivering(database, at_once, given_up=given_up, try_s=try_s):
        await receiver.until(lambda: len(receiver.taken) == len(taken))
    assert told(receiver.taken) == taken
    assert [one.decision.facts["number"] for one in given_up] == lost


async def test_all_that_are_given_up_are_counted_and_the_first_of_them_raises_the_alert(
    database: str, ledger: PostgresLedger, receiver: Receiver
) -> None:
    receiver.manners.extend([REFUSE] * 3)
    await begun(database)
    await ledger.write(numbered(1, 2, 3, 4))
    before = counted("rc_feed_given_up_total"), counted("rc_feed_failures_total"), counted("rc_feed_told_total")
    given_up: list[Told] = []
    at_once = webhook(receiver.url, give_up_after=Period())
    async with delivering(database, at_once, given_up=given_up, try_s=0.0) as delivery:
        await receiver.until(lambda: len(receiver.taken) == 1 and delivery.last_error == "")
    after = counted("rc_feed_given_up_total"), counted("rc_feed_failures_total"), counted("rc_feed_told_total")
    assert [late - early for late, early in zip(after, before, strict=True)] == [3, 3, 1]
    assert [one.decision.facts for one in given_up] == [{"number": 1}]


async def test_a_daemon_that_cannot_reach_a_receiver_lets_another_one_try(
    database: str, ledger: PostgresLedger, receiver: Receiver
) -> None:
    async with receiving() as gone:
        nowhere = gone.url
    await begun(database)
    async with delivering(database, webhook(nowhere), keep_s=0.0) as failing:
        await ledger.write(numbered(1))
        await receiver.until(lambda: failing.last_error != "")
        async with delivering(database, webhook(receiver.url)):
            await receiver.until(lambda: len(receiver.taken) == 1)


async def test_a_receiver_that_wants_nothing_any_more_is_sent_nothing_more(
    database: str, ledger: PostgresLedger, receiver: Receiver
) -> None:
    receiver.manners.append(GONE)
    await begun(database)
    await ledger.write(numbered(1, 2))
    with capture_logs() as log:
        async with outward.session_of() as session, PostgresFeed(database, "crm") as feed:
            sink = Endpoint(webhook(receiver.url), keys=KEYS, session=session)
            delivery = Delivery(
                name="webhook:crm", feed=feed, sink=sink, give_up_after=Period(days=3), random=lambda: 0.0
            )
            async with asyncio.timeout(20.0):
                await delivery.run()
            async with PostgresFeed(database, "crm") as another:
                assert await another.take()
    assert [(line["event"], line["log_level"]) for line in log] == [("feed.ended", "critical")]
    assert len(receiver.came) == 1


async def test_several_are_sent_before_it_is_noted_how_far_that_has_come(
    database: str, ledger: PostgresLedger, receiver: Receiver
) -> None:
    async with outward.session_of() as session, PostgresFeed(database, "crm") as feed:
        assert await feed.take()
        await ledger.write([*numbered(1, 2), *numbered(3, kind=Kind.STOP), *numbered(4)])
        some = await feed.after(100)
        endpoint = Endpoint(webhook(receiver.url, kinds=frozenset({Kind.RECORD})), keys=KEYS, session=session)
        assert await endpoint.send(some) == 4
        assert told(receiver.taken) == [1, 2, 4]
        receiver.manners.extend([TAKE, TAKE, REFUSE, REFUSE])
        assert await endpoint.send(some) == 3
        with pytest.raises(NotDelivered):
            await endpoint.send(some)


async def test_looking_up_a_receiver_waits_for_none_of_the_threads_that_calls_need(
    database: str, ledger: PostgresLedger, receiver: Receiver
) -> None:
    over = threading.Event()
    with ThreadPoolExecutor(1) as only:
        asyncio.get_running_loop().set_default_executor(only)
        async with delivering(database, webhook(f"http://localhost:{receiver.port}/hook"), timeout_s=5.0):
            try:
                taken = only.submit(over.wait)
                await ledger.write(numbered(1))
                await receiver.until(lambda: len(receiver.taken) == 1)
                assert not taken.done()
            finally:
                over.set()


async def test_a_feed_can_be_listed_and_passed_over(
    database: str, ledger: PostgresLedger, receiver: Receiver, run: Run
) -> None:
    receiver.manners.extend([REFUSE] * 100)
    async with delivering(database, webhook(receiver.url)) as delivery:
        await ledger.write(numbered(1, 2))
        await receiver.until(lambda: delivery.last_error != "")
        listed = await asyncio.to_thread(run, "feeds", "list", "--format", "jsonl")
        assert (listed.returncode, listed.stderr) == (0, "")
        [row] = map(json.loads, listed.stdout.splitlines())
        assert (row["name"], row["waiting"], row["given_up"]) == ("crm", 2, 0)
        assert row["since"] is not None
        skipped = await asyncio.to_thread(run, "feeds", "skip", "crm")
        assert (skipped.returncode, skipped.stderr) == (0, "")
        await receiver.until(lambda: delivery.last_error == "")
        receiver.manners.clear()
        await ledger.write(numbered(3))
        await receiver.until(lambda: len(receiver.taken) == 1)
        row["waiting"] = 1
        while row["waiting"]:  # who has taken it is told first, and that they have is kept then
            listed = await asyncio.to_thread(run, "feeds", "list", "--format", "jsonl")
            row = json.loads(listed.stdout)
    assert told(receiver.taken) == [3]
    assert row == {"name": "crm", "waiting": 0, "since": None, "given_up": 0}
    unknown = await asyncio.to_thread(run, "feeds", "skip", "crn")
    assert (unknown.returncode, unknown.stderr) == (2, "name: there is no such feed\n")
