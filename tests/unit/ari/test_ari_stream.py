"""The event stream against a small websocket server on loopback: tolerance, loss, reconnection."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from controller.ari.client import Ari
from controller.ari.events import Event, StasisEnd
from controller.ari.stream import EventStream
from controller.errors import PbxUnreachable

PATIENCE_S = 20.0


def event(channel_id: str) -> str:
    """Write an event as Asterisk does."""
    return json.dumps(
        {
            "type": "StasisEnd",
            "timestamp": "2026-11-23T23:18:00.123+0000",
            "application": "rc",
            "channel": {"id": channel_id},
        }
    )


@dataclass(kw_only=True)
class FakePbx:
    """Serves just what the stream asks for; each connection sends the next list of messages, then closes."""

    links: list[list[str | bytes]]
    status: int = 101
    filters: list[dict[str, object]] = field(default_factory=list)
    opened: int = 0
    refused: asyncio.Queue[int] = field(default_factory=asyncio.Queue)
    queries: list[dict[str, str]] = field(default_factory=list)

    async def events(self, request: web.Request) -> web.StreamResponse:
        if self.status != 101:
            self.refused.put_nowait(self.status)
            return web.Response(status=self.status)
        self.queries.append(dict(request.query))
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.opened += 1
        messages = self.links.pop(0) if self.links else []
        for message in messages:
            await (socket.send_str(message) if isinstance(message, str) else socket.send_bytes(message))
        if self.links:
            await socket.close(code=1001)
        else:
            await socket.receive()
        return socket

    async def event_filter(self, request: web.Request) -> web.StreamResponse:
        self.filters.append(await request.json())
        return web.Response(text="{}")

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Ari]:
        """Give a client of this server."""
        app = web.Application()
        app.router.add_get("/ari/events", self.events)
        app.router.add_put("/ari/applications/rc/eventFilter", self.event_filter)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/ari"
        try:
            async with Ari(url=url, username="rc", password="x", application="rc") as ari:
                yield ari
        finally:
            await runner.cleanup()


class Heard:
    """What a stream told its owner, in order."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self._news = asyncio.Event()
        self.failures: list[Exception] = []

    def on_event(self, heard: Event) -> None:
        assert isinstance(heard, StasisEnd)
        self.note(heard.channel.id)

    async def on_connected(self) -> None:
        self.note("connected")
        if self.failures:
            raise self.failures.pop(0)

    def on_lost(self, reason: str) -> None:
        self.note(f"lost: {reason}")

    def note(self, text: str) -> None:
        self.log.append(text)
        self._news.set()

    async def until(self, text: str, *, times: int = 1) -> None:
        """Wait until something that starts so was told so often."""
        async with asyncio.timeout(PATIENCE_S):
            while sum(told.startswith(text) for told in self.log) < times:
                self._news.clear()
                await self._news.wait()

    def events(self) -> list[str]:
        return [told for told in self.log if not told.startswith(("connected", "lost"))]


@asynccontextmanager
async def streaming(ari: Ari, heard: Heard) -> AsyncIterator[EventStream]:
    """Run a stream beside the test."""
    stream = EventStream(ari=ari, random=lambda: 0.0)
    task = asyncio.create_task(
        stream.run(on_event=heard.on_event, on_connected=heard.on_connected, on_lost=heard.on_lost)
    )
    try:
        yield stream
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_a_malformed_message_is_counted_and_skipped() -> None:
    pbx = FakePbx(links=[[event("1"), "{", "", '{"type":"StasisEnd"}', event("2"), '{"type":"New"}', event("3")]])
    heard = Heard()
    async with pbx.serving() as ari, streaming(ari, heard) as stream:
        await heard.until("3")
        assert heard.events() == ["1", "2", "3"]
        assert (stream.malformed, stream.events, stream.losses) == (3, 3, 0)
        assert stream.connected


