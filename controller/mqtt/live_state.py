"""Keeps the broker told what the recordings of each call under way are, as retained messages.

A message stands for what is so now and not for what happened: nothing is kept while there is no connection, and all is
said anew with the next one. Only of a PBX that this daemon watches: what a daemon that is no more has left there is
cleared, and what is somebody else's is left alone. Nothing here waits or is waited for: a change is noted, and sent by
a task of its own.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Final, Never, Protocol

from controller.domain.call import Call
from controller.domain.names import CallId
from controller.mqtt import messages, topics
from controller.mqtt.decisions import Publisher
from controller.mqtt.messages import LiveAgent, LiveCall
from controller.mqtt.topics import About
from controller.runtime.dispatcher import Dispatcher

NOTHING: Final = b""
"""An empty retained message takes the one before it away (MQTT 5, 3.3.1.3)."""

_Agent = tuple[str, str]
"""PBX and extension."""


class Pbx(Protocol):
    """What is needed of a PBX."""

    name: str
    dispatcher: Dispatcher


class Connection(Publisher, Protocol):
    """What is needed of the connection."""

    async def hear(self, filters: Iterable[str]) -> None:
        """Have what is retained under these brought to ``LiveState.retained``. Raises ``NotDelivered``."""
        ...


class LiveState:
    """Fulfils ``controller.runtime.ports.Onlooker``. ``daemon`` is the name that stands in what is said.

    ``calls`` and ``agents`` are what is said: the state of each call, and that of each agent's calls.
    """

    def __init__(
        self, *, root: str, daemon: str, pbxs: Callable[[], Iterable[Pbx]], calls: bool = True, agents: bool = False
    ) -> None:
        self._root = root
        self._daemon = daemon
        self._pbxs = pbxs
        self._of_calls = calls
        self._of_agents = agents
        self._connected = False
        self._leaving = False
        self._watched: set[str] = set()
        self._unheard: set[str] = set()
        self._changed: dict[CallId, Call] = {}
        self._found: dict[str, None] = {}
        self._said: dict[str, bytes] = {}
        self._talking: dict[_Agent, dict[CallId, LiveCall]] = {}
        self._something = asyncio.Event()

    def changed(self, call: Call) -> None:
        """Something is otherwise in a call, or it is over."""
        if self._connected and call.pbx in self._watched:  # of another PBX somebody else says what is so
            self._changed[call.id] = call
            self._something.set()

    def watching(self, pbx: str) -> None:
        """Every call of this PBX is known from now on: what is said of others is not true any more."""
        self._watched.add(pbx)
        if self._connected:
            self._say_anew(pbx)

    def standing_by(self, pbx: str) -> None:
        """Its calls are another daemon's, or nobody's: nothing more is said of them, and nothing taken back."""
        self._watched.discard(pbx)
        self._unheard.discard(pbx)
        self._changed = {call.id: call for call in self._changed.values() if call.pbx != pbx}
        self._said = {topic: said for topic, said in self._said.items() if self._pbx_of(topic) != pbx}
        self._found = {topic: None for topic in self._found if self._pbx_of(topic) != pbx}
        self._talking = {agent: calls for agent, calls in self._talking.items() if agent[0] != pbx}

    def retained(self, topic: str, payload: bytes) -> None:
        """The broker has kept this, from us or from another daemon."""
        if payload and self._pbx_of(topic) in self._watched and topic not in self._said:
            self._found[topic] = None
            self._something.set()

    async def run(self, connection: Connection) -> Never:
        """Say all that is so, and what changes, for as long as this connection lasts. Raises ``NotDelivered``."""
        self._said.clear()
        self._talking.clear()
        self._found.clear()
        self._connected = True
        try:
            for pbx in list(self._watched):
                self._say_anew(pbx)
            while True:
                await self._something.wait()
                self._something.clear()
                await self._say(connection)
        finally:
            self._connected = False
            self._changed.clear()

    async def leave(self, connection: Publisher) -> None:
        """Take everything back: this daemon ends, and who comes next says what is so then. Raises ``NotDelivered``."""
        self._leaving = True
        await asyncio.gather(*(connection.publish(topic, NOTHING, retain=True) for topic in list(self._said)))

    def _say_anew(self, pbx: str) -> None:
        self._unheard.add(pbx)
        for one in self._pbxs():
            if one.name == pbx:
                self._changed |= {call.id: call for call in one.dispatcher.calls}
        self._something.set()

    async def _say(self, connection: Connection) -> None:
        """First what is so, then what the broker has kept: so what is ours is not taken for somebody else's."""
        while self._changed:
            call = self._changed.pop(next(iter(self._changed)))
            for topic, payload in self._payloads(call):
                if call.pbx in self._watched:  # may have ended while the broker took the one before
                    await self._tell(connection, topic, payload)
        while self._unheard:
            await connection.hear(topics.states(self._root, self._unheard.pop()))
        while self._found:  # of a PBX that is watched; ``standing_by`` takes the others out
            topic = next(iter(self._found))
            del self._found[topic]
            if topic not in self._said:
                await connection.publish(topic, NOTHING, retain=True)

    async def _tell(self, connection: Connection, topic: str, payload: bytes) -> None:
        if self._leaving or self._said.get(topic, NOTHING) == payload:
            return
        if payload:
            self._said[topic] = payload
        else:
            del self._said[topic]
        await connection.publish(topic, payload, retain=True)

    def _payloads(self, call: Call) -> list[tuple[str, bytes]]:
        """Each topic that this call has to do with, and what is to stand there."""
        said = None if call.ended_at is not None else messages.live_call(call, self._daemon)
        found: list[tuple[str | None, bytes]] = []
        if self._of_calls:
            topic = topics.state(self._root, call.pbx, About.CALL, call.id)
            found.append((topic, NOTHING if said is None else messages.written(said)))
        if self._of_agents:
            found += [
                (topics.state(self._root, agent[0], About.AGENT, agent[1]), self._of_agent(agent))
                for agent in self._agents(call, said)
            ]
        return [(topic, payload) for topic, payload in found if topic is not None]

    def _agents(self, call: Call, said: LiveCall | None) -> list[_Agent]:
        """The agents for whom something is otherwise by this call."""
        now = {(call.pbx, extension) for extension in messages.agents_of(call)}
        before = {agent for agent, calls in self._talking.items() if call.id in calls}
        for agent in before - now:
            del self._talking[agent][call.id]
        if said is not None:
            for agent in now:
                self._talking.setdefault(agent, {})[call.id] = said
        return sorted(before | now)

    def _of_agent(self, agent: _Agent) -> bytes:
        calls = self._talking[agent]
        if not calls:
            del self._talking[agent]
            return NOTHING
        return messages.written(LiveAgent(agent=agent[1], calls=tuple(calls.values())))

    def _pbx_of(self, topic: str) -> str | None:
        return topics.pbx_of_state(self._root, topic)
