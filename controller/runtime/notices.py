"""Tells customers, in the middle of a call, that a recording is about to begin.

A snoop channel of its own whispers to the customer; the call, its bridge and its dialplan are not touched. Owns those
channels from their creation to their end; what the telling means is the core's business.

Asterisk mixes a whisper into what it sends to the customer anyway: up to 22.10 it sends nothing, and says that it has
played everything, while the other side's telephone is silent and sends nothing itself (seen). So a notice counts only
where packets went out all the while.
"""

import asyncio
from contextlib import suppress
from itertools import count
from typing import TypeVar

from controller.ari.client import Ari
from controller.domain.commands import TellAgain
from controller.domain.consent import Heard, Outcome
from controller.domain.names import CallId
from controller.domain.policy import Prompt
from controller.errors import PbxError

T = TypeVar("T")

MARGIN_S = 3.0
"""How much longer than its length a notice may take before it counts as stuck."""

LOOK_EVERY_S = 0.25
"""How often to look whether packets go out to the customer."""

LEAST_PACKETS_A_SECOND = 12.5
"""What goes out without a break: codecs send from 16 to 100; a telephone that suppresses silence, a handful."""

PATIENCE_S = 1.0
"""How long packets may take to begin: where media went past Asterisk, it must first be led back."""


class Notices:
    """The notices of one PBX that are being told just now."""

    def __init__(self, ari: Ari) -> None:
        self._ari = ari
        self._serial = count(1)
        self._arrived: dict[str, asyncio.Future[None]] = {}
        self._played: dict[str, asyncio.Future[bool]] = {}

    def __contains__(self, channel: str) -> bool:
        """Whether this is one of the snoop channels that are waited for."""
        return channel in self._arrived

    async def tell(self, call: CallId, command: TellAgain) -> Heard:
        """Play a notice to the customer. Never raises: a fault is an outcome."""
        snoop = f"rc-{call}-.notice-{next(self._serial)}"
        loop = asyncio.get_running_loop()
        self._arrived[snoop], self._played[snoop] = loop.create_future(), loop.create_future()
        prompt = command.prompt
        try:
            async with asyncio.timeout(prompt.milliseconds / 1000 + MARGIN_S):
                await self._ari.whisper(command.channel, snoop)
                await self._arrived[snoop]
                whole = await self._play(prompt, snoop, command.channel)
        except (PbxError, TimeoutError):
            whole = False
        finally:
            del self._arrived[snoop], self._played[snoop]
            with suppress(PbxError):
                await self._ari.hangup(snoop)
        if not whole:
            return Heard(prompt=prompt, outcome=Outcome.FAILED, milliseconds=0)
        return Heard(prompt=prompt, outcome=Outcome.PLAYED, milliseconds=prompt.milliseconds)

    async def _play(self, prompt: Prompt, snoop: str, customer: str) -> bool:
        """Play it to its end, while packets go out to the customer."""
        flow, played = _Flow(self._ari, customer), self._played[snoop]
        if not await flow.begins():
            return False
        await self._ari.play(snoop, snoop, media=f"sound:{prompt.sound}", language=prompt.language)
        while not played.done():
            await asyncio.wait([played], timeout=LOOK_EVERY_S)
            if not await flow.goes_on():
                return False
        return played.result()

    def arrived(self, channel: str) -> None:
        """A snoop channel is ours to play to."""
        _settle(self._arrived.get(channel), None)

    def played(self, playback: str, *, whole: bool) -> None:
        """A sound has ended: to its end, or not."""
        _settle(self._played.get(playback), whole)

    def gone(self, channel: str) -> None:
        """A snoop channel no longer exists: the customer has hung up."""
        self.played(channel, whole=False)


class _Flow:
    """The packets that go out to a channel."""

    def __init__(self, ari: Ari, channel: str) -> None:
        self._ari = ari
        self._channel = channel
        self._sent = 0
        self._since = 0.0

    async def begins(self) -> bool:
        """Wait until packets go out, though not for long. Raises as ``packets_sent``."""
        give_up = _clock() + PATIENCE_S
        await self._look()
        while _clock() < give_up:
            await asyncio.sleep(LOOK_EVERY_S)
            if await self.goes_on():
                return True
        return False

    async def goes_on(self) -> bool:
        """Whether packets have gone out without a break since the last look. Raises as ``packets_sent``."""
        before, seconds = self._sent, _clock() - self._since
        await self._look()
        return self._sent - before >= int(seconds * LEAST_PACKETS_A_SECOND)

    async def _look(self) -> None:
        self._sent = await self._ari.packets_sent(self._channel)
        self._since = _clock()


def _clock() -> float:
    return asyncio.get_running_loop().time()


def _settle(future: asyncio.Future[T] | None, result: T) -> None:
    if future is not None and not future.done():
        future.set_result(result)
