"""The dead man's switch: every recording ends by itself soon after nobody watches it any more.

Asterisk hangs up a snoop channel whose absolute timeout passes, and closes its file. As long as this daemon runs and
hears the PBX's events, it sets that timeout again and again, each recording on a schedule of its own.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

import structlog

from controller.domain.names import Side
from controller.errors import Gone, PbxError, PbxRefused
from controller.runtime import metrics

LIMIT_S = 9
"""Asterisk ends a recording this long after the last refresh: within the 10 s that are promised."""

REFRESH_S = 4.0
"""So one refresh may fail without harm."""

TICK_S = 0.5

MODULES = ("func_export.so", "func_timeout.so")
"""What Asterisk sets the timeout with. Without them it answers success all the same, and sets nothing."""

_log = structlog.get_logger(__name__)


class KeepsAlive(Protocol):
    """What the switch needs of a PBX."""

    async def has_module(self, name: str) -> bool:
        """Whether a module is loaded."""
        ...

    async def keep_recording_alive(self, snoop_channel_name: str, seconds: int) -> None:
        """Set the absolute timeout of a snoop channel."""
        ...


class DeadMansSwitch:
    """Every recording of one PBX that is under way."""

    def __init__(self, pbx: KeepsAlive, *, watching: Callable[[], bool], name: str) -> None:
        self._pbx = pbx
        self._watching = watching
        self._channel_names: dict[Side, str] = {}
        self._due: deque[tuple[float, Side]] = deque()
        self._gauge = metrics.RECORDINGS.labels(name)

    def known(self, side: Side, channel_name: str) -> None:
        """The snoop channel of this side of a recording has this name."""
        self._channel_names[side] = channel_name
        self._gauge.set(len(self._channel_names))

    def released(self, side: Side) -> None:
        """Forget one that is over."""
        self._channel_names.pop(side, None)
        self._gauge.set(len(self._channel_names))

    @property
    def watched(self) -> bool:
        """Whether any recording is under way."""
        return bool(self._channel_names)

    async def check(self) -> None:
        """See that the PBX can keep the promise. Raises PbxRefused where it cannot, PbxError where it does not say."""
        for module in MODULES:
            if not await self._pbx.has_module(module):
                raise PbxRefused(f"{module} is not loaded: nothing would end a recording that nobody watches")

    async def arm(self, side: Side) -> None:
        """Set the switch for the first time. Raises PbxError: then nothing may be recorded."""
        channel_name = self._channel_names.get(side)
        if channel_name is None:
            raise Gone("the snoop channel has gone before it could be recorded from")
        await self._pbx.keep_recording_alive(channel_name, LIMIT_S)
        self._due.append((asyncio.get_running_loop().time() + REFRESH_S, side))

    async def refresh_all(self) -> None:
        """Leave every recording its whole time, for the daemon that comes after this one. Raises PbxError."""
        for channel_name in list(self._channel_names.values()):
            await self._pbx.keep_recording_alive(channel_name, LIMIT_S)

    async def run(self) -> None:
        """Refresh what is due until cancelled; nothing while the PBX's events cannot be heard."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(TICK_S)
            if self._watching():
                await self._refresh(loop.time())

    async def _refresh(self, now: float) -> None:
        while self._due and self._due[0][0] <= now:
            _, side = self._due.popleft()
            channel_name = self._channel_names.get(side)
            if channel_name is None:
                continue
            self._due.append((now + REFRESH_S, side))
            try:
                await self._pbx.keep_recording_alive(channel_name, LIMIT_S)
            except PbxError as error:
                _log.warning("deadman.refresh_failed", recording=side, reason=type(error).__name__)
