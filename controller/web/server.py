"""The HTTP server: health, metrics, and the API."""

from collections.abc import Callable, Iterable

from aiohttp import web
from prometheus_client import REGISTRY
from prometheus_client.exposition import choose_encoder

from controller.web.api import CallsApi, Pbx

Troubles = Callable[[], dict[str, str]]
"""Why the daemon is not ready, by part; empty when it is."""


def build(*, pbxs: Iterable[Pbx], token: str | None, troubles: Troubles) -> web.Application:
    """The whole server. ``token`` None: nobody may use the API."""

    async def healthz(_request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readyz(_request: web.Request) -> web.Response:
        found = troubles()
        body = {"status": "not-ready" if found else "ready", "troubles": found}
        return web.json_response(body, status=503 if found else 200)

    async def metrics(request: web.Request) -> web.Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(REGISTRY), headers={"Content-Type": content_type})

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics)
    app.add_subapp("/api/v1", CallsApi(pbxs).application(token))
    return app
