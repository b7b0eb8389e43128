"""Keeps one connection to the broker, for ever, and hands on each message the moment it is read.

Owns connecting, subscribing, the back-off, sending answers and announcements, and whether it is said that we are there.
Does not own what a message means, nor how many are served at once (``api``), nor what is published by others for as
long as a connection lasts (``Companion``). The session ends with the connection: a command that was
sent while we were away is lost and unanswered, because one that comes late, a resume above all, is worse than one that
has to be asked again. What we announce is kept until it is sent.
"""

import asyncio
import logging
import socket
import ssl
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Never

import aiomqtt
import structlog
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from controller.back_off import back_off_s
from controller.errors import NotDelivered
from controller.mqtt import messages
from controller.mqtt.command import Answer, Problem, written
from controller.mqtt.messages import Presence, Status
from controller.mqtt.receipts import Receipts
from controller.runtime import metrics

KEEP_ALIVE_S: Final = 3
"""A half-open link is found within twice this."""
TIMEOUT_S: Final = 3.0
"""For each answer of the broker."""
MOST_QUEUED: Final = 1024
"""Messages that have come and are not looked at yet; what comes beyond is dropped, unanswered."""
MOST_UNSENT: Final = 1000
"""Announcements kept while there is no connection; of more than these the oldest are lost."""
MOST_UNCONFIRMED: Final = 1000
"""Messages that are sent and not confirmed, or wait for that in the library; more are not sent."""
PACKET_LIMIT: Final = 64 * 1024
"""Bytes; the broker keeps a larger message from us (MQTT 5, 3.1.2.11.4)."""
_AT_LEAST_ONCE: Final = 1
_RETAINED: Final = 0
_NO_RETAINED: Final = 2
"""Whether the broker sends retained messages when we subscribe (MQTT 5, 3.8.3.1)."""
GOODBYE_S: Final = 0.3
"""How long a broker has to hear that the daemon ends."""
AGAIN_S: Final = 1.0
"""How long a companion waits after something could not be sent over a connection that still stands."""
_FAILURE: Final = 128
"""Reason codes from here on are failures (MQTT 5, 2.4)."""
_BAD_USER: Final = frozenset({134, 135})
"""Bad user name or password; not authorized."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A message to us, and how to answer it. ``reply_to`` None: nobody waits for an answer."""

    topic: str
    payload: bytes
    reply_to: str | None = None
    correlation: bytes | None = None


Serve = Callable[[Asked], Awaitable[Answer | None]]
"""Does what is asked. None: it is not for us to answer."""


Companion = Callable[["MqttClient"], Awaitable[None]]
"""Publishes for as long as a connection lasts; begun anew with each. May raise ``NotDelivered``."""


def _nobody_looks(_topic: str, _payload: bytes) -> None:
    """Where nobody wants to know what the broker has kept."""


