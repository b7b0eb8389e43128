"""What goes on in the calls of who asks, as it happens: server-sent events under ``/api/v1/live``.

A stream begins with all calls that there are, so a page that was cut off is right again as soon as it is back. After
that a call is said whenever it is otherwise: only as it is now, not as it was in between, and never to be waited for.

However many listen, the loop comes round to what is asked of a call: all calls are said to one stream at a time, and in
pieces; of one call, streams are told in turn; and a call is put into words once for all who see it alike.
"""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterable
from typing import Final

from aiohttp import web

from controller.domain.call import Call
from controller.domain.names import CallId
from controller.web.api import Pbx, each_call, listed, wanted
from controller.web.principals import PRINCIPAL, actor_of, grant_of, refused_by_now, still_used
from controller.web.problems import problem
from controller.web.wording import Wording

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
_STILL_HERE: Final = ": still here\n\n"


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
        return self.has(call) or call.id in self.told

    def has(self, call: Call) -> bool:
        """Whether it is theirs."""
        return grant_of(self._request).covers_call(call) and wanted(self._request, call)

    def begin(self) -> None:
        """Nothing is said yet, so there is no news either."""
        self.told.clear()
        self._calls = {}

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
        self._words = Wording()
        self._changed: dict[CallId, Call] = {}
        self._waking: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self._listing = asyncio.Lock()

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Answer under ``/api/v1``."""
        router.add_get("/live", self.listen, allow_head=False)

    def changed(self, call: Call) -> None:
        """Something is otherwise in a call, or it is over."""
        if call.ended_at is not None:
            self._words.forget(call)
        if self._streams:
            self._changed[call.id] = call
        if self._changed and (self._waking is None or self._waking.done()):
            self._waking = asyncio.create_task(self._wake())

    def watching(self, _pbx: str) -> None:
        """Every call of this PBX is known from now on."""
        self._words.forget_all()
        for stream in self._streams:
            stream.changed(None)

    standing_by = watching

    async def listen(self, request: web.Request) -> web.StreamResponse:
        """Say what goes on, until who listens goes, or may not any more.

        ``agent``: of the calls at this extension only; ``pbx``: on this PBX.
        """
        await self._in_turn()
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

    async def _wake(self) -> None:
        """Have those hear of a call who care for it: beside what has changed it, and the loop runs after each call."""
        while self._changed:
            call = self._changed.pop(next(iter(self._changed)))
            for stream in self._streams:
                if stream.cares(call):
                    stream.changed(call.id)
            await asyncio.sleep(0)

    async def _say(self, request: web.Request, response: web.StreamResponse, stream: _Stream) -> None:
        now = asyncio.get_running_loop().time
        said_at = now()
        while True:
            news = await stream.news()
            await self._in_turn()
            if refused_by_now(request) is not None:
                return
            said = self._news(request, stream, news) if news is not None else self._all(request, response, stream)
            async for text in said:
                await _write(response, text)
                said_at = now()
            if now() - said_at >= TICK_S:  # also where much goes on of which nothing is seen, such as keys
                if _watches_their_own(request):
                    still_used(request)
                await _write(response, _STILL_HERE)
                said_at = now()

    async def _in_turn(self) -> None:
        """Let the loop run, for one stream after the other: hundreds that are woken at once go on one by one."""
        async with self._turn:
            await asyncio.sleep(0)

    async def _news(self, request: web.Request, stream: _Stream, news: Iterable[CallId]) -> AsyncIterator[str]:
        """What there is to say, each time as it is by then: what was said before may have taken long."""
        for call_id in news:
            await self._in_turn()
            call, said = self._call(call_id), stream.told.pop(call_id, None)
            if call is not None and call.ended_at is None and stream.has(call):
                told = stream.told[call_id] = self._words.of(call, grant_of(request), request[PRINCIPAL])
                if told != said:
                    yield _event("call", told)
            elif said is not None:
                yield _event("over", json.dumps({"id": call_id}))

    async def _all(self, request: web.Request, response: web.StreamResponse, stream: _Stream) -> AsyncIterator[str]:
        """All calls; nothing where who listens may not any more. Who has to wait for others is told that it goes on."""
        making = asyncio.create_task(self._made(request, stream))
        try:
            while not (await asyncio.wait({making}, timeout=TICK_S))[0]:
                await _write(response, _STILL_HERE)
            if making.result():
                yield _event("calls", listed(stream.told.values()))
        finally:
            making.cancel()

    async def _made(self, request: web.Request, stream: _Stream) -> bool:
        """Put all that is theirs into words; whether they still may have it.

        What changes before their turn is told with it. What changes afterwards wakes them, and is said once more.
        """
        async with self._listing:
            if refused_by_now(request) is not None:
                return False
            stream.begin()
            grant, principal = grant_of(request), request[PRINCIPAL]
            async for call in each_call(self._pbxs):
                if call.ended_at is None and stream.has(call):
                    stream.told[call.id] = self._words.of(call, grant, principal)
            return True

    def _call(self, call_id: CallId) -> Call | None:
        return next((call for pbx in self._pbxs if (call := pbx.dispatcher.call(call_id)) is not None), None)


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


def _event(name: str, data: str) -> str:
    """``data`` is JSON."""
    return f"event: {name}\ndata: {data}\n\n"
