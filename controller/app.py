"""The composition root: opens everything, runs it, and closes it in the opposite order."""

import asyncio
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from ipaddress import ip_address

import structlog
from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncEngine

from controller.agi.server import FastAgiServer
from controller.config import Settings
from controller.db import migrate, queries
from controller.db.embedded import EmbeddedPostgres
from controller.db.engine import open_engine
from controller.db.lease import Lease
from controller.db.ledger import PostgresLedger
from controller.domain.decision import Decision, Kind, Reason, Verdict
from controller.domain.names import Token
from controller.domain.records import RecordingState
from controller.errors import DatabaseError
from controller.runtime.clock import now
from controller.runtime.dialplan import Dialplan
from controller.runtime.link import PbxLink
from controller.runtime.watch import Watch
from controller.runtime.writer import Writer
from controller.web import server

RETRY_S = 1.0
"""How long to wait before a database that is away is tried again."""

_log = structlog.get_logger(__name__)


class App:
    """One daemon."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._database_trouble = "connecting"
        self._watches: list[Watch] = []
        self._writer: Writer | None = None

    async def run(self, *, stop: asyncio.Event | None = None) -> None:
        """Run until ``stop`` is set, or a SIGTERM or SIGINT comes. Raises what any part of it cannot survive."""
        stop = stop or _stop_on_signals()
        async with AsyncExitStack() as stack, asyncio.TaskGroup() as tasks:
            running = tasks.create_task(self._run(stack), name="app")
            await stop.wait()
            _log.info("app.stopping")
            running.cancel()

    async def _run(self, stack: AsyncExitStack) -> None:
        settings = self._settings
        secrets = settings.secrets
        token = secrets.http_token()
        numbers_key, sampling_key = secrets.numbers_key(), secrets.sampling_key()
        url = settings.database.url.reveal() if settings.database.url else await self._embedded(stack)
        engine = open_engine(url)
        stack.push_async_callback(engine.dispose)
        writer = self._writer = Writer(PostgresLedger(engine, sampling_key=sampling_key))
        for pbx in settings.pbxs:
            password = secrets.ari_password(pbx.name).reveal()
            link = PbxLink(
                settings=pbx, password=password, numbers_key=numbers_key, policy=settings.policy, writer=writer
            )
            await stack.enter_async_context(link)
            lease = await stack.enter_async_context(Lease(url, pbx.name))
            before = partial(self._close_unfinished, engine, pbx.name)
            self._watches.append(Watch(link, lease, before=before))
        await self._serve_http(stack, token.reveal() if token else None)
        await self._database_ready(url, engine)
        dialplan = Dialplan(self._link_of)
        fastagi = FastAgiServer(
            host=settings.fastagi.listen,
            port=settings.fastagi.port,
            allowed=lambda peer: self._link_of(peer) is not None,
            handler=dialplan.serve,
        )
        await stack.enter_async_context(fastagi)
        _log.info("app.running", fastagi=settings.fastagi.port, http=settings.http.port)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(writer.run(), name="writer")
            for watch in self._watches:
                tasks.create_task(watch.run(), name=f"watch {watch.link.name}")

    async def _embedded(self, stack: AsyncExitStack) -> str:
        directory = self._settings.state_directory / "postgresql"
        return (await stack.enter_async_context(EmbeddedPostgres(directory))).url

    async def _serve_http(self, stack: AsyncExitStack, token: str | None) -> None:
        links = [watch.link for watch in self._watches]
        runner = web.AppRunner(server.build(pbxs=links, token=token, troubles=self._troubles), access_log=None)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        http = self._settings.http
        await web.TCPSite(runner, http.listen, http.port).start()

    async def _database_ready(self, url: str, engine: AsyncEngine) -> None:
        """Wait until the database is there and is the one that this program works with; ours, we migrate."""
        settings = self._settings
        while True:
            try:
                if settings.database.embedded:
                    await asyncio.to_thread(migrate.upgrade, url)
                if await asyncio.to_thread(migrate.is_current, url):
                    await queries.remember_policy(engine, version=settings.policy.version, text=settings.text)
                    self._database_trouble = ""
                    return
                self._database_is("it is not migrated: run `recording-controller migrate`")
            except DatabaseError as error:
                self._database_is(str(error))
            await asyncio.sleep(RETRY_S)

    def _database_is(self, trouble: str) -> None:
        if trouble != self._database_trouble:
            _log.error("app.database_not_ready", reason=trouble)
        self._database_trouble = trouble

    async def _close_unfinished(self, engine: AsyncEngine, pbx: str) -> None:
        """Say of the recordings of a daemon that is no more that nobody knows how they ended."""
        if self._writer is None:
            return
        for recording in await queries.unfinished_recordings(engine, pbx):
            decision = Decision(
                token=Token(f"controller-lost:{recording.name}"),
                at=now(),
                call_id=recording.call_id,
                pbx=pbx,
                linkedid=None,
                kind=Kind.STOP,
                verdict=Verdict.APPLIED,
                reason=Reason.CONTROLLER_LOST,
                rule=None,
                purpose=recording.purpose,
                policy_version=self._settings.policy.version,
                actor="daemon",
                facts={"recording": recording.name, "state": recording.state.value},
            )
            self._writer.log(decision)
            self._writer.log(replace(recording, state=RecordingState.ENDED, ended_at=now()))

    def _link_of(self, address: str) -> PbxLink | None:
        """The PBX that speaks FastAGI from this address."""
        peer = ip_address(address)
        for pbx, watch in zip(self._settings.pbxs, self._watches, strict=True):
            if any(peer in network for network in pbx.fastagi_clients):
                return watch.link
        return None

    def _troubles(self) -> dict[str, str]:
        found = {"database": self._database_trouble or (self._writer.last_error if self._writer else "")}
        for watch in self._watches:
            found[f"pbx {watch.link.name}"] = watch.trouble or watch.link.why_not_ready
        return {part: trouble for part, trouble in found.items() if trouble}


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """uvloop's, where it is installed."""
    try:
        import uvloop  # noqa: PLC0415 - optional
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop
