"""A payment in mid-call, paused by MQTT, is not in the file: a real broker, a real PBX, and proof from the audio."""

import asyncio
import json
from collections.abc import Iterator
from signal import SIGCONT, SIGKILL, SIGSTOP
from typing import Any

import pytest

from controller.domain.tracking import CATCH_UP_S
from lab.broker import ADDRESS, USERNAME, Broker
from lab.phones import Phones
from lab.stories import Staff, converse, live_call
from lab.world import World, record_every_call, shorten
from tests.acceptance.conversations import audio, decisions, gaps


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    with Broker.running(password=True) as running:
        yield running


@pytest.fixture(scope="module")
def world(broker: Broker) -> Iterator[World]:
    """A lab whose daemon speaks with the broker."""

    def with_broker(config: dict[str, Any]) -> None:
        config["mqtt"] = {"url": f"mqtt://{ADDRESS}:{broker.port}", "username": USERNAME}

    with World.running(shorten, record_every_call, with_broker, daemon=False) as running:
        running.daemon.environ["RECORDING_CONTROLLER_MQTT_PASSWORD"] = str(broker.password)
        running.daemon.start()
        yield running


async def test_a_pause_by_mqtt_is_answered_when_it_is_confirmed(
    world: World, phones: Phones, staff: Staff, broker: Broker
) -> None:
    number = "0639980701"
    async with broker.asking() as asker:
        talk = await converse(phones, staff, world.daemon, caller=number)
        call = await live_call(world.daemon, queue="every", state="recording")
        agent = f"recording-controller/lab/agents/{call['agent']}/command"
        await asyncio.sleep(1.5)
        paused = await asker.ask(f"recording-controller/lab/calls/{call['id']}/command", {"command": "pause"})
        await asyncio.sleep(2)
        resumed = await asker.ask(agent, {"command": "resume"})
        await asyncio.sleep(1.5)
        await talk.caller.hang_up()
    assert paused == {"call": call["id"], "state": "paused"}
    assert resumed == {"call": call["id"], "state": "recording"}
    told = [(d["kind"], d["reason"], d["actor"]) for d in await decisions(world, number)]
    assert [one for one in told if one[0] in {"pause", "resume"}] == [
        ("pause", "payment", "mqtt"),
        ("resume", "payment-over", f"agent:{call['agent']}"),
    ]
    [stretches] = await audio(world, number)
    [gap] = gaps(stretches)
    assert gap.end_s - gap.begin_s == pytest.approx(2.0 + CATCH_UP_S, abs=0.2)


async def test_a_pause_that_nobody_confirmed_is_shouted(
    world: World, phones: Phones, staff: Staff, broker: Broker
) -> None:
    """Over MQTT, and in the metrics, while the PBX stands still and nobody knows whether it records."""
    talk = await converse(phones, staff, world.daemon, caller="0639980703")
    call = await live_call(world.daemon, queue="every", state="recording")
    async with broker.hearing("recording-controller/lab/alerts") as alerts:
        world.pbx.asterisk.signal(SIGSTOP)
        try:
            path = f"/api/v1/calls/{call['id']}/pause"
            assert (await asyncio.to_thread(world.daemon.request, "POST", path))[0] == 503
            told = json.loads(await asyncio.wait_for(alerts.get(), 10))
        finally:
            world.pbx.asterisk.signal(SIGCONT)
    assert (told["alert"], told["call"]) == ("pause-unconfirmed", call["id"])
    metrics = await asyncio.to_thread(world.daemon.metrics)
    assert 'rc_alerts_total{reason="pause-unconfirmed"} 1.0' in metrics
    assert "rc_pauses_unconfirmed_total 1.0" in metrics
    await talk.caller.hang_up()


async def test_a_broker_that_is_gone_takes_no_call_and_no_readiness_with_it(
    world: World, phones: Phones, staff: Staff, broker: Broker
) -> None:
    """Recording goes on, the agent's keys still pause, and commands are heard again once the broker is back."""
    number = "0639980702"
    talk = await converse(phones, staff, world.daemon, caller=number)
    call = await live_call(world.daemon, queue="every", state="recording")
    await asyncio.to_thread(broker.end, SIGKILL)
    await asyncio.sleep(1)
    assert world.daemon.readiness()[0] == 200
    await talk.agent.press("*7")
    await live_call(world.daemon, queue="every", state="paused")
    await asyncio.to_thread(broker.start)
    async with broker.asking() as asker:
        topic = f"recording-controller/lab/calls/{call['id']}/command"
        answer = await asker.ask_until_heard(topic, {"command": "resume"})
        assert answer == {"call": call["id"], "state": "recording"}
    await talk.caller.hang_up()
    assert [d["actor"] for d in await decisions(world, number) if d["kind"] == "resume"] == ["mqtt"]
