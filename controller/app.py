"""The composition root: opens everything, runs it, and closes it in the opposite order."""

import asyncio
import gc
import random
import resource
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from functools import partial
from ipaddress import ip_address
from ssl import SSLContext
from typing import Never

import structlog
from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncEngine

from controller import outward
from controller.agi.server import FastAgiServer
from controller.audit.checkpoints import CHECKPOINTS
from controller.audit.keys import SigningKey
from controller.audit.own_chain import OwnChain
from controller.config import ConfigurationFaults, Mqtt, OnShutdown, Settings
from controller.custody.service import CustodyService, opened
from controller.db import migrate, queries
from controller.db.chain_states import PostgresChainStates
from controller.db.chains import PostgresChains
from controller.db.embedded import EmbeddedPostgres
from controller.db.engine import open_engine, open_readers
from controller.db.identities import PostgresIdentities
from controller.db.lease import Lease
from controller.db.ledger import PostgresLedger
from controller.db.policies import PostgresPolicies
from controller.db.registers import PostgresRegister
from controller.db.samples import PostgresSamples
from controller.domain.decision import Reason
from controller.domain.hindrance import Hindrance
from controller.domain.names import CallId
from controller.errors import AddressUnavailable, DatabaseAway, DatabaseError
from controller.journal.journal import Journal
from controller.mqtt.service import MqttService
from controller.runtime.clock import now
from controller.runtime.dialplan import Dialplan
from controller.runtime.identities import Identities
from controller.runtime.keyring import Keyring
from controller.runtime.leftovers import Found, Leftovers
from controller.runtime.link import PbxLink
from controller.runtime.load import Load
from controller.runtime.notary import Notary
from controller.runtime.ports import ManyLook, Register
from controller.runtime.registration import Registration
from controller.runtime.reloading import Reloading
from controller.runtime.roster import Roster
from controller.runtime.sessions import Sessions
from controller.runtime.watch import Watch
from controller.runtime.writer import Writer
from controller.service_manager import ServiceManager
from controller.web import connections
from controller.web.desk import Desk
from controller.web.live import LiveApi
from controller.web.openid import OpenIdLogIn
from controller.web.server import build
from controller.web.tls import Certificate

RETRY_S = 1.0
"""How long to wait before a database that is away is tried again."""

SIGNED_WITHIN_S = 0.3

WRITTEN_WITHIN_S = 1.0
"""How long PostgreSQL, and then the journal, has to take what was decided last, when the daemon ends."""

SWITCH_S = 0.0005
"""How long a thread that seals or reads may keep the interpreter to itself while the loop, and a pause with it, waits.

Python's own 5 ms made the loop twice as late while a long recording was taken; this does not slow the taking.
"""

ANSWERED_WITHIN_S = 0.2
"""How long whoever is being answered over HTTP has, when the daemon ends."""

_log = structlog.get_logger(__name__)


def _nothing() -> None:
    """Where nobody needs to know that the daemon ends."""


async def _at_once() -> None:
    """Where there is nothing to wait for."""


