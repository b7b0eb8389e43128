"""The pulse against a websocket server on loopback that answers when a test lets it."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web

from controller.ari import pulse
from controller.ari.client import Ari
from controller.ari.stream import EventStream
from controller.domain.tracking import CATCH_UP_S

PATIENCE_S = 20.0


def test_a_pause_goes_on_for_as_long_as_a_standstill_may_last_that_is_not_felt() -> None:
    assert pulse.BEAT_S + pulse.LATE_S + pulse.OUR_OWN_S <= CATCH_UP_S


@dataclass(kw_only=True)
class Patient:
    """An Asterisk that stands still while ``still`` is set, and what was felt of it."""

    still: bool = False
    pings: int = 0
    stalls: int = 0
    kept: list[bytes] = field(default_factory=list)
    socket: web.WebSocketResponse | None = None
    matters: bool = True

    async def events(self, request: web.Request) -> web.StreamResponse:
        self.socket = socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        async for message in socket:
            if message.type is aiohttp.WSMsgType.PING:
                self.pings += 1
                if self.still:
                    self.kept.append(message.data)
                else:
                    await socket.pong(message.data)
        return socket

    async def goes_on(self) -> None:
        self.still = False
        assert self.socket is not None
        for payload in self.kept:
            await self.socket.pong(payload)
        self.kept.clear()

    def stalled(self) -> None:
        self.stalls += 1

    async def until_pinged(self, times: int) -> None:
        wanted = self.pings + times
        async with asyncio.timeout(PATIENCE_S):
            while self.pings < wanted:
                await asyncio.sleep(0.01)


async def _nothing(_request: web.Request) -> web.StreamResponse:
    return web.Response(text="{}")


async def _settled() -> None:
    """Nothing to ask after a connection."""


@pytest.fixture
async def patient() -> AsyncIterator[Patient]:
    patient = Patient()
    app = web.Application()
    app.router.add_get("/ari/events", patient.events)
    app.router.add_put("/ari/applications/rc/eventFilter", _nothing)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/ari"
    async with Ari(url=url, username="rc", password="x", application="rc") as ari:
        stream = EventStream(ari=ari, random=lambda: 0.5, pulsed=lambda: patient.matters, on_stalled=patient.stalled)
        reading = asyncio.create_task(
            stream.run(on_event=lambda _: None, on_connected=_settled, on_lost=lambda _: None)
        )
        yield patient
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    await runner.cleanup()


async def test_one_that_answers_is_well(patient: Patient) -> None:
    await patient.until_pinged(5)
    assert patient.stalls == 0


async def test_a_standstill_is_told_once_while_it_lasts(patient: Patient) -> None:
    await patient.until_pinged(1)
    patient.still = True
    await patient.until_pinged(1)
    await asyncio.sleep(3 * pulse.LATE_S)
    assert patient.stalls == 1


async def test_the_next_one_is_told_again(patient: Patient) -> None:
    for times in (1, 2):
        patient.still = True
        await patient.until_pinged(1)
        await asyncio.sleep(2 * pulse.LATE_S)
        await patient.goes_on()
        await patient.until_pinged(2)
        assert patient.stalls == times


async def test_nobody_is_asked_while_nothing_is_recorded(patient: Patient) -> None:
    await patient.until_pinged(1)
    patient.matters = False
    await asyncio.sleep(2 * pulse.BEAT_S)
    before = patient.pings
    await asyncio.sleep(3 * pulse.BEAT_S)
    assert patient.pings == before


async def test_a_daemon_that_stood_still_itself_does_not_blame_the_pbx() -> None:
    """Its own time ran out while the answer lay there."""
    told: list[str] = []
    felt = pulse.Pulse(wanted=lambda: True, late=lambda: told.append("late"))

    async def answered_at_once() -> None:
        asyncio.get_running_loop().call_soon(freeze)

    def freeze() -> None:
        time.sleep(pulse.LATE_S + 0.05)
        asyncio.get_running_loop().call_soon(lambda: asyncio.get_running_loop().call_soon(felt.answered))

    feeling = asyncio.create_task(felt.run(answered_at_once))
    await asyncio.sleep(2 * pulse.LATE_S)
    feeling.cancel()
    await asyncio.gather(feeling, return_exceptions=True)
    assert told == []
