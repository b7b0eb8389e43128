"""All that the daemon does over MQTT, put together: commands in; alerts, live state, metrics and decisions out."""

import asyncio
import re
import socket
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Final, Never

from controller.config import Mqtt
from controller.config.text import is_loopback
from controller.domain.decision import Reason
from controller.domain.names import CallId
from controller.errors import NotDelivered
from controller.mqtt import alarm, topics, vitals
from controller.mqtt.api import MqttApi, Pbx
from controller.mqtt.client import GOODBYE_S, Companion, MqttClient
from controller.mqtt.decisions import DecisionsByMqtt
from controller.mqtt.live_state import LiveState

_NO_NAME: Final = re.compile(r"[^A-Za-z0-9_.-]")


class MqttService:
    """One daemon at one broker, for the PBXs that it may watch."""

    def __init__(self, broker: Mqtt, *, password: str | None, pbxs: Iterable[Pbx], random: Callable[[], float]) -> None:
        self._root = broker.topic
        daemon = broker.name or _NO_NAME.sub("-", socket.gethostname()) or "daemon"
        some = tuple(pbxs)
        publish = broker.publish
        self.live = LiveState(
            root=broker.topic, daemon=daemon, pbxs=lambda: some, calls=publish.state, agents=publish.agents
        )
        """Hears what becomes of calls."""
        companions: list[Companion] = [self.live.run] if publish.state or publish.agents else []
        if publish.metrics_every_s is not None:
            topic = topics.metrics(broker.topic, daemon)
            companions.append(partial(vitals.tell, topic=topic, every_s=publish.metrics_every_s))
        api = MqttApi(root=broker.topic, pbxs=some, purposes=broker.purposes)
        self._client = MqttClient(
            host=broker.host,
            port=broker.port,
            tls=broker.tls,
            username=broker.username,
            password=password,
            filters=api.filters,
            serve=api.serve,
            random=random,
            status=topics.status(broker.topic, daemon),
            companions=companions,
            retained=self.live.retained,
        )
        sink = partial(DecisionsByMqtt, root=broker.topic, publisher=self._client)
        self.decisions = sink(kinds=publish.decisions, purposes=publish.purposes) if publish.decisions else None
        """Where decisions go; None where they do not."""
        where = f"{broker.host}:{broker.port}/{broker.topic}"
        self.feed = f"mqtt:{daemon}@{where}" if is_loopback(broker.host) else f"mqtt:{where}"
        """How far this broker has been told is known by this name, whichever daemon tells it.

        One on loopback is another one on each machine.
        """

    @property
    def connected(self) -> bool:
        """Whether the broker hears us."""
        return self._client.connected

    def alert(self, pbx: str, call: CallId, reason: Reason, at: datetime) -> None:
        """Have people look at a call: at once, or as soon as there is a connection."""
        self._client.announce(topics.alerts(self._root, pbx), alarm.written(call, reason, at))

    async def run(self) -> Never:
        """Serve until cancelled, whatever the broker does."""
        await self._client.run()

    async def leave(self) -> None:
        """Take back what is said of calls: the daemon ends. A broker that does not answer goes without."""
        with suppress(NotDelivered, TimeoutError):
            async with asyncio.timeout(GOODBYE_S):
                await self.live.leave(self._client)
