"""What may be asked by MQTT of calls under way, on every PBX: the commands of ``command``, by the topics of ``topics``.

Owns finding the call and who counts as the actor; ``controller.runtime.requests`` owns what is done.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final, Protocol

from controller.domain.access import grant
from controller.domain.call import Call
from controller.domain.names import CallId
from controller.domain.principal import Principal, Role
from controller.domain.records import EVERY_PURPOSE
from controller.faults import Code
from controller.mqtt import topics
from controller.mqtt.client import Asked
from controller.mqtt.command import RECORDS_MORE, Answer, Command, Done, Problem, read
from controller.mqtt.topics import About, Address
from controller.runtime import requests
from controller.runtime.authority import ACTIONS, is_there, of_theirs
from controller.runtime.dispatcher import Dispatcher
from controller.runtime.requests import CallState, Request, Verb

ORIGIN: Final = "agent"
"""As over HTTP: the agent's keys end such a pause, and the other way round."""
_NO_CALL: Final = Problem.of(HTTPStatus.NOT_FOUND, "no such call is under way", code=Code.NO_CALL)
_TOO_MANY: Final = Problem.of(HTTPStatus.SERVICE_UNAVAILABLE, "too much is asked at the same time: nothing was done")
MOST_AT_ONCE: Final = 256
"""Commands under way that have something recorded; each waits for Asterisk for a second at most.

More are refused, and wait for no turn: a pause that came later would be done first. What pauses or ends is not bounded.
"""
REMEMBERED: Final = 1000
"""Commands that are known again when they come twice."""


class Pbx(Protocol):
    """What is needed of a PBX."""

    name: str
    ready: bool
    dispatcher: Dispatcher


class MqttApi:
    """Serves commands. ``root`` is what every topic begins with.

    Whoever may publish there is an integration, for ``purposes``; for all, unless any is named.
    """

    def __init__(self, *, root: str, pbxs: Iterable[Pbx], purposes: frozenset[str] = frozenset()) -> None:
        self._root = root
        self._principal = Principal(
            name="mqtt", roles=frozenset({Role.INTEGRATION}), purposes=purposes or frozenset({EVERY_PURPOSE})
        )
        self._pbxs = {pbx.name: pbx for pbx in pbxs}
        self._done: dict[tuple[Address, Command, bytes], None] = {}
        self._under_way = 0

    @property
    def filters(self) -> list[str]:
        """What to subscribe to."""
        return [one for name in self._pbxs for one in topics.filters(self._root, name)]

    async def serve(self, asked: Asked) -> Answer | None:
        """Do what a message asks; the answer comes once Asterisk has done it, or the recording has been stopped.

        None for what has been done already, and where the call is not ours: a daemon that stands by hears the commands
        too, and the one that watches the PBX answers.
        """
        address = topics.address(self._root, asked.topic)
        pbx = self._pbxs.get(address.pbx) if address else None
        if address is None or pbx is None:
            return None
        calls = _find(pbx.dispatcher, address)
        if calls:
            return await self._ask(pbx.dispatcher, calls, address, asked)
        return _NO_CALL if pbx.ready else None

    async def _ask(
        self, dispatcher: Dispatcher, found: Sequence[Call], address: Address, asked: Asked
    ) -> Answer | None:
        """A pause reaches every call in which the agent talks; for anything else it must be clear which is meant."""
        command = read(asked.payload)
        if isinstance(command, Problem):
            return command
        granted = grant(self._principal, ACTIONS[command.command])
        calls = [call for call in found if granted is not None and is_there(granted, command.command, call)]
        refused = self._refused(command, len(calls))
        if refused is not None:
            return refused
        if self._came_before(address, command, asked.correlation):
            return None
        request = Request(
            verb=command.command,
            actor=_actor(address),
            origin=ORIGIN,
            cause=command.cause,
            purpose=command.purpose,
        )
        with self._counted(command):
            states = await asyncio.gather(*(self._act(dispatcher, call, request) for call in calls))
        done = [(call.id, state) for call, state in zip(calls, states, strict=True) if state is not None]
        if not done:
            return _NO_CALL
        if CallState.UNSETTLED in states:
            return Problem.of(HTTPStatus.SERVICE_UNAVAILABLE, "Asterisk has not confirmed it", code=Code.UNCONFIRMED)
        return Done(call=done[0][0], state=done[0][1])

    def _refused(self, command: Command, calls: int) -> Problem | None:
        if calls > 1 and command.command is not Verb.PAUSE:
            return Problem.of(HTTPStatus.CONFLICT, "the agent talks in several calls: name the call")
        if command.command in RECORDS_MORE and self._under_way >= MOST_AT_ONCE:
            return _TOO_MANY
        return None

    @contextmanager
    def _counted(self, command: Command) -> Iterator[None]:
        one = int(command.command in RECORDS_MORE)
        self._under_way += one
        try:
            yield
        finally:
            self._under_way -= one

    async def _act(self, dispatcher: Dispatcher, call: Call, request: Request) -> CallState | None:
        """What its recordings are after this; None where it is asked for no purpose of theirs."""
        granted = grant(self._principal, ACTIONS[request.verb])
        theirs = granted.purposes_of(call) if granted is not None else ()
        each = of_theirs(request, call, theirs)
        if not each:
            return None
        after = await requests.carried_out(dispatcher, call.id, each, purposes=theirs)
        return requests.outcome_of(request.verb, after, theirs)

    def _came_before(self, address: Address, command: Command, correlation: bytes | None) -> bool:
        """Whether this is a resume or a start that QoS 1 brings again, perhaps after a pause that came between.

        What pauses or ends is done as often as it comes: that does no harm, and nothing can keep it from being done.
        """
        if correlation is None or command.command not in RECORDS_MORE:
            return False
        key = (address, command, correlation)
        if key in self._done:
            return True
        self._done[key] = None
        if len(self._done) > REMEMBERED:
            del self._done[next(iter(self._done))]
        return False


def _find(dispatcher: Dispatcher, address: Address) -> Sequence[Call]:
    if address.about is About.AGENT:
        return list(dispatcher.calls_of_agent(address.name))
    call = dispatcher.call(CallId(address.name))
    return [call] if call is not None else []


def _actor(address: Address) -> str:
    return f"agent:{address.name}" if address.about is About.AGENT else "mqtt"
