"""Stored recordings over HTTP, under ``/api/v1/recordings``: found, described, and given out.

Owns no rule: who may have what is ``controller.custody.listening``'s to say. A customer is found by a number in a body
only, so that no log of requests holds one.
"""

from collections.abc import Generator, Mapping
from contextlib import aclosing
from dataclasses import fields
from typing import Any

from aiohttp import web

from controller.audio.gaps import GapStyle
from controller.custody.bridge import from_thread
from controller.custody.custody import Custody, Holding
from controller.custody.finding import Order, Search, found_by
from controller.custody.listening import Use, granted
from controller.custody.proof import proven_otherwise
from controller.custody.rendering import Rendering, Shape, rendered, timeline_of
from controller.errors import ObjectGone, RegisterRefused
from controller.web.answers import told
from controller.web.bodies import call_id_of, limit_of, moment, moment_of, texts_of
from controller.web.principals import actor_of, listener_of
from controller.web.problems import problem


class StoredApi:
    """Handlers of what is in the object store."""

    def __init__(self, custody: Custody) -> None:
        self._custody = custody

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Answer under ``/api/v1``."""
        router.add_get("/recordings", self.list)
        router.add_post("/recordings/search", self.search)
        router.add_get("/recordings/{name:(?!search$)[^/]+}", self.show)
        router.add_post("/recordings/{name}/proof", self.prove)
        router.add_get("/recordings/{name}/timeline", self.timeline)
        router.add_get("/recordings/{name}/peaks", self.peaks)
        router.add_get(r"/recordings/{name}/audio.{shape:mp3|wav}", self.audio)

    @told
    async def list(self, request: web.Request) -> web.Response:
        """Stored recordings that meet every condition of the query, a page at a time, the oldest first unless told."""
        if "number" in request.query:
            raise RegisterRefused("number: comes in a body only: POST /api/v1/recordings/search")
        return await self._found(request, search_of(dict(request.query)))

    @told
    async def search(self, request: web.Request) -> web.Response:
        """The same, by the number of a customer too, which no query may hold."""
        return await self._found(request, search_of(await texts_of(request)))

    async def _found(self, request: web.Request, search: Search) -> web.Response:
        page = await found_by(self._custody, search, listener_of(request))
        return web.json_response({"recordings": [shown(one) for one in page.holdings], "next": page.next})

    @told
    async def show(self, request: web.Request) -> web.Response:
        """One of them."""
        return web.json_response(shown(await self._theirs(request)))

    @told
    async def prove(self, request: web.Request) -> web.Response:
        """There is other proof of the contract that it was to prove: it is destroyed."""
        found = await self._theirs(request)
        await proven_otherwise(self._custody, found.name, actor=actor_of(request))
        return web.json_response({"destroyed": found.name})

    @told
    async def timeline(self, request: web.Request) -> web.Response:
        """Its stretches, recorded and paused, in milliseconds of what is listened to."""
        found = await self._granted(request)
        return web.json_response(await timeline_of(self._custody, found, _style(request)))

    @told
    async def peaks(self, request: web.Request) -> web.StreamResponse:
        """Its waveform."""
        found = await self._granted(request)
        return await _sent(request, await rendered(self._custody, found, Shape.PEAKS, _style(request)), Shape.PEAKS)

    @told
    async def audio(self, request: web.Request) -> web.StreamResponse:
        """Its audio, or a range of it."""
        found = await self._granted(request)
        shape = Shape(request.match_info["shape"])
        rendering = await rendered(self._custody, found, shape, _style(request))
        return await _sent(request, rendering, shape, file=f"{found.name}.{shape}")

    async def _theirs(self, request: web.Request) -> Holding:
        """A recording that exists for who asks. Raises ``ObjectGone``."""
        page = await found_by(self._custody, Search(name=request.match_info["name"]), listener_of(request))
        if not page.holdings:
            raise ObjectGone("no such recording is stored")
        return page.holdings[0]

    async def _granted(self, request: web.Request) -> Holding:
        return await granted(self._custody, request.match_info["name"], listener_of(request), Use.LISTEN)


def shown(holding: Holding) -> dict[str, Any]:
    """A stored recording as JSON has it: nothing of the customer's, and no key."""
    stored = holding.stored
    times = {
        "started_at": holding.started_at,
        "ended_at": holding.ended_at,
        "stored_at": stored.stored_at,
        "due_at": stored.due_at,
    }
    return {
        "name": holding.name,
        "call": holding.call_id,
        "pbx": holding.pbx,
        "purpose": holding.purpose,
        "queue": holding.queue,
        "agent": holding.agent,
        "milliseconds": holding.milliseconds,
        "partial": bool(stored.partial),
        "tier": stored.tier.value if stored.tier else None,
        "held": holding.held,
        "restricted": holding.restricted,
        "outcome": holding.outcome,
        "sha256": stored.sha256.hex() if stored.sha256 else None,
        **{name: moment(time) for name, time in times.items()},
    }