async def test_it_subscribes_to_everything_and_filters_at_the_source() -> None:
    pbx = FakePbx(links=[[]])
    heard = Heard()
    async with pbx.serving() as ari, streaming(ari, heard):
        await heard.until("connected")
    assert pbx.queries == [{"app": "rc", "subscribeAll": "true"}]
    allowed = pbx.filters[0]["allowed"]
    assert {"type": "StasisStart"} in allowed  # type: ignore[operator]
    assert {"type": "ChannelVarset"} not in allowed  # type: ignore[operator]


async def test_a_closed_link_is_told_once_and_opened_again() -> None:
    pbx = FakePbx(links=[[event("1")], [event("2")], [event("3")]])
    heard = Heard()
    async with pbx.serving() as ari, streaming(ari, heard) as stream:
        await heard.until("3")
        assert heard.events() == ["1", "2", "3"]
        assert sum(told.startswith("lost") for told in heard.log) == 2
        assert "code 1001" in stream.last_error or stream.last_error == ""


async def test_a_message_beyond_the_limit_costs_the_link_and_no_more() -> None:
    pbx = FakePbx(links=[["x" * (2**20 + 1)], [event("2")]])
    heard = Heard()
    async with pbx.serving() as ari, streaming(ari, heard):
        await heard.until("2")
    assert any(told.startswith("lost") for told in heard.log)


async def test_a_binary_message_costs_the_link_and_no_more() -> None:
    pbx = FakePbx(links=[[b"\xff"], [event("2")]])
    heard = Heard()
    async with pbx.serving() as ari, streaming(ari, heard):
        await heard.until("2")


async def test_a_failed_resync_drops_the_link_and_is_tried_again() -> None:
    pbx = FakePbx(links=[[]])
    heard = Heard()
    heard.failures = [PbxUnreachable("the channels could not be listed")]
    async with pbx.serving() as ari, streaming(ari, heard) as stream:
        await heard.until("connected", times=2)
        assert "lost: the channels could not be listed" in heard.log
        assert stream.losses == 1
    assert pbx.opened == 2


async def test_events_are_handed_on_while_the_resync_still_runs() -> None:
    pbx = FakePbx(links=[[event("1")]])
    heard = Heard()
    released = asyncio.Event()

    async def slow() -> None:
        await released.wait()
        heard.note("connected")

    async with pbx.serving() as ari:
        stream = EventStream(ari=ari, random=lambda: 0.0)
        task = asyncio.create_task(stream.run(on_event=heard.on_event, on_connected=slow, on_lost=heard.on_lost))
        await heard.until("1")
        assert heard.log == ["1"]
        released.set()
        await heard.until("connected")
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert not stream.connected


async def test_a_fault_of_the_owner_ends_the_stream() -> None:
    pbx = FakePbx(links=[[event("1")]])
    heard = Heard()

    def faulty(_heard: Event) -> None:
        raise LookupError("a fault of ours")

    async with pbx.serving() as ari:
        stream = EventStream(ari=ari, random=lambda: 0.0)
        with pytest.raises(LookupError):
            await stream.run(on_event=faulty, on_connected=heard.on_connected, on_lost=heard.on_lost)


@pytest.mark.parametrize(("status", "says"), [(401, "user or its password"), (503, "not ready"), (404, "404")])
async def test_a_refused_handshake_says_why(status: int, says: str) -> None:
    pbx = FakePbx(links=[[]], status=status)
    heard = Heard()
    async with pbx.serving() as ari, streaming(ari, heard) as stream:
        async with asyncio.timeout(PATIENCE_S):
            await pbx.refused.get()
            await pbx.refused.get()  # it came back: what became of the first attempt is known
        assert (stream.connected, says in stream.last_error) == (False, True)
        pbx.status = 101
        await heard.until("connected")
        assert (stream.connected, stream.last_error) == (True, "")
    assert heard.log == ["connected"]


async def test_an_application_taken_by_another_program_is_named() -> None:
    replaced = '{"type":"ApplicationReplaced","timestamp":"2026-11-23T23:18:00.123+0000","application":"rc"}'
    pbx = FakePbx(links=[[replaced]])
    heard = Heard()
    async with pbx.serving() as ari, streaming(ari, heard) as stream:
        await heard.until("lost")
        assert "another program took over the ARI application 'rc'" in stream.last_error
