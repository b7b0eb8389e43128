"""What goes on in the calls of who asks, as it happens: server-sent events under ``/api/v1/live``.

A stream begins with all calls that there are, so a page that was cut off is right again as soon as it is back. After
that a call is said whenever it is otherwise: only as it is now, not as it was in between, and never to be waited for.
"""

import asyncio
import json
import socket
from collections.abc import Collection, Iterable, Iterator
from typing import Any, Final

from aiohttp import web

from controller.domain.call import Call
from controller.domain.names import CallId
from controller.web.api import Pbx, offered_call, wanted
from controller.web.principals import PRINCIPAL, actor_of, grant_of, refused_by_now, still_used
from controller.web.problems import problem

MOST: Final = 500
"""How many streams there may be."""
MOST_EACH: Final = 50
"""How many of them somebody may have, so that nobody keeps others from theirs."""
TICK_S: Final = 1.0
"""After how long without news a line says that the stream is there, and whether who asks still may is looked up.

A page that hears nothing for a little longer takes the connection for cut.
"""
TAKEN_WITHIN_S: Final = 5.0
"""Who does not take what is said in this time is gone, or so slow that it is of no use to them.

Whoever was cut off comes back by another stream, and must not find their old one in the way.
"""
BACK_AFTER_MS: Final = 200
"""When a browser that was cut off comes back."""


class _Stream:
    """The calls of which something is to be said to one who listens; None: all of them.

    ``told`` is what was said of each call last.
    """

    def __init__(self, request: web.Request) -> None:
        self.who = actor_of(request)
        self.told: dict[CallId, str] = {}
        self._request = request
        self._calls: dict[CallId, None] | None = None
        self._something = asyncio.Event()
        self._something.set()

    def changed(self, call: CallId | None) -> None:
        """Something is otherwise in a call; None: in all of them."""
        if call is None:
            self._calls = None
        elif self._calls is not None:
            self._calls[call] = None
        self._something.set()

    def cares(self, call: Call) -> bool:
        """Whether it is theirs, or was: nobody else is woken."""
        theirs = grant_of(self._request).covers_call(call) and wanted(self._request, call)
        return theirs or call.id in self.told

    async def news(self) -> dict[CallId, None] | None:
        """Wait for it, but for no longer than a tick: then there is none."""
        tick = asyncio.get_running_loop().call_later(TICK_S, self._something.set)
        await self._something.wait()
        tick.cancel()
        self._something.clear()
        calls, self._calls = self._calls, {}
        return calls


class LiveApi:
    """Handlers of who listens to what goes on. Fulfils ``controller.runtime.ports.Onlooker``."""

    def __init__(self, pbxs: Iterable[Pbx]) -> None:
        self._pbxs = tuple(pbxs)
        self._streams: set[_Stream] = set()

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Answer under ``/api/v1``."""
        router.add_get("/live", self.listen, allow_head=False)

    def changed(self, call: Call) -> None:
        """Something is otherwise in a call, or it is over."""
        for stream in self._streams:
            if stream.cares(call):
                stream.changed(call.id)

    def watching(self, _pbx: str) -> None:
        """Every call of this PBX is known from now on."""
        for stream in self._streams:
            stream.changed(None)

    standing_by = watching

    async def listen(self, request: web.Request) -> web.StreamResponse:
        """Say what goes on, until who listens goes, or may not any more.

        ``agent``: of the calls at this extension only; ``pbx``: on this PBX.
        """
        if len(self._streams) >= MOST:
            return problem(503, "Service Unavailable", f"{MOST} listen already")
        stream = _Stream(request)
        if sum(other.who == stream.who for other in self._streams) >= MOST_EACH:
            return problem(503, "Service Unavailable", f"you listen {MOST_EACH} times already")
        headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        _given_up_in_time(request)
        self._streams.add(stream)
        try:
            await _write(response, f"retry: {BACK_AFTER_MS}\n\n")
            await self._say(request, response, stream)
        except (TimeoutError, ConnectionError):
            response.force_close()
        finally:
            self._streams.discard(stream)
        return response

    async def _say(self, request: web.Request, response: web.StreamResponse, stream: _Stream) -> None:
        now = asyncio.get_running_loop().time
        said_at = now()
        while True:
            news = await stream.news()
            if refused_by_now(request) is not None:
                return
            for text in self._news(request, stream, news):
                await _write(response, text)
                said_at = now()
            if now() - said_at >= TICK_S:  # also where much goes on of which nothing is seen, such as keys
                if _watches_their_own(request):
                    still_used(request)
                await _write(response, ": still here\n\n")
                said_at = now()

    def _news(self, request: web.Request, stream: _Stream, news: dict[CallId, None] | None) -> Iterator[str]:
        """What there is to say, each time as it is by then: what was said before may have taken long."""
        told = stream.told
        if news is None:
            theirs = self._theirs(request, None)
            told.clear()
            told.update({call: json.dumps(shown) for call, shown in theirs.items()})
            yield _event("calls", list(theirs.values()))
            return
        for call in news:
            shown, said = self._theirs(request, [call]).get(call), told.pop(call, None)
            if shown is None and said is not None:
                yield _event("over", {"id": call})
            if shown is not None:
                told[call] = json.dumps(shown)
                if told[call] != said:
                    yield _event("call", shown)

    def _theirs(self, request: web.Request, news: Collection[CallId] | None) -> dict[CallId, dict[str, Any]]:
        """Of the calls of which there is news (None: of all) those that are theirs who listen, as they see them."""
        grant, principal = grant_of(request), request[PRINCIPAL]
        return {
            call.id: offered_call(call, grant, principal)
            for pbx in self._pbxs
            for call in _calls(pbx, news)
            if call.ended_at is None and grant.covers_call(call) and wanted(request, call)
        }


def _calls(pbx: Pbx, news: Collection[CallId] | None) -> Iterable[Call]:
    if news is None:
        return pbx.dispatcher.calls
    return (call for call in map(pbx.dispatcher.call, news) if call is not None)


def _watches_their_own(request: web.Request) -> bool:
    """Whether it is an agent who watches their own calls: they may talk all day, and press no button."""
    own = request[PRINCIPAL].extension
    return own is not None and request.query.get("agent") == own


def _given_up_in_time(request: web.Request) -> None:
    """Have Linux end the connection where nobody confirms for so long what was sent.

    TCP by itself tries for a quarter of an hour, and hours of such lines fit into its buffers.
    """
    connection = request.transport.get_extra_info("socket") if request.transport is not None else None
    if connection is not None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(TAKEN_WITHIN_S * 1000))


async def _write(response: web.StreamResponse, text: str) -> None:
    """Raises ``TimeoutError``, ``ConnectionError``."""
    async with asyncio.timeout(TAKEN_WITHIN_S):
        await response.write(text.encode())


def _event(name: str, data: object) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"
