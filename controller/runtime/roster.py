"""Which agents have been told that they may be recorded: read from the register, and said to every PBX.

Nobody counts as told before the register has been read. While it cannot be read, what was read last stands: nothing
begins to be recorded then anyway.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Never

import structlog

from controller.errors import DatabaseError
from controller.runtime.dispatcher import Dispatcher
from controller.runtime.ports import Register

EVERY_S = 5.0
"""How long another daemon's or the command line's change may take to be known here."""

_log = structlog.get_logger(__name__)


class Roster:
    """The notice register, as the PBXs know it. ``version`` is of the notice that is in force."""

    def __init__(
        self, register: Register, *, version: Callable[[], str], dispatchers: Callable[[], Iterable[Dispatcher]]
    ) -> None:
        self._register = register
        self._version = version
        self._dispatchers = dispatchers

    async def refresh(self) -> None:
        """Read the register now."""
        version = self._version()
        try:
            informed = await self._register.informed(version)
        except DatabaseError as error:
            _log.warning("roster.not_read", reason=type(error).__name__)
            return
        for dispatcher in self._dispatchers():
            dispatcher.informed(informed, notice=version)

    async def run(self) -> Never:
        """Read it again and again, until cancelled."""
        while True:
            await self.refresh()
            await asyncio.sleep(EVERY_S)
