"""The HTTP server: health, metrics, the API, and pages for people."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence

from aiohttp import web

from controller.config.settings import DataController
from controller.custody.custody import Custody
from controller.runtime.keyring import Keyring
from controller.runtime.ports import AccessBook
from controller.runtime.registration import Registration
from controller.runtime.reloading import Reloading
from controller.runtime.sessions import Sessions
from controller.web.admission import Admission, guard
from controller.web.api import CallsApi, Pbx
from controller.web.arriving import arriving
from controller.web.config import ConfigApi
from controller.web.custody import CustodyApi
from controller.web.desk import Desk, add_desk_pages
from controller.web.exposition import Exposition
from controller.web.headers import protect
from controller.web.idempotency import Answers, once
from controller.web.live import LiveApi
from controller.web.me import MeApi
from controller.web.openapi.reading import DocumentApi
from controller.web.openid import OpenIdLogIn
from controller.web.own_password import OwnPasswordApi
from controller.web.pages.banner import Banner
from controller.web.pages.calls import CallsPage
from controller.web.pages.customers import CustomerPages
from controller.web.pages.entrance import Entrance
from controller.web.pages.gate import Gate
from controller.web.pages.oneself import OneselfPage
from controller.web.pages.recordings import NothingStored, RecordingPages
from controller.web.pages.rendering import MOST_RENDERED, RENDERING
from controller.web.proxies import PROXIES, Network, Proxies
from controller.web.refusals import refusals
from controller.web.registers import RegistersApi
from controller.web.routes import PREFIX
from controller.web.session import SessionApi
from controller.web.stored import StoredApi
from controller.web.trail import TrailApi

MOST_BYTES = 16 * 1024
"""The longest request body; the API's too, since aiohttp asks the outermost application."""

Troubles = Callable[[], dict[str, str]]
"""Why the daemon is not ready, by part; empty when it is."""


def build(
    *,
    pbxs: Collection[Pbx],
    token: str | None,
    troubles: Troubles,
    registration: Registration,
    reloading: Reloading,
    custody: Custody | None = None,
    data_controller: DataController | None = None,
    keyring: Keyring | None = None,
    accesses: AccessBook | None = None,
    sessions: Sessions | None = None,
    live: LiveApi | None = None,
    openid: OpenIdLogIn | None = None,
    trusted_proxies: Iterable[Network] = (),
    embedded_by: Sequence[str] = (),
    desk: Desk | None = None,
) -> web.Application:
    """The whole server. ``token`` is the bearer token of the configuration, and ``keyring`` knows all others.

    ``token`` None: there is no such token; ``custody`` None: nothing is stored but on the PBX. ``trusted_proxies`` are
    believed in what they say of their clients. ``embedded_by`` are the origins
    whose pages may embed the banner.
    """

    async def healthz(_request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readyz(_request: web.Request) -> web.Response:
        found = troubles()
        body = {"status": "not-ready" if found else "ready", "troubles": found}
        return web.json_response(body, status=503 if found else 200)

    app = web.Application(client_max_size=MOST_BYTES, middlewares=[refusals])
    protect(app)
    app[PROXIES] = Proxies(trusted_proxies)
    app[RENDERING] = asyncio.Semaphore(MOST_RENDERED)
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", Exposition().show)
    admission = Admission(token, keyring)
    gate = Gate(admission, embedded_by)
    Entrance(admission, openid=openid is not None).add_to(app.router, gate)
    Banner(embedded_by).add_to(app.router)
    _add_console(app.router, gate, pbxs, custody, accesses)
    if openid is not None:
        openid.add_to(app.router)
    api = web.Application(middlewares=[guard(admission), arriving, once(Answers())])
    described = DocumentApi()
    described.add_page_to(app.router)
    described.add_to(api.router)
    CallsApi(pbxs).add_to(api.router)
    if live is not None:
        live.add_to(api.router)
    if sessions is not None:
        _add_sessions(api.router, sessions, desk)
    if accesses is not None:
        MeApi(accesses).add_to(api.router)
    RegistersApi(registration).add_to(api.router)
    ConfigApi(reloading).add_to(api.router)
    if custody is not None:
        _add_stored(api.router, custody, data_controller)
    if desk is not None:
        desk.add_to(api.router, app.router, gate)
    add_desk_pages(app.router, gate, registration=registration, custody=custody)
    app.add_subapp(PREFIX, api)
    return app


def _add_sessions(router: web.UrlDispatcher, sessions: Sessions, desk: Desk | None) -> None:
    """Logging in, and the password of who has."""
    SessionApi(sessions).add_to(router)
    if desk is not None:
        OwnPasswordApi(sessions, desk.identities).add_to(router)


def _add_stored(router: web.UrlDispatcher, custody: Custody, data_controller: DataController | None) -> None:
    """What there is where recordings are stored."""
    StoredApi(custody).add_to(router)
    TrailApi(custody).add_to(router)
    if data_controller is not None:
        CustodyApi(custody, data_controller).add_to(router)


def _add_console(
    router: web.UrlDispatcher, gate: Gate, pbxs: Iterable[Pbx], custody: Custody | None, accesses: AccessBook | None
) -> None:
    CallsPage(pbxs).add_to(router, gate)
    if accesses is not None:
        OneselfPage(accesses).add_to(router, gate)
    if custody is None:
        NothingStored().add_to(router, gate)
        return
    RecordingPages(custody).add_to(router, gate)
    CustomerPages(custody).add_to(router, gate)
