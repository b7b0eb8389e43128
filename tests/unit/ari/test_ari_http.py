"""Requests, retries and errors of the ARI client, against a small HTTP server on loopback."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from controller.ari.client import Ari
from controller.ari.http import path_of
from controller.errors import (
    Gone,
    NotNow,
    PbxAuthenticationFailed,
    PbxError,
    PbxRefused,
    PbxUnreachable,
)

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
Script = Callable[[bytes, int], bytes | None]


@asynccontextmanager
async def ari_at(port: int, *, timeout_s: float = 5.0) -> AsyncIterator[Ari]:
    """Open a client of what listens there."""
    url = f"http://127.0.0.1:{port}/ari/"
    async with Ari(url=url, username="rc", password="pass:é", application="rc", timeout_s=timeout_s) as ari:
        yield ari


@asynccontextmanager
async def ari_against(handler: Handler, *, timeout_s: float = 5.0) -> AsyncIterator[Ari]:
    """Open a client of a server that answers every request with `handler`."""
    server = web.ServerRunner(web.Server(handler))
    await server.setup()
    site = web.TCPSite(server, "127.0.0.1", 0)
    await site.start()
    try:
        async with ari_at(server.addresses[0][1], timeout_s=timeout_s) as ari:
            yield ari
    finally:
        await server.cleanup()


@asynccontextmanager
async def ari_against_script(script: Script, *, timeout_s: float = 5.0) -> AsyncIterator[Ari]:
    """Open a client of a raw server: `script(request, how many before)` gives the answer, None closes at once."""
    seen = 0
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal seen
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            while True:
                request = await reader.readuntil(b"\r\n\r\n")
                answer = script(request, seen)
                seen += 1
                if answer is None:
                    return
                writer.write(answer)
                await writer.drain()
        except asyncio.IncompleteReadError:
            return
        finally:
            writer.close()
            tasks.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        async with ari_at(server.sockets[0].getsockname()[1], timeout_s=timeout_s) as ari:
            yield ari
        await asyncio.gather(*tasks)
    finally:
        server.close()
        await server.wait_closed()


def answering(status: int, text: str = '{"message":"so it is"}') -> Handler:
    """Answer everything alike."""

    async def handler(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=status, text=text, content_type="application/json")

    return handler


def http(status: str, body: bytes = b"") -> bytes:
    """Write an answer that keeps the connection."""
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (301, PbxRefused),
        (400, PbxRefused),
        (401, PbxAuthenticationFailed),
        (403, PbxAuthenticationFailed),
        (404, Gone),
        (405, PbxRefused),
        (409, NotNow),
        (412, NotNow),
        (422, PbxRefused),
        (500, PbxRefused),
        (503, PbxUnreachable),
    ],
)
async def test_each_answer_that_is_no_success_is_one_error(status: int, error: type[PbxError]) -> None:
    async with ari_against(answering(status)) as ari:
        with pytest.raises(PbxError) as caught:
            await ari.pause_recording("r")
    assert type(caught.value) is error
    assert "recordings/live/r/pause" in str(caught.value)
    assert str(status) in str(caught.value)


async def test_a_file_that_asterisk_cannot_open_is_no_matter_of_passwords() -> None:
    async with ari_against(answering(403)) as ari:
        with pytest.raises(PbxRefused):
            await ari.stored_recording("r").__aenter__()


async def test_what_listens_nowhere_is_unreachable(unused_port: int) -> None:
    async with ari_at(unused_port) as ari:
        with pytest.raises(PbxUnreachable, match="no connection to Asterisk"):
            await ari.info()


async def test_an_answer_that_does_not_come_in_time_is_unreachable() -> None:
    async with ari_against_script(lambda _request, _before: b"", timeout_s=0.05) as ari:
        with pytest.raises(PbxUnreachable, match="in time"):
            await ari.info()


@pytest.mark.parametrize("garbage", ["", "<html>", "[]", '{"name":7}', "[" * 100_000])
async def test_an_answer_that_is_not_ari_is_unreachable(garbage: str) -> None:
    async with ari_against(answering(200, garbage)) as ari:
        with pytest.raises(PbxUnreachable, match="does not speak ARI"):
            await ari.live_recording("r")


async def test_an_answer_that_is_not_http_is_unreachable() -> None:
    async with ari_against_script(lambda _request, _before: b"SSH-2.0-no\r\n\r\n") as ari:
        with pytest.raises(PbxUnreachable):
            await ari.info()


async def test_a_file_cut_short_is_unreachable() -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        writer.close()

    server = await asyncio.start_server(cut, "127.0.0.1", 0)
    async with server, ari_at(server.sockets[0].getsockname()[1]) as ari:
        with pytest.raises(PbxUnreachable):
            async with ari.stored_recording("r") as file:
                assert [piece async for piece in file.pieces] == [b"half"]


async def test_no_error_tells_the_password() -> None:
    async with ari_against(answering(401)) as ari:
        for attempt in (ari.info(), ari.open_events(heartbeat_s=4, message_limit=1000)):
            with pytest.raises(PbxAuthenticationFailed) as caught:
                await attempt
            assert "pass" not in str(caught.value).replace("password", "")
            assert caught.value.__cause__ is None


def first_dies(request: bytes, before: int) -> bytes | None:
    """Answer the request that warms the connection, close it on the next, answer all after that."""
    assert request
    return None if before == 1 else http("204 No Content")


URGENT: dict[str, Callable[[Ari], Awaitable[Any]]] = {
    "pause": lambda ari: ari.pause_recording("r"),
    "resume": lambda ari: ari.resume_recording("r"),
    "stop": lambda ari: ari.stop_recording("r"),
    "discard": lambda ari: ari.discard_recording("r"),
    "hangup": lambda ari: ari.hangup("c"),
}


@pytest.mark.parametrize("operation", URGENT)
async def test_what_may_be_repeated_survives_a_dead_kept_alive_connection(operation: str) -> None:
    async with ari_against_script(first_dies) as ari:
        await ari.warm(connections=1)
        await URGENT[operation](ari)


async def test_what_may_be_repeated_is_repeated_once_only() -> None:
    requests: list[bytes] = []

    def always_dies(request: bytes, _before: int) -> bytes | None:
        requests.append(request)
        return None

    async with ari_against_script(always_dies) as ari:
        with pytest.raises(PbxUnreachable):
            await ari.pause_recording("r")
    assert len(requests) == 2


@pytest.mark.parametrize(
    "create",
    [
        lambda ari: ari.snoop("c", "s"),
        lambda ari: ari.record("s", "r"),
        lambda ari: ari.play("c", "p", media="sound:hello"),
        lambda ari: ari.originate("Local/1@x", channel_id="c"),
        lambda ari: ari.send_dtmf("c", "1"),
    ],
    ids=["snoop", "record", "play", "originate", "send_dtmf"],
)
async def test_what_creates_something_is_never_sent_twice(create: Callable[[Ari], Awaitable[object]]) -> None:
    requests: list[bytes] = []

    def dies(request: bytes, _before: int) -> bytes | None:
        requests.append(request)
        return None

    async with ari_against_script(dies) as ari:
        with pytest.raises(PbxUnreachable):
            await create(ari)
    assert len(requests) == 1


async def test_warming_opens_connections_that_the_urgent_operations_then_use() -> None:
    peers: list[tuple[str, object]] = []

    async def note(request: web.BaseRequest) -> web.StreamResponse:
        assert request.transport is not None
        peers.append((request.method, request.transport.get_extra_info("peername")))
        await asyncio.sleep(0.01)
        return web.Response(status=204)

    async with ari_against(note) as ari:
        await ari.warm(connections=3)
        await asyncio.gather(*(ari.pause_recording(f"r{number}") for number in range(3)))
    warmed = {peer for method, peer in peers if method == "GET"}
    used = {peer for method, peer in peers if method == "POST"}
    assert len(warmed) == 3
    assert used == warmed


async def test_a_busy_ordinary_pool_does_not_delay_a_pause() -> None:
    paused = asyncio.Event()

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        if request.method == "GET":
            await paused.wait()
            return web.Response(text="[]", content_type="application/json")
        paused.set()
        return web.Response(status=204)

    async with ari_against(handler) as ari:
        busy = [asyncio.create_task(ari.channels()) for _ in range(100)]
        await asyncio.sleep(0)
        await ari.pause_recording("r")
        assert await asyncio.gather(*busy) == [[]] * 100


@pytest.mark.parametrize(
    "name", ["a/b", "a b", "a?b", "a#b", "a%2fb", "../b", "é", "a\nb", 'a"b', "a;b", "a+b", "a&b=c"]
)
async def test_a_name_reaches_asterisk_as_it_is_and_stays_in_its_place(name: str) -> None:
    seen: list[str] = []

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        seen.append(request.rel_url.raw_path)
        seen.append(request.query.get("variable", ""))
        return web.Response(status=204)

    async with ari_against(handler) as ari:
        await ari.stop_recording(name)
        await ari.set_global_variable(name, name)
    quoted = path_of(name)
    assert "/" not in quoted
    assert seen[0] == f"/ari/recordings/live/{quoted}/stop"
    assert seen[3] == name


@pytest.mark.parametrize("name", ["", ".", "..", "a\0b"])
async def test_a_name_that_no_quoting_protects_is_refused_before_it_is_sent(name: str) -> None:
    async with ari_against(answering(204)) as ari:
        with pytest.raises(PbxRefused):
            await ari.hangup(name)


@pytest.mark.parametrize("name", ["", "Snoop/a),SHELL(x", "Snoop/${X}", "Snoop/a,b", "Snoop/{a"])
async def test_a_channel_name_cannot_smuggle_another_dialplan_function(name: str) -> None:
    async with ari_against(answering(204)) as ari:
        with pytest.raises(PbxRefused):
            await ari.keep_recording_alive(name, 10)


async def test_the_credentials_are_not_sent_to_where_a_redirect_points() -> None:
    asked: list[str] = []

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        asked.append(request.path)
        return web.Response(status=302, headers={"Location": "/elsewhere"})

    async with ari_against(handler) as ari:
        with pytest.raises(PbxRefused):
            await ari.info()
    assert asked == ["/ari/asterisk/info"]


async def test_a_snoop_hears_both_sides() -> None:
    """So what is paused or stopped is paused or stopped for both."""
    asked: list[dict[str, str]] = []

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        asked.append(dict(request.query))
        return web.json_response({"id": "rc-1"})

    async with ari_against(handler) as ari:
        await ari.snoop("customer", "rc-1")
    assert asked == [{"spy": "both", "app": "rc"}]
