"""Signs the end of this daemon's chain every now and then, and keeps a copy outside the database."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Never, Protocol

import structlog

from controller.audit import checkpoints
from controller.audit.checkpoints import Checkpoint
from controller.audit.keys import SigningKey
from controller.audit.own_chain import OwnChain
from controller.domain.chain import BEGINNING, Link
from controller.errors import DatabaseError
from controller.runtime import metrics
from controller.runtime.clock import now

BEFORE_CHAINS = "before-chains"
"""The chain of what was written before there were chains: signed once, as it was found."""

_log = structlog.get_logger(__name__)


class Chains(Protocol):
    """The chains and checkpoints in the database. All methods raise ``DatabaseError``."""

    async def head(self, writer: str) -> Link | None:
        """The newest link of a chain."""
        ...

    async def link_at(self, writer: str, position: int) -> Link | None:
        """The link at a position."""
        ...

    async def last_checkpoint(self, writer: str) -> Checkpoint | None:
        """The newest checkpoint of a chain."""
        ...

    async def keep(self, point: Checkpoint) -> None:
        """Add a checkpoint."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Notary:
    """Signs with ``key``; copies go to ``file``.

    Of the chain ``own``, only what this daemon has written, by its own word; the chain of ``writer``, which commands
    share, as it is found.
    """

    chains: Chains
    key: SigningKey
    file: Path
    own: OwnChain | None = None
    writer: str = ""

    async def sign(self) -> None:
        """Sign what is new. Raises ``DatabaseError`` and OSError: then it is signed the next time."""
        if self.own is None:
            await self._sign_as_found(self.writer)
            return
        while self.own.left:
            await self._sign_own(*self.own.left[0])
            del self.own.left[0]
        await self._sign_own(self.own.writer, self.own.ends)

    async def begin(self) -> None:
        """See that all is there that was signed, and sign what was there before there were chains."""
        await self._compare()
        if await self.chains.last_checkpoint(BEFORE_CHAINS) is None:
            await self._sign_as_found(BEFORE_CHAINS)

    async def run(self, *, every_s: float) -> Never:
        """Sign again and again, until cancelled."""
        await self._trying(self.begin)
        while True:
            await asyncio.sleep(every_s)
            await self._trying(self.sign)

    async def _trying(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except (DatabaseError, OSError) as error:
            _log.warning("notary.not_signed", reason=type(error).__name__)

    async def _sign_own(self, writer: str, ends: Sequence[Link]) -> None:
        """Sign the last of these ends that is there."""
        for end in reversed(ends):
            if end != BEGINNING and await self.chains.link_at(writer, end.position) == end:
                await self._sign(writer, end)
                return

    async def _sign_as_found(self, writer: str) -> None:
        head = await self.chains.head(writer)
        if head is not None:
            await self._sign(writer, head)

    async def _sign(self, writer: str, head: Link) -> None:
        before = await self.chains.last_checkpoint(writer)
        if before is not None and before.position >= head.position:
            return
        point = checkpoints.signed(self.key, writer, head, now(), before)
        await self.chains.keep(point)
        await asyncio.to_thread(checkpoints.append, self.file, point)

    async def _compare(self) -> None:
        """What was signed last is there: else somebody has been at the database."""
        writer = self.writer if self.own is None else self.own.writer
        copies = await asyncio.to_thread(_copies, self.file)
        last = max((c for c in copies if c.writer == writer), key=lambda c: c.position, default=None)
        if last is None or await self.chains.link_at(writer, last.position) == last.head:
            return
        metrics.CHAIN_DISTURBED.inc()
        _log.critical("notary.signed_decision_is_gone", writer=writer, position=last.position)


def _copies(file: Path) -> list[Checkpoint]:
    return list(checkpoints.copies(file)) if file.exists() else []
