"""Tells customers, in the middle of a call, that a recording is about to begin.

A snoop channel of its own whispers to the customer; the call, its bridge and its dialplan are not touched. Owns those
channels from their creation to their end; what the telling means is the core's business.
"""

import asyncio
from contextlib import suppress
from itertools import count
from typing import TypeVar

from controller.ari.client import Ari
from controller.domain.commands import TellAgain
from controller.domain.consent import Heard, Outcome
from controller.domain.names import CallId
from controller.errors import PbxError

T = TypeVar("T")

MARGIN_S = 3.0
"""How much longer than its length a notice may take before it counts as stuck."""


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
                await self._ari.play(snoop, snoop, media=f"sound:{prompt.sound}", language=prompt.language)
                whole = await self._played[snoop]
        except (PbxError, TimeoutError):
            whole = False
        finally:
            del self._arrived[snoop], self._played[snoop]
            with suppress(PbxError):
                await self._ari.hangup(snoop)
        if not whole:
            return Heard(prompt=prompt, outcome=Outcome.FAILED, milliseconds=0)
        return Heard(prompt=prompt, outcome=Outcome.PLAYED, milliseconds=prompt.milliseconds)

    def arrived(self, channel: str) -> None:
        """A snoop channel is ours to play to."""
        _settle(self._arrived.get(channel), None)

    def played(self, playback: str, *, whole: bool) -> None:
        """A sound has ended: to its end, or not."""
        _settle(self._played.get(playback), whole)

    def gone(self, channel: str) -> None:
        """A snoop channel no longer exists: the customer has hung up."""
        self.played(channel, whole=False)


def _settle(future: asyncio.Future[T] | None, result: T) -> None:
    if future is not None and not future.done():
        future.set_result(result)
