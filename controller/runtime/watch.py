"""Watches one PBX for as long as this daemon holds its lease; stands by while another one does."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol

import structlog

from controller.errors import DatabaseError
from controller.runtime.link import PbxLink

ASK_EVERY_S = 2.0
"""So a PBX whose daemon died is watched again well within ten seconds."""

_log = structlog.get_logger(__name__)


class Lease(Protocol):
    """The right to watch a PBX, held by one daemon at a time."""

    async def acquire(self) -> bool:
        """Take or keep it; False where another daemon has it. Raises ``DatabaseAway``."""
        ...


class Watch:
    """One PBX, its lease, and whether we watch it now.

    ``before`` runs each time the lease is won, ``beside`` for as long as it is held.
    """

    def __init__(
        self,
        link: PbxLink,
        lease: Lease,
        *,
        before: Callable[[], Awaitable[None]],
        beside: Callable[[], Coroutine[Any, Any, None]] | None = None,
    ) -> None:
        self.link = link
        self._lease = lease
        self._before = before
        self._beside = beside
        self.trouble = "starting"
        """Why the PBX is not watched by us; empty when it is."""

    async def run(self) -> None:
        """Stand by, watch, stand by, until cancelled. Whatever is logged in here names the PBX."""
        structlog.contextvars.bind_contextvars(pbx=self.link.name)
        while True:
            if await self._won():
                await self._watch()
            await asyncio.sleep(ASK_EVERY_S)

    async def _won(self) -> bool:
        try:
            if not await self._lease.acquire():
                self._say("another daemon holds this PBX: standing by")
                return False
            await self._before()
        except DatabaseError as error:
            self._say(f"the database is away: {error}")
            return False
        self._say("")
        return True

    async def _watch(self) -> None:
        """Watch until another daemon has the lease. A database that is away takes it from nobody."""
        watching = asyncio.create_task(self.link.run(), name=f"pbx {self.link.name}")
        working = {watching}
        if self._beside is not None:
            working.add(asyncio.create_task(self._beside(), name=f"beside {self.link.name}"))
        try:
            ended: set[asyncio.Task[None]] = set()
            while not ended:
                ended, _ = await asyncio.wait(working, timeout=ASK_EVERY_S, return_when=asyncio.FIRST_COMPLETED)
                if not ended and not await self._kept():
                    return
            for one in ended:
                one.result()
        finally:
            # What records is let go of first; what is done beside may take its time to end.
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            await self.link.let_go_of_everything()
            for one in working:
                one.cancel()
            await asyncio.gather(*working, return_exceptions=True)

    async def _kept(self) -> bool:
        try:
            return await self._lease.acquire()
        except DatabaseError:
            return True

    def _say(self, trouble: str) -> None:
        if trouble and trouble != self.trouble:
            _log.warning("watch.standing_by", pbx=self.link.name, reason=trouble)
        self.trouble = trouble
