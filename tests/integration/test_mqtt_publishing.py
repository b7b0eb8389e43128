"""What the daemon says at a real Mosquitto by itself; each message is held against the AsyncAPI document."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from signal import SIGKILL, SIGTERM
from tempfile import NamedTemporaryFile
from typing import Any

import pytest
from prometheus_client import REGISTRY

from controller.config import Mqtt
from controller.config.settings import Publishing
from controller.db.feed import PostgresFeed
from controller.db.ledger import PostgresLedger
from controller.domain.call import Call
from controller.domain.decision import Kind, Verdict
from controller.domain.events import CustomerLeft
from controller.domain.policy import Period
from controller.mqtt.live_state import LiveState
from controller.mqtt.service import MqttService
from controller.runtime import requests
from controller.runtime.clock import now
from controller.runtime.feed import Delivery
from controller.runtime.requests import CallState, Request, Verb
from lab.broker import ADDRESS, Broker
from tests.integration.beside import beside
from tests.integration.conftest import program
from tests.integration.entries import a_decision
from tests.integration.heard import Listener, hearing
from tests.unit.mqtt.office import Office

PATIENCE_S = 20.0
STATUS = "rc/daemons/one/status"
EVERY = frozenset(Kind)
DAEMON = """
import asyncio, sys
from lab.broker import Broker
from tests.integration.test_mqtt_publishing import watched
from tests.unit.mqtt.office import Office