class App:
    """One daemon."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._database_trouble = "connecting"
        self._watches: list[Watch] = []
        self._writer: Writer | None = None
        self._load = Load(most_calls=settings.most_calls)
        self._mqtt: MqttService | None = None
        self._notary: Notary | None = None
        self._postgres: EmbeddedPostgres | None = None
        self._custody: CustodyService | None = None
        self._certificate: Certificate | None = None

    async def run(self, *, stop: asyncio.Event | None = None, on_stopping: Callable[[], None] = _nothing) -> None:
        """Run until ``stop`` is set, or a SIGTERM or SIGINT comes: then ``on_stopping`` is called.

        Raises what any part of it cannot survive.
        """
        stop = stop or _event_on(signal.SIGTERM, signal.SIGINT)
        async with AsyncExitStack() as stack, asyncio.TaskGroup() as tasks:
            running = tasks.create_task(self._run(stack), name="app")
            alive = tasks.create_task(ServiceManager.ours().run(), name="service manager")
            await stop.wait()
            on_stopping()
            _log.info("app.stopping", recordings=self._settings.on_shutdown.value)
            await self._leave()
            running.cancel()
            alive.cancel()

    async def _leave(self) -> None:
        """Nothing is recorded any more, and what was decided is on its way to disk, before anything is closed."""
        handing_over = self._settings.on_shutdown is OnShutdown.HAND_OVER
        hindrance = Hindrance.HANDING_OVER if handing_over else Hindrance.LEAVING
        await asyncio.gather(*(link.leave(hindrance) for link in self._links()))
        written = self._writer.flushed(within_s=WRITTEN_WITHIN_S) if self._writer is not None else _at_once()
        told = self._mqtt.leave() if self._mqtt is not None else _at_once()
        await asyncio.gather(written, told)
        if self._notary is not None:
            with suppress(DatabaseError, OSError, TimeoutError):
                async with asyncio.timeout(SIGNED_WITHIN_S):
                    await self._notary.sign()

    async def _run(self, stack: AsyncExitStack) -> None:
        """Open everything, then run it. The API answers before the database does: it says what is missing."""
        settings = self._settings
        hang_up = _event_on(signal.SIGHUP)  # heard from the first moment, since unheard it ends a process
        secrets = settings.secrets
        token = secrets.http_token()
        url = settings.database.url.reveal() if settings.database.url else await self._embedded(stack)
        engine, readers = open_engine(url), open_readers(url)
        for one in (engine, readers):
            stack.push_async_callback(one.dispose)
        own = await asyncio.to_thread(OwnChain, settings.state_directory)
        ledger = PostgresLedger(engine, sampling_key=secrets.sampling_key(), own=own)
        notary = self._notary = Notary(
            chains=PostgresChains(engine),
            key=SigningKey(secrets.audit_key()),
            own=own,
            file=settings.state_directory / CHECKPOINTS,
        )
        journal = Journal(settings.state_directory / "journal", most_bytes=settings.most_journal_bytes)
        await stack.enter_async_context(journal)
        writer = self._writer = Writer(ledger, journal, on_database=self._database)
        register = PostgresRegister(engine)
        roster = Roster(
            register,
            version=lambda: reloading.settings.policy.notice,
            dispatchers=lambda: [link.dispatcher for link in self._links()],
        )
        custody = self._custody = await stack.enter_async_context(
            opened(settings, url, ledger, policy=lambda: reloading.settings.policy, full=self._storage_full)
        )
        reloading = Reloading(
            settings,
            links=self._links,
            writer=writer,
            keep=partial(_keep, engine),
            in_force=partial(_in_force, roster, custody),
        )
        registration = Registration(
            ledger=ledger,
            book=register,
            policy=lambda: reloading.settings.policy,
            numbers_key=secrets.numbers_key(),
            country=settings.country,
            notices_changed=roster.refresh,
        )
        identities = PostgresIdentities(engine)
        keyring = Keyring(identities)
        sessions = Sessions(identities, keyring)
        if custody is not None:
            sys.setswitchinterval(SWITCH_S)
        await self._watch_pbxs(stack, url, engine, register)
        if settings.mqtt is not None:
            self._mqtt = self._broker(settings.mqtt)
        deliveries = await outward.opened(stack, settings, url, mqtt=self._mqtt, alert=self._alarm)
        server = build(
            pbxs=self._links(),
            live=self._looked_on(),
            token=token.reveal() if token else None,
            troubles=self._troubles,
            registration=registration,
            reloading=reloading,
            custody=self._custody.custody if self._custody is not None else None,
            data_controller=settings.data_controller,
            keyring=keyring,
            accesses=PostgresIdentities(readers),
            sessions=sessions,
            openid=await self._openid(stack, sessions),
            trusted_proxies=settings.http.trusted_proxies,
            embedded_by=settings.embedded_by,
            desk=Desk(
                samples=PostgresSamples(readers),
                policies=PostgresPolicies(readers),
                chains=PostgresChainStates(readers),
                identities=Identities(
                    ledger=ledger,
                    book=identities,
                    policy=lambda: reloading.settings.policy,
                    pbxs=[pbx.name for pbx in settings.pbxs],
                    issuer=settings.openid_connect.issuer if settings.openid_connect is not None else None,
                ),
                reloading=reloading,
            ),
        )
        await self._serve_http(stack, server)
        await self._database_ready(url, engine)
        await roster.refresh()
        await self._serve_fastagi(stack)
        gc.freeze()  # what was loaded to start with stays: to look through it took 0.15 s, in which no pause goes out
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(writer.run(), name="writer")
            tasks.create_task(roster.run(), name="roster")
            tasks.create_task(keyring.run(), name="keyring")
            if self._postgres is not None:
                tasks.create_task(self._postgres_lives(self._postgres), name="postgresql")
            tasks.create_task(notary.run(every_s=settings.sign_every_s), name="notary")
            tasks.create_task(self._load.run(), name="load")
            if custody is not None:
                custody.start(tasks, self._links())
            tasks.create_task(_reload_on_sighup(hang_up, reloading, self._certificate), name="reload")
            if self._mqtt is not None:
                tasks.create_task(self._mqtt.run(), name="mqtt")
            for delivery in deliveries:
                tasks.create_task(delivery.run(), name=f"delivery {delivery.name}")
            for watch in self._watches:
                tasks.create_task(watch.run(), name=f"watch {watch.link.name}")

    def _database(self, there: bool) -> None:  # noqa: FBT001 - fulfils OnDatabase
        for link in self._links():
            link.dispatcher.hinder(Hindrance.DATABASE_AWAY, stands=not there)

    def _storage_full(self, full: bool) -> None:  # noqa: FBT001 - fulfils Room
        for link in self._links():
            link.dispatcher.hinder(Hindrance.STORAGE_FULL, stands=full)

    def _links(self) -> list[PbxLink]:
        return [watch.link for watch in self._watches]

    async def _watch_pbxs(self, stack: AsyncExitStack, url: str, engine: AsyncEngine, register: Register) -> None:
        settings = self._settings
        for pbx in settings.pbxs:
            link = PbxLink(
                settings=pbx,
                password=settings.secrets.ari_password(pbx.name).reveal(),
                numbers_key=settings.secrets.numbers_key(),
                country=settings.country,
                policy=settings.policy,
                writer=self._written(),
                register=register,
                too_many=self._load.too_many,
                alarm=self._alarm,
            )
            await stack.enter_async_context(link)
            lease = await stack.enter_async_context(Lease(url, pbx.name))
            leftovers = Leftovers(link=link, writer=self._written(), policy_version=settings.policy.version)
            before = partial(_clear_up, engine, leftovers, pbx.name, self._written().caught_up)
            beside = self._custody.taking_from(pbx, link).run if self._custody is not None else None
            self._watches.append(Watch(link, lease, before=before, beside=beside))

    def _written(self) -> Writer:
        if self._writer is None:
            raise RuntimeError("the writer is made before whatever writes")
        return self._writer

    async def _serve_fastagi(self, stack: AsyncExitStack) -> None:
        settings = self._settings
        fastagi = FastAgiServer(
            host=settings.fastagi.listen,
            port=settings.fastagi.port,
            allowed=lambda peer: self._link_of(peer) is not None,
            handler=Dialplan(self._link_of).serve,
        )
        with _naming("fastagi"):
            await stack.enter_async_context(fastagi)
        _log.info("app.running", fastagi=settings.fastagi.port, http=settings.http.port)

    def _alarm(self, pbx: str, call: CallId, reason: Reason) -> None:
        """Shout, where there is anybody to hear it."""
        if self._mqtt is not None:
            self._mqtt.alert(pbx, call, reason, now())

    def _looked_on(self) -> LiveApi:
        """Have whoever listens told of what goes on, over HTTP and by the broker."""
        live = LiveApi(self._links())
        onlooker = ManyLook(live, self._mqtt.live) if self._mqtt is not None else live
        for link in self._links():
            link.dispatcher.onlooker = onlooker
        return live

    def _broker(self, broker: Mqtt) -> MqttService:
        """Not among what readiness depends on: calls are decided and recorded all the same without a broker."""
        password = self._settings.secrets.mqtt_password()
        return MqttService(
            broker, password=password.reveal() if password else None, pbxs=self._links(), random=random.random
        )

    async def _openid(self, stack: AsyncExitStack, sessions: Sessions) -> OpenIdLogIn | None:
        settings = self._settings.openid_connect
        if settings is None:
            return None
        from controller.openid.provider import OpenIdProvider  # noqa: PLC0415 - takes 0.3 s that few need at a start

        secret = self._settings.secrets.openid_client_secret()
        session = await stack.enter_async_context(outward.session_of())
        provider = OpenIdProvider(settings, secret=secret, session=session)
        return OpenIdLogIn(provider, sessions, encrypted=settings.address.startswith("https:"))

    async def _embedded(self, stack: AsyncExitStack) -> str:
        directory = self._settings.state_directory / "postgresql"
        self._postgres = await stack.enter_async_context(EmbeddedPostgres(directory))
        return self._postgres.url

    async def _postgres_lives(self, postgres: EmbeddedPostgres) -> Never:
        """Where our PostgreSQL ends, so do we: whoever restarts us starts it again."""
        status = await postgres.wait()
        raise DatabaseAway(f"the embedded PostgreSQL has ended (status {status})")

    async def _serve_http(self, stack: AsyncExitStack, server: web.Application) -> None:
        http = self._settings.http
        served = connections.listening(
            server,
            http.listen,
            http.port,
            limits=connections.limits_of(resource.getrlimit(resource.RLIMIT_NOFILE)[0]),
            answered_within_s=ANSWERED_WITHIN_S,
            context=self._context(),
        )
        with _naming("http"):
            await stack.enter_async_context(served)

    def _context(self) -> SSLContext | None:
        """For HTTPS; None: without encryption. Raises ``ConfigurationError``."""
        tls = self._settings.http.tls
        if tls is not None:
            self._certificate = Certificate(tls.certificate, tls.key)
        return self._certificate.context if self._certificate is not None else None

    async def _database_ready(self, url: str, engine: AsyncEngine) -> None:
        """Wait until the database is there and is the one that this program works with; ours, we migrate."""
        settings = self._settings
        while True:
            try:
                if settings.database.embedded:
                    await asyncio.to_thread(migrate.upgrade, url)
                if await asyncio.to_thread(migrate.is_current, url):
                    await _keep(engine, settings)
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

    def _link_of(self, address: str) -> PbxLink | None:
        """The PBX that speaks FastAGI from this address."""
        peer = ip_address(address)
        for pbx, watch in zip(self._settings.pbxs, self._watches, strict=True):
            if any(peer in network for network in pbx.fastagi_clients):
                return watch.link
        return None

    def _troubles(self) -> dict[str, str]:
        found = {"database": self._database_trouble or (self._writer.trouble if self._writer else "")}
        for watch in self._watches:
            found[f"pbx {watch.link.name}"] = watch.trouble or watch.link.why_not_ready
        if self._custody is not None:
            found["storage"] = self._custody.trouble
        return {part: trouble for part, trouble in found.items() if trouble}


@contextmanager
def _naming(listener: str) -> Iterator[None]:
    """Say which listener of the configuration it is whose address cannot be had."""
    try:
        yield
    except OSError as error:
        raise AddressUnavailable(f"{listener} cannot listen: {error.strerror}") from error


async def _keep(engine: AsyncEngine, settings: Settings) -> None:
    await queries.remember_policy(engine, version=settings.policy.version, text=settings.text)


async def _in_force(roster: Roster, custody: CustodyService | None) -> None:
    """Another policy: perhaps by another notice, perhaps with other retentions."""
    await roster.refresh()
    if custody is not None:
        await custody.policy_changed()


async def _clear_up(
    engine: AsyncEngine, leftovers: Leftovers, pbx: str, caught_up: Callable[[], Awaitable[None]]
) -> None:
    """Before a PBX is watched: what a daemon that is no more has left there, and in our journal."""
    await caught_up()
    async with queries.one_moment(engine) as moment:
        found = Found(
            calls=await queries.live_calls(moment, pbx),
            unended=await queries.unended_calls(moment, pbx),
            unfinished=await queries.unfinished_recordings(moment, pbx),
            condemned=await queries.recordings_to_discard(moment, pbx),
            tainted=await queries.recordings_to_hide(moment, pbx),
        )
    leftovers.take(found)


async def _reload_on_sighup(hang_up: asyncio.Event, reloading: Reloading, shown: Certificate | None) -> Never:
    while True:
        await hang_up.wait()
        hang_up.clear()
        if shown is not None:
            await asyncio.to_thread(shown.read_again)
        try:
            done = await reloading.reload(actor="daemon")
        except ConfigurationFaults as error:
            for fault in error.faults:
                _log.error("config.fault", text=str(fault))
        except DatabaseError as error:
            _log.error("config.not_reloaded", reason=str(error))
        else:
            _log.info("config.reloaded", version=done.version, at_the_next_start=done.at_the_next_start)


def _event_on(*numbers: signal.Signals) -> asyncio.Event:
    """An event that these signals set."""
    happened = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in numbers:
        loop.add_signal_handler(number, happened.set)
    return happened


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """uvloop's, where it is installed."""
    try:
        import uvloop  # noqa: PLC0415 - optional
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop
