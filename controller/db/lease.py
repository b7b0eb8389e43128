"""Which daemon holds a PBX: a lock in PostgreSQL that lives as long as its holder's connection."""

from types import TracebackType
from typing import Self

from controller.db.own_connection import OwnConnection
from controller.errors import DatabaseAway

_TRY = "SELECT pg_try_advisory_lock(hashtextextended('recording-controller:' || %s, 0)) AS taken"
_STILL = "SELECT 1"


class Lease:
    """The lease of one PBX. Closing it, dying, or being cut off for ten seconds gives it up.

    No answer within ``timeout_s`` seconds counts as lost: who cannot ask does not hold.
    """

    def __init__(self, url: str, pbx: str, *, timeout_s: float = 3.0) -> None:
        self._connection = OwnConnection(url, "recording-controller lease", timeout_s=timeout_s)
        self._pbx = pbx

    async def acquire(self) -> bool:
        """Take the lease; False where another daemon holds it. Raises ``DatabaseAway``."""
        if await self.held():
            return True
        await self._connection.open()
        [row] = await self._connection.ask(_TRY, (self._pbx,))
        if row.taken:
            return True
        await self.release()
        return False

    async def held(self) -> bool:
        """Whether the lease is ours, as PostgreSQL itself says; costs a round trip."""
        if not self._connection.there:
            return False
        try:
            return bool(await self._connection.ask(_STILL))
        except DatabaseAway:
            return False

    async def release(self) -> None:
        """Give the lease up."""
        await self._connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.release()
