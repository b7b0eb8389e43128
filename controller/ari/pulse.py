"""Feels whether Asterisk stands still: a ping on the websocket that is answered late.

A host that is overloaded or a virtual machine that is moved stops Asterisk for a moment, and nothing else tells of it
afterwards. Owns how often it is felt and what is late. Does not own what follows from it (``PbxStalled``).
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Never

BEAT_S: Final = 0.05
LATE_S: Final = 0.2
"""Of an answer. So a standstill of this and a beat more is always felt; Asterisk answers within 1 ms otherwise."""
OUR_OWN_S: Final = 0.05
"""Where it was this daemon that stood still, what has come meanwhile is read within this."""


class Pulse:
    """The pulse of one Asterisk. ``wanted`` says whether it matters now, ``late`` is told of each standstill once."""

    def __init__(self, *, wanted: Callable[[], bool], late: Callable[[], None]) -> None:
        self._wanted = wanted
        self._late = late
        self._answered = asyncio.Event()

    def answered(self) -> None:
        """An answer has come."""
        self._answered.set()

    async def run(self, ping: Callable[[], Awaitable[None]]) -> Never:
        """Feel it until cancelled. Raises ConnectionError where the link is gone."""
        while True:
            await asyncio.sleep(BEAT_S)
            if self._wanted():
                self._answered.clear()
                await ping()
                await self._beat()

    async def _beat(self) -> None:
        """Wait for the answer, however long that takes."""
        try:
            async with asyncio.timeout(LATE_S):
                await self._answered.wait()
        except TimeoutError:
            await asyncio.sleep(OUR_OWN_S)
            if not self._answered.is_set():
                self._late()
            await self._answered.wait()
