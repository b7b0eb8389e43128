"""A PBX that is not there: it speaks ARI and FastAGI as Asterisk does, and costs next to nothing. Runs as a program.

Owns the PBX's side of a call's whole life, on loopback: the dialogue, the answer, the snoop channel, the recording, the
end. No sound, no time passes: what is measured against it is the daemon. Two orders of the bench come over HTTP, too:
``POST /lab/calls`` (place so many calls, so many at once) and ``POST /lab/replay`` (send the messages of a file).
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import parse_qsl

from aiohttp import web

from lab.bench import messages

LIVES_S = 600
"""It ends by itself after this, should nobody end it."""

_PATIENCE_S = 60
_ALL_OF_IT = 8 * 3_600_000
"""Samples, as the end of a prompt: more than any prompt holds counts as all of it."""


class StubPbx:
    """One PBX and its calls under way, each known by its snoop channel once it has one."""

    def __init__(self) -> None:
        self._events: web.WebSocketResponse | None = None
        self._serials: dict[str, int] = {}
        self._over: dict[int, asyncio.Event] = {}
        self._next = 0

    def application(self) -> web.Application:
        """Everything that it answers to."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/ari/events", self.events),
                web.put("/ari/applications/{name}/eventFilter", self.nothing),
                web.get("/ari/asterisk/ping", self.nothing),
                web.get("/ari/asterisk/modules/{name}", self.nothing),
                web.get("/ari/asterisk/variable", self.variable),
                web.post("/ari/asterisk/variable", self.nothing),
                web.get("/ari/channels", self.none),
                web.get("/ari/bridges", self.none),
                web.post("/ari/channels/{id}/snoop/{snoop}", self.snoop),
                web.post("/ari/channels/{id}/record", self.record),
                web.post("/lab/calls", self.place_calls),
                web.post("/lab/replay", self.replay),
            ]
        )
        return app

    # What Asterisk answers

    async def events(self, request: web.Request) -> web.WebSocketResponse:
        """The websocket; whoever came last hears."""
        self._events = web.WebSocketResponse()
        await self._events.prepare(request)
        async for _ in self._events:
            pass
        return self._events

    async def nothing(self, _request: web.Request) -> web.Response:
        """Done."""
        return web.Response(status=204)

    async def none(self, _request: web.Request) -> web.Response:
        """No channel, no bridge."""
        return web.json_response([])

    async def variable(self, _request: web.Request) -> web.Response:
        """The only one that is ever asked for is EPOCH."""
        return web.json_response({"value": str(int(time.time()))})

    async def snoop(self, request: web.Request) -> web.Response:
        """A snoop channel comes to be."""
        recording = request.match_info["snoop"]
        self._serials[recording] = int(request.match_info["id"].rpartition("-")[2])
        await self._say(messages.snooping(recording))
        return web.json_response(messages.snoop(recording))

    async def record(self, request: web.Request) -> web.Response:
        """Recording begins, and the talk is over at once: Asterisk hangs the snoop channel up with the customer's."""
        recording = request.match_info["id"]
        serial = self._serials.pop(recording)
        await self._say([*messages.recording(recording), *messages.ending(serial), *messages.recorded(recording)])
        self._over.pop(serial).set()
        return web.json_response(messages.live_recording(recording, "queued"), status=201)

    # What the bench orders

    async def place_calls(self, request: web.Request) -> web.Response:
        """Place calls; the answer says in how many seconds all of them were over."""
        job = dict(parse_qsl(request.query_string))
        began = time.monotonic()
        places = asyncio.Semaphore(int(job["at_once"]))
        async with asyncio.TaskGroup() as calls:
            for _ in range(int(job["calls"])):
                await places.acquire()
                self._next += 1
                call = calls.create_task(self._call(self._next, int(job["fastagi"])))
                call.add_done_callback(lambda _: places.release())
        return web.json_response({"seconds": time.monotonic() - began})

    async def replay(self, request: web.Request) -> web.Response:
        """Send every line of a file as a message, as fast as the other side reads."""
        with Path(request.query["file"]).open() as file:  # noqa: ASYNC230 - a file in the page cache
            await self._say(line.rstrip("\n") for line in file)
        return web.Response(status=204)

    async def _call(self, serial: int, fastagi: int) -> None:
        """One call from its beginning to its end."""
        over = self._over[serial] = asyncio.Event()
        await self._say([messages.event("ChannelCreated", channel=messages.customer(serial))])
        await asyncio.wait_for(_dialogue(serial, fastagi), _PATIENCE_S)
        await self._say(messages.beginning(serial))
        await asyncio.wait_for(over.wait(), _PATIENCE_S)

    async def _say(self, events: Iterable[str]) -> None:
        if self._events is None:
            raise RuntimeError("nobody listens to the events")
        for message in events:
            await self._events.send_str(message)


async def _dialogue(serial: int, port: int) -> None:
    """Ask by FastAGI as the dialplan does; the caller lets every prompt play to its end and presses nothing."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(environment(serial).encode())
        while command := await reader.readline():
            writer.write(answer_to(command.decode(), serial).encode())
            await writer.drain()
    finally:
        writer.close()
        await writer.wait_closed()


def environment(serial: int) -> str:
    """What ``AGI(agi://…/consent)`` says first."""
    caller = messages.customer(serial)
    said = {
        "network": "yes",
        "request": "agi://127.0.0.1/consent?queue=every&direction=inbound",
        "channel": caller["name"],
        "language": "fr",
        "type": "PJSIP",
        "uniqueid": caller["id"],
        "callerid": f"063998{serial % 10_000:04}",
        "dnid": "0199000032",
        "context": "from-trunk",
        "extension": "0199000032",
    }
    return "".join(f"agi_{name}: {value}\n" for name, value in said.items()) + "\n"


def answer_to(command: str, serial: int) -> str:
    """Answer an AGI command."""
    if command.startswith("STREAM FILE"):
        return f"200 result=0 endpos={_ALL_OF_IT}\n"
    if command.startswith("GET VARIABLE"):
        return f"200 result=1 (customer-{serial})\n"
    return "200 result=0\n" if command.startswith("WAIT FOR DIGIT") else "200 result=1\n"


async def serve(port: int) -> None:
    """Serve on loopback until ended, or for as long as it lives."""
    runner = web.AppRunner(StubPbx().application(), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        await asyncio.sleep(LIVES_S)
    finally:
        await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(serve(json.loads(sys.argv[1])["port"]))
