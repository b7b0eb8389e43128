"""Style sheets, scripts and their words, under ``/static``: read once, and served from memory."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Final

from aiohttp import web

from controller.web.headers import WORKER_POLICY
from controller.web.pages.languages import LANGUAGES, part_of

WORKER: Final = "live-worker.js"
_TYPES: Final = {"css": "text/css", "js": "text/javascript", "json": "application/json", "svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asset:
    content: bytes
    media_type: str
    etag: str


@cache
def _assets() -> Mapping[str, _Asset]:
    there = {file.name: file.read_bytes() for file in (files("controller.web.pages") / "static").iterdir()}
    there |= {f"faults.{one}.json": json.dumps(part_of(one, "faults")).encode() for one in LANGUAGES}
    return {name: _asset(name, content) for name, content in there.items()}


def _asset(name: str, content: bytes) -> _Asset:
    media_type = _TYPES[name.rpartition(".")[2]]
    return _Asset(content=content, media_type=media_type, etag=sha256(content).hexdigest()[:16])


async def asset(request: web.Request) -> web.StreamResponse:
    """One of them; a browser that has it already is told so."""
    found = _assets().get(request.match_info["name"])
    if found is None:
        raise web.HTTPNotFound
    if any(tag.value == found.etag for tag in request.if_none_match or ()):
        response = web.Response(status=304)
    else:
        response = web.Response(body=found.content, content_type=found.media_type, charset="utf-8")
    if request.match_info["name"] == WORKER:
        response.headers["Content-Security-Policy"] = WORKER_POLICY
    response.etag = found.etag
    response.headers["Cache-Control"] = "no-cache"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"  # a CRM loads what embeds the banner
    return response
