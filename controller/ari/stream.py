"""Keeps one websocket open to Asterisk's events, for ever, and hands each event on the moment it is read.

Owns connecting, the event filter, the back-off and the loss of the link. Does not own what an event means,
nor what must be asked after a reconnect (`on_connected` does). Asterisk closes a websocket whose reader
stalls for `websocket_write_timeout` (100 ms by default), so nothing is awaited between two reads. Whether Asterisk
stands still is felt on the same link (`pulse`).
"""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Final, Never

import aiohttp
import structlog

from controller.ari.client import Ari
from controller.ari.events import HANDLED, ApplicationReplaced, Event, Malformed, decode
from controller.ari.pulse import Pulse
from controller.back_off import LONGEST_DELAY_S, back_off_s
from controller.errors import PbxError, PbxUnreachable

HEARTBEAT_S: Final = 4.0
"""A half-open link is found within this and half of it again."""
TURNS: Final = 4
"""Messages read in a row at most: what one of them has set going, a pause above all, goes out before the next ones."""
MESSAGE_LIMIT: Final = 2**20
"""Bytes; a channel with its variables is about one thousand."""
_log = structlog.get_logger(__name__)


class _Replaced(PbxUnreachable):
    """Another websocket took the application."""


def _never() -> bool:
    return False


def _nobody_asks() -> None:
    """Where nobody wants to know."""


class EventStream:
    """The events of one Asterisk, with reconnection.

    `random` gives numbers in [0, 1) and spreads the reconnections of many daemons over time. `wanted`: the
    types that Asterisk shall send; it drops all others at the source. `on_stalled` is called when Asterisk
    has stood still while `pulsed` says that this matters.
    """

    def __init__(
        self,
        *,
        ari: Ari,
        random: Callable[[], float],
        wanted: frozenset[str] = HANDLED,
        pulsed: Callable[[], bool] = _never,
        on_stalled: Callable[[], None] = _nobody_asks,
    ) -> None:
        self._pulse = Pulse(wanted=pulsed, late=on_stalled)
        self._ari = ari
        self._random = random
        self._wanted = wanted | {ApplicationReplaced.__name__}
        self._opened = self._settled = False
        self._told: Malformed | None = None
        self.connected = False
        """Whether the websocket is open; what happened before may still be unknown."""
        self.last_error = ""
        """Why it is not open, or was not the last time; for people."""
        self.events = 0
        """Events handed on."""
        self.malformed = 0
        """Messages that could not be read, and were skipped."""
        self.losses = 0
        """Links that were open and were lost."""

    async def want(self, wanted: frozenset[str]) -> None:
        """Have other types sent from now on, and after every reconnection. Raises PbxError while the link is open."""
        self._wanted = wanted | {ApplicationReplaced.__name__}
        if self.connected:
            await self._ari.set_event_filter(allowed=self._wanted)

    async def run(
        self,
        *,
        on_event: Callable[[Event], None],
        on_connected: Callable[[], Awaitable[None]],
        on_lost: Callable[[str], None],
    ) -> Never:
        """Read events until cancelled.

        `on_event` is called as each event is read and must not block. `on_connected` runs beside the
        reading, once the filter is set; a PbxError out of it drops the link, to try again. `on_lost` is
        called once for each link that was open, with the reason. Any other exception of theirs ends `run`.
        """
        attempt = 0
        while True:
            self._opened = self._settled = False
            try:
                await self._connection(on_event, on_connected)
            except PbxError as error:
                attempt = 0 if self._settled else attempt
                self._lost(error, on_lost)
                taken = isinstance(error, _Replaced)
                delay = LONGEST_DELAY_S if taken else back_off_s(attempt, self._random())
            await asyncio.sleep(delay)
            attempt += 1

    async def _connection(
        self, on_event: Callable[[Event], None], on_connected: Callable[[], Awaitable[None]]
    ) -> Never:
        """One link, from the handshake to its loss, which is the PbxError that it raises."""
        socket = await self._ari.open_events(heartbeat_s=HEARTBEAT_S, message_limit=MESSAGE_LIMIT)
        self.connected = self._opened = True
        settling = asyncio.create_task(self._settle(on_connected), name="ari-settle")
        reading = asyncio.create_task(self._read(socket, on_event), name="ari-read")
        feeling = asyncio.create_task(self._pulse.run(socket.ping), name="ari-pulse")
        try:
            await asyncio.wait({settling, reading}, return_when=asyncio.FIRST_COMPLETED)
            if settling.done():
                settling.result()
            await reading
        finally:
            self.connected = False
            tasks = (settling, reading, feeling)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await socket.close()
        raise PbxUnreachable("the link ended")

    async def _settle(self, on_connected: Callable[[], Awaitable[None]]) -> None:
        await self._ari.set_event_filter(allowed=self._wanted)
        await on_connected()
        self._settled = True
        self.last_error = ""

    async def _read(self, socket: aiohttp.ClientWebSocketResponse[bool], on_event: Callable[[Event], None]) -> Never:
        for turn in count(1):
            if turn % TURNS == 0:  # what is buffered is read without a pause: let others have a turn
                await asyncio.sleep(0)
            message = await socket.receive()
            if message.type is aiohttp.WSMsgType.PONG:
                self._pulse.answered()
                continue
            if message.type is aiohttp.WSMsgType.PING:
                await socket.pong(message.data)
                continue
            if message.type is not aiohttp.WSMsgType.TEXT:
                raise PbxUnreachable(_why_closed(socket))
            match decode(message.data):
                case None:
                    continue
                case Malformed() as malformed:
                    self.malformed += 1
                    self._tell(malformed)
                case ApplicationReplaced(application=name):
                    raise _Replaced(f"another program took over the ARI application {name!r}")
                case event:
                    self.events += 1
                    on_event(event)
        raise AssertionError("it reads for ever")

    def _tell(self, malformed: Malformed) -> None:
        """The same again says nothing new."""
        if malformed != self._told:
            _log.warning("ari.event_malformed", kind=malformed.kind, fault=malformed.fault)
        self._told = malformed

    def _lost(self, error: PbxError, on_lost: Callable[[str], None]) -> None:
        reason = str(error)
        if reason != self.last_error:
            _log.warning("ari.unavailable", reason=reason)
        self.last_error = reason
        if not self._opened:
            return
        self.losses += 1
        on_lost(reason)


def _why_closed(socket: aiohttp.ClientWebSocketResponse[bool]) -> str:
    failure = socket.exception()
    if failure is not None:
        return f"the link to Asterisk broke: {type(failure).__name__}"
    return f"Asterisk closed the link to its events (code {socket.close_code})"