class MqttClient:
    """The connection of one daemon. ``random`` gives numbers in [0, 1) and spreads the attempts of many daemons.

    ``status`` is the topic where it is said that the daemon is there, and by the broker that it is not any more (its
    last will; MQTT 5, 3.1.2.5); ``retained`` hears what the broker has kept, of what was subscribed to by ``hear``.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        tls: bool,
        username: str | None,
        password: str | None,
        filters: Sequence[str],
        serve: Serve,
        random: Callable[[], float],
        status: str | None = None,
        companions: Sequence[Companion] = (),
        retained: Callable[[str, bytes], None] = _nobody_looks,
    ) -> None:
        self._host = host
        self._port = port
        self._tls = ssl.create_default_context() if tls else None
        self._username = username
        self._password = password
        self._filters = tuple(filters)
        self._serve = serve
        self._random = random
        self._status = status
        self._companions = (MqttClient._announce, *companions)
        self._retained = retained
        self._client: aiomqtt.Client | None = None
        self._receipts: Receipts | None = None
        self._last_refusal = ""
        self._unsent: deque[tuple[str, bytes]] = deque(maxlen=MOST_UNSENT)
        self._something = asyncio.Event()
        self._gauge = metrics.MQTT_CONNECTED.labels(host)
        self.last_error = ""
        """Why there is no connection, or was none the last time; for people."""

    @property
    def connected(self) -> bool:
        """Whether commands reach us."""
        return self._client is not None

    def announce(self, topic: str, payload: bytes) -> None:
        """Publish this, at once or as soon as there is a connection; in the order of these calls, at least once."""
        if len(self._unsent) == MOST_UNSENT:
            metrics.MQTT_DROPPED.inc()
        self._unsent.append((topic, payload))
        self._something.set()

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False, qos: int = _AT_LEAST_ONCE) -> None:
        """Return once the broker has it, or with ``qos`` 0 once it is on its way. Raises ``NotDelivered``."""
        if self._client is None or self._receipts is None:
            raise NotDelivered("there is no connection to the broker")
        try:
            await self._receipts.publish(topic, payload, qos=qos, retain=retain)
        except (aiomqtt.MqttError, ValueError) as error:
            raise NotDelivered(_why(error)) from error
        except NotDelivered as error:
            self._refused(str(error))
            raise

    async def hear(self, filters: Iterable[str]) -> None:
        """Have what the broker has kept under these told to ``retained``. Raises ``NotDelivered``."""
        if self._client is None:
            raise NotDelivered("there is no connection to the broker")
        try:
            await self._subscribe(self._client, filters, kept=_RETAINED)
        except aiomqtt.MqttError as error:
            raise NotDelivered(_why(error)) from error

    async def run(self) -> Never:
        """Serve until cancelled, whatever the broker does."""
        async with asyncio.TaskGroup() as tasks:
            await self._connect_for_ever(tasks)

    async def _connect_for_ever(self, tasks: asyncio.TaskGroup) -> Never:
        attempt = 0
        while True:
            try:
                await self._connection(tasks)
            except (aiomqtt.MqttError, ValueError) as error:  # ValueError: the host has no name that could exist
                _raise_if_cancelled()
                attempt = 0 if self.connected else attempt
                self._lost(_why(error))
            await asyncio.sleep(back_off_s(attempt, self._random()))
            attempt += 1

    async def _connection(self, tasks: asyncio.TaskGroup) -> None:
        """One connection, from its first packet to its loss, which is the MqttError that it raises.

        What is under way belongs to ``tasks`` and outlives the connection: a pause is carried out even where its
        answer is lost.
        """
        async with self._opened() as client:
            receipts = Receipts(client, timeout_s=TIMEOUT_S)
            await self._subscribe(client, self._filters, kept=_NO_RETAINED)
            try:
                await self._say_presence(receipts, Presence.ONLINE)
                await self._serve_all(client, receipts, tasks)
            except asyncio.CancelledError:
                await self._say_goodbye(receipts)
                raise

    async def _serve_all(self, client: aiomqtt.Client, receipts: Receipts, tasks: asyncio.TaskGroup) -> None:
        self._client, self._receipts = client, receipts
        self._gauge.set(1)
        self.last_error = ""
        _log.info("mqtt.connected", broker=self._host)
        beside = [asyncio.create_task(self._accompany(one), name="mqtt companion") for one in self._companions]
        try:
            async for message in client.messages:
                if message.retain:  # as a command, it says what somebody wanted at another time
                    self._retained(str(message.topic), _asked(message).payload)
                    continue
                tasks.create_task(self._serve_one(_asked(message)), name="mqtt command")
        finally:
            for one in beside:
                one.cancel()
            await asyncio.gather(*beside, return_exceptions=True)

    async def _say_goodbye(self, receipts: Receipts) -> None:
        """Whoever takes leave of a broker in the ordinary way has no last will (MQTT 5, 3.14.4)."""
        with suppress(aiomqtt.MqttError, TimeoutError):
            async with asyncio.timeout(GOODBYE_S):
                await self._say_presence(receipts, Presence.OFFLINE)

    async def _say_presence(self, receipts: Receipts, presence: Presence) -> None:
        """A broker that refuses this may hear and be heard all the same."""
        if self._status is None:
            return
        try:
            await receipts.publish(self._status, _presence(presence), qos=_AT_LEAST_ONCE, retain=True)
        except NotDelivered as error:
            self._refused(str(error))

    async def _accompany(self, companion: Companion) -> Never:
        """Have it publish until the connection is lost: the messages end by the same loss, and tell it."""
        while True:
            try:
                await companion(self)
            except NotDelivered:
                pass
            except Exception as error:  # noqa: BLE001 - a fault in what is said must not end what is heard
                _log.error("mqtt.not_said", fault=type(error).__name__)
            await asyncio.sleep(AGAIN_S)

    async def _announce(self) -> None:
        """Send what is to be sent; what was not sent is kept."""
        while True:
            while self._unsent:
                topic, payload = sent = self._unsent[0]
                await self.publish(topic, payload)
                if self._unsent[0] is sent:  # else so many have come meanwhile that it was dropped
                    self._unsent.popleft()
            self._something.clear()
            await self._something.wait()

    def _opened(self) -> aiomqtt.Client:
        properties = Properties(PacketTypes.CONNECT)
        properties.MaximumPacketSize = PACKET_LIMIT
        client = aiomqtt.Client(
            self._host,
            self._port,
            protocol=aiomqtt.ProtocolVersion.V5,
            username=self._username,
            password=self._password,
            tls_context=self._tls,
            keepalive=KEEP_ALIVE_S,
            timeout=TIMEOUT_S,
            properties=properties,
            will=self._will(),
            max_queued_incoming_messages=MOST_QUEUED,
            max_queued_outgoing_messages=MOST_UNCONFIRMED,
            socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)],
            logger=logging.getLogger(__name__),
        )
        client.pending_calls_threshold = MOST_QUEUED
        return client

    def _will(self) -> aiomqtt.Will | None:
        if self._status is None:
            return None
        return aiomqtt.Will(self._status, _presence(Presence.OFFLINE), qos=_AT_LEAST_ONCE, retain=True)

    async def _subscribe(self, client: aiomqtt.Client, filters: Iterable[str], *, kept: int) -> None:
        options = SubscribeOptions(qos=_AT_LEAST_ONCE, noLocal=True, retainHandling=kept)
        codes = await client.subscribe([(topic, options) for topic in filters])
        _raise_if_cancelled()
        for code in codes:
            if isinstance(code, ReasonCode) and code.value >= _FAILURE:
                raise aiomqtt.MqttError(f"the broker does not let us subscribe: {code}")

    async def _serve_one(self, asked: Asked) -> None:
        try:
            answer = await self._serve(asked)
        except Exception as error:  # noqa: BLE001 - a fault in one command must not end the others
            _log.error("mqtt.command_failed", fault=type(error).__name__)
            answer = Problem.of(HTTPStatus.INTERNAL_SERVER_ERROR, "it could not be done")
        if answer is not None and asked.reply_to is not None:
            await self._answer(asked.reply_to, asked.correlation, answer)

    async def _answer(self, topic: str, correlation: bytes | None, answer: Answer) -> None:
        properties = Properties(PacketTypes.PUBLISH)
        if correlation is not None:
            properties.CorrelationData = correlation
        try:
            if self._receipts is not None:
                await self._receipts.publish(topic, written(answer), qos=_AT_LEAST_ONCE, properties=properties)
        except (aiomqtt.MqttError, NotDelivered, ValueError) as error:  # ValueError: no message can have this topic
            _log.warning("mqtt.answer_lost", fault=type(error).__name__)

    def _refused(self, reason: str) -> None:
        """Once for each reason; the topic may name an agent."""
        metrics.MQTT_REFUSED.inc()
        if reason != self._last_refusal:
            _log.warning("mqtt.refused", broker=self._host, reason=reason)
        self._last_refusal = reason

    def _lost(self, reason: str) -> None:
        self._client = self._receipts = None
        self._gauge.set(0)
        if reason != self.last_error:
            _log.warning("mqtt.unavailable", broker=self._host, reason=reason)
        self.last_error = reason


def _asked(message: aiomqtt.Message) -> Asked:
    return Asked(
        topic=str(message.topic),
        payload=message.payload,
        # a broker lets an empty one through to us, and ends the link to whoever answers to it
        reply_to=getattr(message.properties, "ResponseTopic", None) or None,
        correlation=getattr(message.properties, "CorrelationData", None),
    )


def _presence(presence: Presence) -> bytes:
    return messages.written(Status(status=presence))


def _raise_if_cancelled() -> None:
    """Let nothing stand in for our own end: no failure of the farewell to a broker that does not answer, and no answer.

    aiomqtt waits by ``asyncio.wait_for``, which on Python 3.11 forgets that it was cancelled where the answer has just
    come (CPython's gh-86296).
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _why(error: Exception) -> str:
    if isinstance(error, aiomqtt.MqttCodeError) and isinstance(error.rc, ReasonCode) and error.rc.value in _BAD_USER:
        return f"the broker does not accept the user or its password ({error.rc})"
    cause = error.__cause__ or error
    return str(cause) if isinstance(cause, aiomqtt.MqttError) else type(cause).__name__
