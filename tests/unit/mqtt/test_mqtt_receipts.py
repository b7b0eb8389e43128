"""A broker that takes what it is sent and confirms none of it, as no real one can be made to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest

from controller.errors import NotDelivered
from controller.mqtt import client as client_module
from controller.mqtt.client import Asked, MqttClient

PATIENCE_S = 20.0
CONNECT, PUBLISH, SUBSCRIBE, PING = 1, 3, 8, 12
"""Types of packets (MQTT 5, 2.1.2)."""


@dataclass(slots=True)
class Silent:
    """The broker; how often it was connected to, and how much it was sent."""

    port: int = 0
    connections: int = 0
    messages: int = 0
    under_way: set[asyncio.StreamWriter] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either side ends it."""
        self.connections += 1
        self.under_way.add(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await self._answer(reader, writer)
        writer.close()
        self.under_way.discard(writer)

    async def end(self) -> None:
        """End every connection, that of a client which was cancelled as it began, too."""
        while self.under_way:
            for writer in self.under_way:
                writer.close()
            await asyncio.sleep(0.005)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            kind, body = await packet(reader)
            if kind == CONNECT:
                writer.write(b"\x20\x03\x00\x00\x00")
            elif kind == SUBSCRIBE:
                writer.write(b"\x90\x04" + body[:2] + b"\x00\x01")
            elif kind == PING:
                writer.write(b"\xd0\x00")
            self.messages += kind == PUBLISH


async def packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """The type of the next packet, and what is in it."""
    [first] = await reader.readexactly(1)
    length, shift = 0, 0
    while True:
        [byte] = await reader.readexactly(1)
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return first >> 4, await reader.readexactly(length)


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[Silent, MqttClient]]:
    broker = Silent()
    async with await asyncio.start_server(broker.serve, "127.0.0.1", 0) as server:
        broker.port = server.sockets[0].getsockname()[1]
        client = MqttClient(
            host="127.0.0.1",
            port=broker.port,
            tls=False,
            username=None,
            password=None,
            filters=("rc/lab/calls/+/command",),
            serve=unasked,
            random=lambda: 0.0,
        )
        task = asyncio.create_task(client.run())
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not client.connected:
                    await asyncio.sleep(0.005)
                yield broker, client
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            async with asyncio.timeout(PATIENCE_S):
                await broker.end()


async def unasked(_asked: Asked) -> None:
    """Nobody asks anything."""


async def test_a_connection_over_which_nothing_is_confirmed_is_given_up_for_another_one() -> None:
    """What the library keeps of it would wait for ever."""
    async with connected() as (broker, client):
        with pytest.raises(NotDelivered, match="the broker does not confirm what it is sent"):
            await client.publish("rc/decisions", b"{}")
        while broker.connections == 1:
            await asyncio.sleep(0.005)


async def test_no_more_is_sent_than_a_broker_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "MOST_UNCONFIRMED", 3)
    async with connected() as (_, client):
        sent = [asyncio.create_task(client.publish("rc/decisions", b"{}")) for _ in range(4)]
        [refused], _ = await asyncio.wait(sent, return_when=asyncio.FIRST_COMPLETED)
        assert refused is sent[3]
        with pytest.raises(NotDelivered):
            refused.result()
        await asyncio.gather(*sent, return_exceptions=True)
