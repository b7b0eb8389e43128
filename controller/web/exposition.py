"""``/metrics``: what is counted, for Prometheus. However many ask, it is written once a second at most."""

import asyncio
from collections.abc import Callable
from typing import Final

from aiohttp import web
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.exposition import choose_encoder

KEPT_S: Final = 1.0
"""For how long the same is told to all who ask: nobody is known here, and to write it takes the time of a pause."""
OPEN_METRICS: Final = "application/openmetrics-text"


class Exposition:
    """Handler of both formats: OpenMetrics for who can read it, else Prometheus' own.

    No more than these two, whatever version is asked for: what is kept would not be found again.
    """

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self._registry = registry
        self._kept: dict[str, tuple[float, bytes]] = {}

    async def show(self, request: web.Request) -> web.Response:
        """As it was within the last second."""
        encode, content_type = choose_encoder(OPEN_METRICS if OPEN_METRICS in request.headers.get("Accept", "") else "")
        return web.Response(body=self._written(content_type, encode), headers={"Content-Type": content_type})

    def _written(self, content_type: str, encode: Callable[[CollectorRegistry], bytes]) -> bytes:
        now = asyncio.get_running_loop().time()
        written_at, body = self._kept.get(content_type, (-KEPT_S, b""))
        if now - written_at >= KEPT_S:
            body = encode(self._registry)
            self._kept[content_type] = now, body
        return body