async def main():
    office = Office()
    call = await office.recorded()
    async with watched(int(sys.argv[1]), office) as service:
        while not service.connected:
            await asyncio.sleep(0.005)
        print("says", call.id, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture
def broker() -> Iterator[Broker]:
    with Broker.running() as running:
        yield running


def service_of(port: int, *offices: Office, name: str = "one", **publish: Any) -> MqttService:
    """One that says the state of calls, and nothing else unless asked."""
    kinds = {"metrics_every_s": None} | publish
    broker = Mqtt(host=ADDRESS, port=port, tls=False, username=None, topic="rc", name=name, publish=Publishing(**kinds))
    service = MqttService(broker, password=None, pbxs=offices, random=lambda: 0.0)
    for office in offices:
        office.dispatcher.onlooker = service.live
    return service


@asynccontextmanager
async def running(service: MqttService) -> AsyncIterator[MqttService]:
    async with beside(service.run()):
        yield service


@asynccontextmanager
async def watched(port: int, office: Office, **options: Any) -> AsyncIterator[MqttService]:
    """A daemon that watches this PBX."""
    async with running(service_of(port, office, **options)) as service:
        service.live.watching(office.name)
        yield service


async def until(service: MqttService, *, connected: bool) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while service.connected is not connected:
            await asyncio.sleep(0.005)


def state_topic(call: Call) -> str:
    return f"rc/lab/calls/{call.id}/state"


def ask(office: Office, call: Call, verb: Verb) -> None:
    requests.tell(office.dispatcher, call.id, Request(verb=verb, actor="agent:201", origin="agent"))


def end(office: Office, call: Call) -> None:
    office.dispatcher.tell(call.id, CustomerLeft(at=now()))


async def kept(broker: Broker) -> dict[str, Any]:
    """What the broker has kept, by topic."""
    async with hearing(broker) as listener, broker.asking() as asker:
        await asker.tell("rc/lab/alerts", {"alert": "payment", "call": "last", "at": "2026-03-02T12:00:00Z"})
        await listener.until(lambda: any(said.topic == "rc/lab/alerts" for said in listener.said))
    return {said.topic: said.what for said in listener.said if said.retain}


async def test_the_state_of_a_call_is_said_as_it_changes_and_cleared_at_its_end(broker: Broker) -> None:
    office = Office()
    async with hearing(broker) as listener, watched(broker.port, office) as service:
        await until(service, connected=True)
        call = await office.recorded()
        topic = state_topic(call)
        await listener.until(lambda: listener.of(topic)[-1:] != [] and listener.of(topic)[-1]["state"] == "recording")
        assert listener.of(topic)[-1] == {
            "id": call.id,
            "state": "recording",
            "pauses": [],
            "recordings": [{"name": f"rc-{call.id}-quality-1", "purpose": "quality", "state": "recording"}],
            "daemon": "one",
        }
        ask(office, call, Verb.PAUSE)
        await listener.until(lambda: listener.of(topic)[-1]["state"] == "paused")
        assert listener.of(topic)[-1]["pauses"] == ["payment"]
        assert (await kept(broker))[topic]["state"] == "paused"
        end(office, call)
        await listener.until(lambda: listener.of(topic)[-1] is None)
        assert topic not in await kept(broker)


async def test_an_agents_screen_hears_of_its_calls_without_knowing_them(broker: Broker) -> None:
    office = Office()
    topic = "rc/lab/agents/201/state"
    async with hearing(broker) as listener, watched(broker.port, office, state=False, agents=True) as service:
        await until(service, connected=True)
        calls = [await office.recorded(), await office.recorded()]
        await listener.until(lambda: listener.of(topic) != [] and len(listener.of(topic)[-1]["calls"]) == 2)
        assert {one["id"] for one in listener.of(topic)[-1]["calls"]} == {call.id for call in calls}
        end(office, calls[0])
        await listener.until(lambda: len(listener.of(topic)[-1]["calls"]) == 1)
        end(office, calls[1])
        await listener.until(lambda: listener.of(topic)[-1] is None)
    assert {said.topic for said in listener.said} == {topic, STATUS}


async def test_of_a_private_call_nothing_says_whose_it_is(broker: Broker) -> None:
    office = Office()
    async with hearing(broker) as listener, watched(broker.port, office, agents=True) as service:
        await until(service, connected=True)
        call = await office.recorded()
        await listener.until(lambda: listener.of("agents/201/state") != [])
        ask(office, call, Verb.PRIVATE)
        await listener.until(lambda: listener.of("agents/201/state")[-1] is None)
        await listener.until(lambda: listener.of(state_topic(call))[-1]["state"] == "not-recorded")
        assert listener.of(state_topic(call))[-1] == {
            "id": call.id,
            "state": "not-recorded",
            "pauses": [],
            "recordings": [],
            "daemon": "one",
        }


async def test_what_a_killed_daemon_has_left_is_said_anew_or_cleared_by_the_next_one(broker: Broker) -> None:
    office = Office()
    async with hearing(broker) as listener, program(DAEMON, str(broker.port)) as (process, ended):
        await listener.until(lambda: any(ended in said.topic for said in listener.said))
        assert listener.of(STATUS) == [{"status": "online"}]
        process.kill()
        await listener.until(lambda: listener.of(STATUS)[-1] == {"status": "offline"})
        assert f"rc/lab/calls/{ended}/state" in await kept(broker)
        async with broker.asking() as asker:
            foreign = {"id": "1", "state": "paused", "pauses": [], "recordings": [], "daemon": "three"}
            await asker.tell("rc/paris/calls/1/state", foreign, retain=True)
            await listener.until(lambda: listener.of("rc/paris/calls/1/state") != [])
        call = await office.recorded()
        async with watched(broker.port, office, name="two"):
            await listener.until(lambda: listener.of(f"calls/{ended}/state")[-1] is None)
            found = await kept(broker)
    assert {topic for topic in found if topic.endswith("/state")} == {state_topic(call), "rc/paris/calls/1/state"}
    assert found[state_topic(call)]["daemon"] == "two"


async def test_a_daemon_that_stands_by_says_nothing_of_calls_and_takes_nothing_back(broker: Broker) -> None:
    office = Office()
    async with hearing(broker) as listener, watched(broker.port, office) as service:
        await until(service, connected=True)
        call = await office.recorded()
        await listener.until(lambda: listener.of(state_topic(call)) != [])
        before = await kept(broker)
        service.live.standing_by("lab")
        ask(office, call, Verb.PAUSE)
        assert service.live._changed == {}
        await office.until(lambda: office.state(call) is CallState.PAUSED)
        service.live.retained(state_topic(call), b"heard when it was too late")
        office.dispatcher.forget_everything()
        async with running(service_of(broker.port, office, name="two")) as other:
            await until(other, connected=True)
            assert (await kept(broker))[state_topic(call)] == before[state_topic(call)]


class Slow:
    """A broker that takes one message, and tells us meanwhile."""

    def __init__(self, live: LiveState) -> None:
        self.live = live
        self.took: list[str] = []
        self.over = asyncio.Event()

    async def hear(self, filters: Iterable[str]) -> None:  # noqa: ARG002
        self.over.set()

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False, qos: int = 1) -> None:  # noqa: ARG002
        self.took.append(topic)
        self.live.standing_by("lab")
        self.over.set()


