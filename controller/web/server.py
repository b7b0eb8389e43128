"""The HTTP server: health, metrics, and the API."""

from collections.abc import Callable, Iterable

from aiohttp import web
from prometheus_client import REGISTRY
from prometheus_client.exposition import choose_encoder

from controller.config.settings import DataController
from controller.custody.custody import Custody
from controller.runtime.registration import Registration
from controller.runtime.reloading import Reloading
from controller.web.api import CallsApi, Pbx
from controller.web.config import ConfigApi
from controller.web.custody import CustodyApi
from controller.web.registers import RegistersApi
from controller.web.stored import StoredApi

MOST_BYTES = 16 * 1024
"""The longest request body; the API's too, since aiohttp asks the outermost application."""

Troubles = Callable[[], dict[str, str]]
"""Why the daemon is not ready, by part; empty when it is."""


def build(
    *,
    pbxs: Iterable[Pbx],
    token: str | None,
    troubles: Troubles,
    registration: Registration,
    reloading: Reloading,
    custody: Custody | None = None,
    data_controller: DataController | None = None,
) -> web.Application:
    """The whole server. ``token`` None: nobody may use the API; ``custody`` None: nothing is stored but on the PBX."""

    async def healthz(_request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readyz(_request: web.Request) -> web.Response:
        found = troubles()
        body = {"status": "not-ready" if found else "ready", "troubles": found}
        return web.json_response(body, status=503 if found else 200)

    async def metrics(request: web.Request) -> web.Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(REGISTRY), headers={"Content-Type": content_type})

    app = web.Application(client_max_size=MOST_BYTES)
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics)
    api = CallsApi(pbxs).application(token)
    RegistersApi(registration).add_to(api.router)
    ConfigApi(reloading).add_to(api.router)
    if custody is not None:
        StoredApi(custody).add_to(api.router)
    if custody is not None and data_controller is not None:
        CustodyApi(custody, data_controller).add_to(api.router)
    app.add_subapp("/api/v1", api)
    return app