def search_of(words: Mapping[str, str]) -> Search:
    """What a query looks for, by the names of conditions. Raises ``RegisterRefused``."""
    unknown = words.keys() - {one.name for one in fields(Search)}
    if unknown:
        raise RegisterRefused(*(f"{word[:40]}: is no condition" for word in sorted(unknown)))
    return Search(
        name=words.get("name"),
        call=call_id_of(words["call"]) if "call" in words else None,
        purpose=words.get("purpose"),
        queue=words.get("queue"),
        agent=words.get("agent"),
        number=words.get("number"),
        after=words.get("after"),
        since=moment_of("since", words["since"]) if "since" in words else None,
        until=moment_of("until", words["until"]) if "until" in words else None,
        limit=limit_of(words.get("limit")),
        order=_order(words.get("order")),
    )


def _order(text: str | None) -> Order:
    if text is None:
        return Order.OLDEST
    if text not in list(Order):
        raise RegisterRefused(f"order: must be {' or '.join(Order)}")
    return Order(text)


def _style(request: web.Request) -> GapStyle | None:
    wanted = request.query.get("gaps")
    if wanted is None:
        return None
    if wanted not in list(GapStyle):
        raise RegisterRefused(f"gaps: must be one of {', '.join(GapStyle)}")
    return GapStyle(wanted)


async def _sent(
    request: web.Request, rendering: Rendering, shape: Shape, *, file: str | None = None
) -> web.StreamResponse:
    """The whole, or the range that is asked for (RFC 9110, 14); ``file`` is what a browser keeps it as."""
    try:
        start, stop, _ = request.http_range.indices(rendering.octets)
    except ValueError:
        start, stop = 0, 0
    ranged = "Range" in request.headers
    if ranged and start >= stop:
        refused = problem(416, "Range Not Satisfiable")
        refused.headers["Content-Range"] = f"bytes */{rendering.octets}"
        return refused
    response = web.StreamResponse(status=206 if ranged else 200)
    response.content_type = shape.media_type
    response.content_length = stop - start
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["Cache-Control"] = "no-store"
    if file is not None:
        response.headers["Content-Disposition"] = f'attachment; filename="{file}"'
    if ranged:
        response.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{rendering.octets}"
    await response.prepare(request)
    await _pieces_sent(response, rendering, start, stop)
    await response.write_eof()
    return response


async def sent_in_pieces(
    request: web.Request, pieces: Generator[bytes, None, None], media_type: str = "application/octet-stream"
) -> web.StreamResponse:
    """What comes piece by piece from a thread, of nobody knows which length."""
    response = web.StreamResponse(headers={"Content-Type": media_type, "Cache-Control": "no-store"})
    async with aclosing(from_thread(pieces)) as coming:
        first = await anext(coming, b"")  # what goes wrong at once is told by a problem document
        await response.prepare(request)
        await response.write(first)
        async for piece in coming:
            await response.write(piece)
    await response.write_eof()
    return response


async def _pieces_sent(response: web.StreamResponse, rendering: Rendering, start: int, stop: int) -> None:
    """It is sealed as a whole, so what is before a range is opened, too, and left out."""
    at = 0
    async with aclosing(rendering.pieces()) as pieces:
        async for piece in pieces:
            wanted = piece[max(start - at, 0) : max(stop - at, 0)]
            at += len(piece)
            if wanted:
                await response.write(wanted)
            if at >= stop:
                return