async def test_nothing_more_is_said_of_a_pbx_that_another_daemon_takes_while_it_is_said() -> None:
    """Which message of a call is under way at that moment, a real broker lets nobody choose."""
    office = Office()
    live = LiveState(root="rc", daemon="one", pbxs=lambda: [office], agents=True)
    call = await office.recorded()
    live.watching("lab")
    connection = Slow(live)
    async with beside(live.run(connection)), asyncio.timeout(PATIENCE_S):
        await connection.over.wait()
        for _ in range(3):
            await asyncio.sleep(0)
    assert connection.took == [state_topic(call)]
    assert live._said == {}


async def test_after_the_broker_was_away_the_state_is_said_anew_and_not_what_it_was_meanwhile(broker: Broker) -> None:
    office = Office()
    async with watched(broker.port, office) as service:
        await until(service, connected=True)
        over, going_on = await office.recorded(), await office.recorded()
        await asyncio.to_thread(broker.end, SIGKILL)
        await until(service, connected=False)
        end(office, over)
        ask(office, going_on, Verb.PAUSE)
        assert service.live._changed == {}
        await asyncio.to_thread(broker.start)
        await until(service, connected=True)
        async with hearing(broker) as listener:
            await listener.until(lambda: listener.of(state_topic(going_on)) != [])
        assert [said["state"] for said in listener.of(state_topic(going_on))] == ["paused"]
        assert listener.of(state_topic(over)) == []


async def test_a_call_that_ended_while_a_broker_that_forgets_nothing_was_away_is_cleared() -> None:
    office = Office()
    with Broker.running(keeps=True) as broker:
        async with watched(broker.port, office) as service:
            await until(service, connected=True)
            over, going_on = await office.recorded(), await office.recorded()
            async with hearing(broker) as listener:
                await listener.until(lambda: {state_topic(over), state_topic(going_on)} <= set(topics(listener)))
            async with broker.asking() as asker:
                foreign = {"id": "1", "state": "paused", "pauses": [], "recordings": [], "daemon": "three"}
                await asker.tell("rc/paris/calls/1/state", foreign, retain=True)
            await asyncio.to_thread(broker.end, SIGTERM)
            await until(service, connected=False)
            end(office, over)
            await asyncio.to_thread(broker.start)
            async with asyncio.timeout(PATIENCE_S):
                while state_topic(over) in (found := await kept(broker)) or state_topic(going_on) not in found:
                    await asyncio.sleep(0.01)
    assert found["rc/paris/calls/1/state"]["daemon"] == "three"


def topics(listener: Listener) -> list[str]:
    return [said.topic for said in listener.said]


async def test_a_daemon_that_ends_takes_its_calls_back_and_says_so(broker: Broker) -> None:
    office = Office()
    async with hearing(broker) as listener:
        async with watched(broker.port, office) as service:
            await until(service, connected=True)
            call = await office.recorded()
            await listener.until(lambda: listener.of(state_topic(call)) != [])
            await service.leave()
            ask(office, call, Verb.PAUSE)
        await listener.until(lambda: listener.of(STATUS)[-1] == {"status": "offline"})
    assert listener.of(state_topic(call))[-1] is None
    assert await kept(broker) == {STATUS: {"status": "offline"}}


async def test_a_daemon_ends_though_there_is_no_broker(broker: Broker) -> None:
    broker.end(SIGKILL)
    async with running(service_of(broker.port)) as service:
        await service.leave()


async def test_the_metrics_of_the_daemon_come_again_and_again(broker: Broker) -> None:
    async with hearing(broker) as listener, running(service_of(broker.port, Office(), metrics_every_s=0.05)):
        await listener.until(lambda: len(listener.of("rc/daemons/one/metrics")) == 3)
    samples = listener.of("rc/daemons/one/metrics")[-1]["samples"]
    assert {"name": "rc_mqtt_connected", "labels": {"broker": ADDRESS}, "value": 1.0} in samples
    assert all(sample["name"].startswith("rc_") for sample in samples)


@asynccontextmanager
async def deciding(database: str, service: MqttService) -> AsyncIterator[Delivery]:
    """Decisions brought to the broker beside the test."""
    assert service.decisions is not None
    async with PostgresFeed(database, service.feed) as feed:
        await feed.take()
        delivery = Delivery(
            name="mqtt", feed=feed, sink=service.decisions, give_up_after=Period(days=1), random=lambda: 0.0
        )
        async with beside(delivery.run()):
            yield delivery


