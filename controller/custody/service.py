"""All that a daemon does by itself with stored recordings, put together: taking, retention, reconciliation, room."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from controller.config import Pbx, Settings
from controller.config.settings import Storage
from controller.custody.condemned import Condemned
from controller.custody.custody import Custody, custody_of
from controller.custody.files import files_of
from controller.custody.ingest import Ingest
from controller.custody.ingesting import Ingesting
from controller.custody.reconciling import Reconciling
from controller.custody.room import Room
from controller.custody.routine import Routine
from controller.custody.unexplained import Unexplained
from controller.db.engine import POOL_SIZE, open_engine
from controller.domain.policy import Policy
from controller.runtime.link import PbxLink
from controller.runtime.ports import Ledger
from controller.threads import off_the_loop


class CustodyService:
    """What is done with what ``custody`` keeps. ``full`` hears whether there is too little room from now on."""

    def __init__(self, custody: Custody, storage: Storage, *, full: Callable[[bool], None]) -> None:
        self.custody = custody
        self._room = Room(storage, tell=full)
        self._retention = Routine(custody)

    @property
    def trouble(self) -> str:
        """For people; empty while there is room."""
        return self._room.trouble

    async def policy_changed(self) -> None:
        """Another policy is in force, perhaps with other retentions."""
        await self._retention.policy_changed()

    def taking_from(self, pbx: Pbx, link: PbxLink) -> Ingesting:
        """What takes the recordings of a PBX while it is watched: soon after a call, where there is room."""
        ingesting = Ingesting(
            Ingest(custody=self.custody, files=files_of(pbx, link.ari)),
            pbx.name,
            chores=(Unexplained(self.custody, link.ari, pbx.name), Condemned(self.custody, link.ari, pbx.name)),
            may=lambda: not self._room.scarce,
        )
        link.on_call_ended = ingesting.wake
        return ingesting

    def start(self, tasks: asyncio.TaskGroup, links: Sequence[PbxLink]) -> None:
        """Do the rest in these tasks, until they are cancelled."""
        files = {link.name: link.stored_recordings for link in links}
        tasks.create_task(self._room.run(), name="room")
        tasks.create_task(self._retention.run(), name="retention")
        tasks.create_task(Reconciling(self.custody, files).run(), name="reconciling")


@asynccontextmanager
async def opened(
    settings: Settings, url: str, ledger: Ledger, *, policy: Callable[[], Policy], full: Callable[[bool], None]
) -> AsyncIterator[CustodyService | None]:
    """The service; None where recordings stay on the PBX. Raises ``ConfigurationError``.

    With connections of its own: what is done with stored recordings takes none from calls.
    """
    if settings.storage is None:
        yield None
        return
    engine = open_engine(url, pool_size=POOL_SIZE + len(settings.pbxs))
    try:
        custody = await off_the_loop(custody_of, settings, engine, ledger, policy)
        yield CustodyService(custody, settings.storage, full=full)
    finally:
        await engine.dispose()
