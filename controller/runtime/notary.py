"""Signs the end of this daemon's chain every now and then, and keeps a copy outside the database."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Never, Protocol

import structlog

from controller.audit import checkpoints
from controller.audit.checkpoints import Checkpoint
from controller.audit.keys import SigningKey
from controller.domain.chain import Link
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


def writer_name(folder: Path) -> str:
    """The name of this daemon's chain, made once and kept in its state directory. Blocking; raises OSError."""
    file = folder / "writer"
    try:
        return file.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        folder.mkdir(mode=0o711, parents=True, exist_ok=True)
        name = f"daemon-{secrets.token_hex(4)}"
        file.write_text(f"{name}\n", encoding="ascii")
        return name


@dataclass(frozen=True, slots=True, kw_only=True)
class Notary:
    """Signs the chain of ``writer`` with ``key``; copies go to ``file``."""

    chains: Chains
    key: SigningKey
    writer: str
    file: Path

    async def sign(self) -> None:
        """Sign what is new. Raises ``DatabaseError`` and OSError: then it is signed the next time."""
        await self._sign(self.writer)

    async def begin(self) -> None:
        """See that all is there that was signed, and sign what was there before there were chains."""
        await self._compare()
        if await self.chains.last_checkpoint(BEFORE_CHAINS) is None:
            await self._sign(BEFORE_CHAINS)

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

    async def _sign(self, writer: str) -> None:
        head = await self.chains.head(writer)
        before = await self.chains.last_checkpoint(writer)
        if head is None or (before is not None and before.position >= head.position):
            return
        point = checkpoints.signed(self.key, writer, head, now(), before)
        await self.chains.keep(point)
        await asyncio.to_thread(checkpoints.append, self.file, point)

    async def _compare(self) -> None:
        """What was signed last is there: else somebody has been at the database."""
        copies = await asyncio.to_thread(_copies, self.file)
        last = max((c for c in copies if c.writer == self.writer), key=lambda c: c.position, default=None)
        if last is None or await self.chains.link_at(self.writer, last.position) == last.head:
            return
        metrics.CHAIN_DISTURBED.inc()
        _log.critical("notary.signed_decision_is_gone", writer=self.writer, position=last.position)


def _copies(file: Path) -> list[Checkpoint]:
    return list(checkpoints.copies(file)) if file.exists() else []