@contextmanager
def rules(*lines: str) -> Iterator[str]:
    """A setting of the broker by which these rules say who may do what."""
    with NamedTemporaryFile("w", prefix="rc-rules-") as file:  # its user reads no folder of a test
        file.write("\n".join(lines) + "\n")
        file.flush()
        Path(file.name).chmod(0o644)
        yield f"acl_file {file.name}"


def decided(listener: Listener) -> list[int]:
    return [what["facts"]["number"] for what in listener.of("/decisions")]


async def test_decisions_are_told_by_their_call_by_their_pbx_or_by_themselves(
    broker: Broker, database: str, ledger: PostgresLedger
) -> None:
    async with (
        hearing(broker) as listener,
        running(service_of(broker.port, Office(), decisions=EVERY)) as service,
    ):
        await until(service, connected=True)
        async with deciding(database, service):
            of_call = a_decision()
            await ledger.write([of_call, a_decision(call_id=None), a_decision(call_id=None, pbx="")])
            await listener.until(lambda: len(listener.of("/decisions")) == 3)
    found = [said.topic for said in listener.said if said.topic.endswith("/decisions")]
    assert found == [f"rc/paris/calls/{of_call.call_id}/decisions", "rc/paris/decisions", "rc/decisions"]
    first = listener.of("/decisions")[0]
    assert (first["call_id"], first["reason"], first["facts"]["agent"]) == (of_call.call_id, "opted-out", "PJSIP/201")
    assert "/decisions" not in json.dumps(list(await kept(broker)))


async def test_only_decisions_of_the_kinds_and_about_the_purposes_that_are_given_are_told(
    broker: Broker, database: str, ledger: PostgresLedger
) -> None:
    chosen = service_of(broker.port, Office(), decisions=frozenset({Kind.STOP}), purposes=frozenset({"quality"}))
    async with hearing(broker) as listener, running(chosen) as service:
        await until(service, connected=True)
        async with deciding(database, service):
            stop = partial(a_decision, kind=Kind.STOP, verdict=Verdict.APPLIED)
            await ledger.write(
                [
                    a_decision(facts={"number": 1}),
                    stop(facts={"number": 2}),
                    stop(facts={"number": 3}, purpose="orders"),
                    stop(facts={"number": 4}),
                ]
            )
            await listener.until(lambda: len(decided(listener)) == 2)
    assert decided(listener) == [2, 4]


def test_a_broker_on_loopback_is_another_one_on_each_machine() -> None:
    """Two of them that shared a feed would each be told half of it."""
    assert service_of(1883, name="one").feed == f"mqtt:one@{ADDRESS}:1883/rc"
    assert service_of(1883, name="two").feed == f"mqtt:two@{ADDRESS}:1883/rc"


async def test_what_the_broker_refuses_is_not_told(database: str, ledger: PostgresLedger) -> None:
    before = REGISTRY.get_sample_value("rc_mqtt_refused_total") or 0
    with rules("topic readwrite #", "topic deny rc/+/calls/+/decisions") as setting, Broker.running(setting) as broker:
        async with running(service_of(broker.port, Office(), decisions=EVERY)) as service:
            await until(service, connected=True)
            async with deciding(database, service) as delivery:
                await ledger.write([a_decision()])
                async with asyncio.timeout(PATIENCE_S):
                    while not delivery.last_error:
                        await asyncio.sleep(0.005)
                refused, connected = delivery.last_error, service.connected
            async with PostgresFeed(database, service.feed) as feed:
                assert await feed.take()
                assert len(await feed.after(1)) == 1
    assert refused == "the broker refuses it (Not authorized)"
    assert connected
    assert (REGISTRY.get_sample_value("rc_mqtt_refused_total") or 0) > before


async def test_what_is_decided_while_the_broker_is_away_is_told_in_its_order_when_it_is_back(
    broker: Broker, database: str, ledger: PostgresLedger
) -> None:
    async with running(service_of(broker.port, Office(), decisions=EVERY)) as service:
        await until(service, connected=True)
        async with deciding(database, service) as delivery:
            await asyncio.to_thread(broker.end, SIGKILL)
            await until(service, connected=False)
            for number in range(250):
                await ledger.write([a_decision(facts={"number": number})])
            async with asyncio.timeout(PATIENCE_S):
                while not delivery.last_error:
                    await asyncio.sleep(0.005)
            feeding = delivery.last_error
            await asyncio.to_thread(broker.start)
            async with hearing(broker) as listener:
                await listener.until(lambda: len(set(decided(listener))) == 250)
    assert feeding == "there is no connection to the broker"
    assert list(dict.fromkeys(decided(listener))) == list(range(250))
