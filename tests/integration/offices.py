"""An API with everything behind it, calls and recordings of two purposes, and somebody of each role."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from ipaddress import ip_network
from itertools import count
from pathlib import Path
from typing import Any, cast

from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy.ext.asyncio import AsyncEngine

from controller.config.settings import DataController, Settings
from controller.custody import documents
from controller.custody.custody import Custody
from controller.custody.documents import NewDocument
from controller.db import queries
from controller.db.chain_states import PostgresChainStates
from controller.db.identities import PostgresIdentities
from controller.db.policies import PostgresPolicies
from controller.db.registers import PostgresRegister
from controller.db.samples import PostgresSamples
from controller.domain import events
from controller.domain.decision import Decision
from controller.domain.names import CallId, RecordingName
from controller.domain.policy import Basis, Consent, ConsentMode, Period, Start
from controller.domain.principal import Role
from controller.runtime.identities import Identities, Scope
from controller.runtime.registration import Registration
from controller.runtime.reloading import Reloading
from controller.runtime.sessions import Sessions
from controller.runtime.writer import Writer
from controller.web import server
from controller.web.desk import Desk
from controller.web.live import LiveApi
from controller.web.openid import OpenIdLogIn
from tests.integration.documented import expect_documented
from tests.integration.holdings import COUNTRY, NUMBERS_KEY, a_custody, a_purpose, a_stored_recording
from tests.integration.identities import Tokens, a_keyring
from tests.unit.config.conftest import Place
from tests.unit.domain.stories import NOON, purpose, told
from tests.unit.runtime.switched import Pbx, Switched

AGENTS = {"quality": "201", "evidence": "202"}
"""The two purposes, and who talks in the calls of each."""
TOKEN = "an invented token of the file"
PAGES = ("/console", "/banner")
"""Where pages are, which are asked for by their whole address."""
PROXIES = (ip_network("127.0.0.1"), ip_network("192.0.2.0/24"))
"""Who asks here is taken for a proxy, and may say for whom."""
_LIMITED = (Role.LISTENER, Role.SUPERVISOR, Role.INTEGRATION, Role.VIEWER)
PEOPLE: dict[str, Scope] = {
    **{
        f"{role}-of-{name}": Scope(roles=frozenset({role}), purposes=frozenset({"*" if name == "all" else name}))
        for role in _LIMITED
        for name in (*AGENTS, "all")
    },
    **{
        f"agent-{at}": Scope(roles=frozenset({Role.AGENT}), extension=at, pbx="main")
        for at in (*AGENTS.values(), "203")
    },
    "agent-201-elsewhere": Scope(roles=frozenset({Role.AGENT}), extension="201", pbx="other"),
    "listening-agent-202": Scope(
        roles=frozenset({Role.AGENT, Role.LISTENER}), purposes=frozenset({"quality"}), extension="202", pbx="main"
    ),
    "dpo": Scope(roles=frozenset({Role.DPO})),
    "administrator": Scope(roles=frozenset({Role.ADMINISTRATOR})),
}


@dataclass
class Office:
    """``ask`` asks as somebody of ``PEOPLE``, or as nobody."""

    client: TestClient[Any, Any]
    tokens: Tokens
    custody: Custody
    registration: Registration
    identities: Identities
    place: Place
    pbxs: dict[str, Switched]
    _numbers: "count[int]" = field(default_factory=lambda: count(1))
    _recordings: dict[str, RecordingName] = field(default_factory=dict)

    async def ask(self, who: str | None, method: str, path: str, **words: Any) -> tuple[int, str]:
        """The status and the text of the answer, which is as the OpenAPI document has it."""
        headers = {**(self.tokens.bearer(who) if who else {}), **words.pop("headers", {})}
        place = path if path.startswith(PAGES) else f"/api/v1{path}"
        async with self.client.request(method, place, headers=headers, allow_redirects=False, **words) as answer:
            text = (await answer.read()).decode("utf-8", "replace")
            if not path.startswith(PAGES):
                expect_documented(method, answer.url.path, answer.status, answer.headers, text)
            return answer.status, text

    def call(self, name: str) -> CallId:
        """A call under way that serves this purpose, or both, in which its agent talks."""
        switched, number = self.pbxs[name], next(self._numbers)
        customer, bridge = f"customer-{number}", f"bridge-{number}"
        call = switched.asks(customer)
        switched.dispatcher.tell(call, events.PromptEnded(at=NOON, heard=told()))
        switched.joins(customer, f"PJSIP/carrier-{number:08x}", bridge)
        switched.joins(f"agent-{number}", f"PJSIP/{AGENTS.get(name, '201')}-{number:08x}", bridge)
        return call

    async def recording(self, name: str) -> RecordingName:
        """The same recording whenever it is asked for, of a call that is over."""
        if name not in self._recordings:
            self._recordings[name] = await a_stored_recording(self.custody, purpose=name)
        return self._recordings[name]

    def recorded(self, name: str) -> CallId:
        """One that is recorded for all that it serves."""
        call = self.call(name)
        self.pbxs[name].all_committed(call)
        return call

    async def document(self, name: str) -> str:
        """A new document about its call."""
        new = NewDocument(call_id=call_of(await self.recording(name)), purpose=name, kind="notes", media_type="a/b")
        return (await documents.add(self.custody, new, [b"friendly"], actor="test")).id

    def number(self) -> str:
        """One that nobody has had yet."""
        number = next(self._numbers)
        return f"01 99 00 {number // 100:02d} {number % 100:02d}"


def call_of(recording: str) -> CallId:
    """The call that a recording is of."""
    return CallId(recording.removeprefix("rc-")[:36])


@asynccontextmanager
async def an_office(
    engine: AsyncEngine,
    folder: Path,
    place: Place,
    *,
    openid: tuple[Callable[[Sessions], OpenIdLogIn], int] | None = None,
    embedded_by: Sequence[str] = (),
) -> AsyncIterator[Office]:
    """On a real PostgreSQL, with a real object store and a real HTTP server; the PBXs are told what happens.

    ``openid`` makes what people log in by through a provider, and is the port at which they are answered then.
    ``embedded_by`` are the origins whose pages may embed the banner.
    """
    kept: dict[str, Any] = {"basis": Basis.CONTRACT, "analyses": Period(years=1)}
    purposes = [a_purpose(name, consent=Consent(mode=ConsentMode.OPT_OUT), **kept) for name in AGENTS]
    custody = a_custody(engine, folder, *purposes)
    registration = Registration(
        ledger=custody.ledger,
        book=PostgresRegister(engine),
        policy=custody.policy,
        numbers_key=NUMBERS_KEY,
        country=COUNTRY,
    )
    tokens = await a_keyring(custody, **PEOPLE)
    pbxs = {name: Switched(purpose(name)) for name in AGENTS}
    pbxs["both"] = Switched(*(purpose(name) for name in AGENTS))
    contract = purpose("contract", basis=Basis.CONTRACT, start=Start.ON_TRIGGER, notice="begins")
    pbxs["contract"] = Switched(purpose("quality"), contract)
    live = LiveApi([Pbx(switched.dispatcher) for switched in pbxs.values()])
    for switched in pbxs.values():
        switched.dispatcher.onlooker = live
    sessions = Sessions(PostgresIdentities(engine), tokens.keyring)
    reloading = Reloading(
        place.load(), links=list, writer=cast("Writer", _Writer()), keep=partial(_kept, engine), in_force=_nobody_told
    )
    identities = Identities(
        ledger=custody.ledger, book=PostgresIdentities(engine), policy=custody.policy, pbxs=["main", "other"]
    )
    app = server.build(
        pbxs=[Pbx(switched.dispatcher) for switched in pbxs.values()],
        token=TOKEN,
        troubles=dict,
        registration=registration,
        reloading=reloading,
        custody=custody,
        data_controller=DataController(name="Exemple SA", contact="dpo@exemple.example"),
        keyring=tokens.keyring,
        accesses=PostgresIdentities(engine),
        live=live,
        sessions=sessions,
        openid=openid[0](sessions) if openid is not None else None,
        trusted_proxies=PROXIES,
        embedded_by=embedded_by,
        desk=Desk(
            samples=PostgresSamples(engine),
            policies=PostgresPolicies(engine),
            chains=PostgresChainStates(engine),
            identities=identities,
            reloading=reloading,
        ),
    )
    port = openid[1] if openid is not None else None
    async with TestClient(TestServer(app, port=port)) as client, asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(tokens.keyring.run())
        yield Office(
            client=client,
            tokens=tokens,
            custody=custody,
            registration=registration,
            identities=identities,
            place=place,
            pbxs=pbxs,
        )
        reading.cancel()


class _Writer:
    """Of a daemon that has no calls: what it decides about its configuration is written by nobody."""

    def log(self, decision: Decision) -> None:
        """Nothing is written."""


async def _kept(engine: AsyncEngine, settings: Settings) -> None:
    await queries.remember_policy(engine, version=settings.policy.version, text=settings.text)


async def _nobody_told() -> None:
    """Nobody else decides by it."""
