"""Somebody who hears everything that is said at a broker, and holds each message against the AsyncAPI document."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiomqtt
import jsonschema

from controller.mqtt import asyncapi
from lab.broker import ADDRESS, Broker

DOCUMENT = json.loads(asyncapi.text())
PATIENCE_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One message: ``what`` is None where it was empty; ``retain`` is whether it was there before we listened."""

    topic: str
    what: Any
    retain: bool
    qos: int


class Listener:
    """What was said so far."""

    def __init__(self) -> None:
        self.said: list[Said] = []
        self.fault: Exception | None = None
        """What was said as the document does not have it."""
        self._more = asyncio.Condition()

    def of(self, ending: str) -> list[Any]:
        """What was said under the topics that end so, in its order."""
        return [said.what for said in self.said if said.topic.endswith(ending)]

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something is so, looking each time that something was said."""
        async with asyncio.timeout(PATIENCE_S), self._more:
            await self._more.wait_for(lambda: self.fault is not None or holds())
        if self.fault is not None:
            raise self.fault

    async def listen(self, client: aiomqtt.Client) -> None:
        """Hear and check, until cancelled."""
        async for message in client.messages:
            what = json.loads(message.payload) if message.payload else None
            said = Said(topic=str(message.topic), what=what, retain=bool(message.retain), qos=message.qos)
            async with self._more:
                self.said.append(said)
                try:
                    check(said)
                except (AssertionError, jsonschema.ValidationError) as fault:
                    self.fault = self.fault or fault
                self._more.notify_all()


def check(said: Said) -> None:
    """That the document has one channel for a topic, which sends such a message."""
    found = [name for name, channel in DOCUMENT["channels"].items() if matches(channel["address"], said.topic)]
    assert len(found) == 1, said.topic
    operation = DOCUMENT["operations"][found[0]]
    assert operation["action"] == "send", said.topic
    bindings = operation["bindings"]["mqtt"]
    assert said.qos == bindings["qos"], said.topic
    assert bindings["retain"] or not said.retain, said.topic
    if said.what is None:
        assert bindings["retain"], said.topic
        return
    [message] = DOCUMENT["channels"][found[0]]["messages"]
    schema = {**DOCUMENT["components"]["messages"][message]["payload"], "components": DOCUMENT["components"]}
    closed = json.loads(json.dumps(schema), object_hook=_closed)
    jsonschema.validate(said.what, closed, format_checker=jsonschema.FormatChecker())


def matches(address: str | None, topic: str) -> bool:
    """Whether a topic is one of an address of the document. The root, here, is ``rc``."""
    if address is None:
        return False
    parts = re.split(r"\{\w+\}", address.replace("{topic}", "rc"))
    return re.fullmatch("[^/]+".join(map(re.escape, parts)), topic) is not None


def _closed(node: dict[str, Any]) -> dict[str, Any]:
    """A schema that lets no member through that it does not name."""
    return {"additionalProperties": False, **node} if "properties" in node and node.get("type") == "object" else node


@asynccontextmanager
async def hearing(broker: Broker, topic: str = "rc/#") -> AsyncIterator[Listener]:
    """Listen beside the test; what is not as the document says fails it."""
    listener = Listener()
    async with aiomqtt.Client(ADDRESS, broker.port, protocol=aiomqtt.ProtocolVersion.V5) as client:
        await client.subscribe(topic, qos=1)
        listening = asyncio.create_task(listener.listen(client))
        try:
            yield listener
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
    if listener.fault is not None:
        raise listener.fault
