"""Carries ARI requests over kept-alive HTTP and translates every failure into the error tree, once.

Owns the connections, the credentials, the retry of a request whose kept-alive connection had died, and the
mapping from status to error. Does not know any operation (`client`).

Asterisk closes a connection that was idle for `session_keep_alive` (15 s by default; http.conf), one that
has not carried a request yet included. So an ordinary connection is given up here before that, and the
urgent ones, which must be open when they are needed, are used every few seconds (`warm`).
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Literal, Self
from urllib.parse import quote, urlencode

import aiohttp
from yarl import URL

from controller.errors import Gone, NotNow, PbxAuthenticationFailed, PbxError, PbxRefused, PbxUnreachable

IDLE_S: Final = 10.0
"""Seconds after which an idle connection is given up: less than Asterisk's 15."""
ORDINARY_CONNECTIONS: Final = 24
URGENT_CONNECTIONS: Final = 48
"""With the ordinary ones and the websocket below http.conf's `sessionlimit`, 100 by default."""
ANSWER_LIMIT: Final = 32 * 2**20
"""Bytes; about 40,000 channels."""
_CHUNK: Final = 64 * 2**10
_LOST: Final = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)

Query = dict[str, str | int]
Lane = Literal["ordinary", "urgent", "fresh"]
"""Which connections carry a request: `fresh` opens one for it alone, where the kept-alive ones may be half-open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """A file on its way: how many bytes it has, and these, piece by piece, once."""

    octets: int
    pieces: AsyncIterator[bytes]


def path_of(*parts: str) -> str:
    """Join the parts of a path, each quoted, so that no name reaches another resource.

    Raises PbxRefused for a part that no quoting can protect: empty, `.`, `..`, or with a NUL, at which
    Asterisk would cut it.
    """
    for part in parts:
        if part in {"", ".", ".."} or "\0" in part:
            raise PbxRefused(f"{part!r} cannot be part of an ARI path")
    return "/".join(quote(part, safe="") for part in parts)


def error_for(*, method: str, path: str, status: int, message: str) -> PbxError:
    """Translate an answer that is not a success."""
    text = f"{method} {path}: {status} {message}".rstrip()
    match status:
        case 401:
            return PbxAuthenticationFailed(f"Asterisk does not accept the ARI user or its password ({text})")
        case 403 if method != "GET":
            return PbxAuthenticationFailed(f"the ARI user may not write: read_only in ari.conf? ({text})")
        case 404:
            return Gone(text)
        case 409 | 412:
            return NotNow(text)
        case 503:
            return PbxUnreachable(f"Asterisk is not ready ({text})")
        case _:
            return PbxRefused(text)


class AriHttp:
    """HTTP to one Asterisk, over two pools: ordinary, and one of its own for what cannot wait.

    `url` is ARI's root, for example `http://pbx:8088/ari`; `timeout_s` bounds each request as a whole, in
    seconds.
    """

    def __init__(self, *, url: str, username: str, password: str, timeout_s: float) -> None:
        self._root = url.rstrip("/")
        self._headers = {"Authorization": aiohttp.encode_basic_auth(username, password)}
        self._timeout_s = timeout_s
        self._stack = AsyncExitStack()
        self._lanes: dict[Lane, aiohttp.ClientSession] = {}
        self.reconnections = 0
        """Requests sent again because their kept-alive connection had died."""

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            connectors: dict[Lane, aiohttp.TCPConnector] = {
                "ordinary": aiohttp.TCPConnector(limit=ORDINARY_CONNECTIONS, keepalive_timeout=IDLE_S),
                "urgent": aiohttp.TCPConnector(limit=URGENT_CONNECTIONS, keepalive_timeout=IDLE_S),
                "fresh": aiohttp.TCPConnector(force_close=True),
            }
            for lane, connector in connectors.items():
                self._lanes[lane] = await stack.enter_async_context(self._session(connector))
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def call(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: bytes | None = None,
        lane: Lane = "ordinary",
        repeatable: bool = False,
    ) -> bytes:
        """Send one request, return the answer's body.

        `repeatable`: doing it twice does what doing it once does, so that it may be sent again, once and on a
        fresh connection, when the kept-alive one broke before an answer came.

        Raises PbxAuthenticationFailed, Gone, NotNow, PbxRefused, or PbxUnreachable, after which it may or may
        not have happened.
        """
        session = self._lanes[lane]
        with _translated(f"{method} {path}"):
            try:
                return await self._send(session, method, path, query, body)
            except _LOST as error:
                if not repeatable or isinstance(error, aiohttp.ClientConnectorError):
                    raise
                self.reconnections += 1
                return await self._send(self._lanes["fresh"], method, path, query, body)

    @asynccontextmanager
    async def download(self, path: str) -> AsyncGenerator[Download]:
        """Ask for a file; only the wait for each piece is bounded, not the whole.

        Raises as `call`; so do its pieces, and a file cut short is PbxUnreachable.
        """
        patience = aiohttp.ClientTimeout(total=None, sock_connect=self._timeout_s, sock_read=self._timeout_s)
        what = f"GET {path}"
        with _translated(what):
            answer = await self._lanes["ordinary"].get(self._at(path), timeout=patience, allow_redirects=False)
        try:
            with _translated(what):
                await _check(answer, "GET", path)
            if answer.content_length is None:
                raise PbxRefused(f"{what}: the answer does not say how long it is")
            yield Download(octets=answer.content_length, pieces=_pieces(answer, what))
        finally:
            answer.close()

    async def warm(self, path: str, *, connections: int) -> None:
        """Have so many urgent connections open, and used just now: each carries one `GET path`.

        Sent all at once they need a connection each. Raises as `call`.
        """
        asked = (self.call("GET", path, lane="urgent", repeatable=True) for _ in range(connections))
        answers = await asyncio.gather(*asked, return_exceptions=True)
        for failure in answers:
            if isinstance(failure, BaseException):
                raise failure

    async def websocket(
        self, path: str, *, query: Query, heartbeat_s: float, message_limit: int
    ) -> aiohttp.ClientWebSocketResponse[bool]:
        """Open a websocket whose text comes as bytes.

        Raises PbxAuthenticationFailed, PbxRefused, PbxUnreachable.
        `heartbeat_s`: seconds between pings; an unanswered one ends the link after half of that again.
        `message_limit`: bytes; a longer message ends the link.
        """
        with _translated(f"websocket {path}"):
            async with asyncio.timeout(self._timeout_s):
                return await self._lanes["fresh"].ws_connect(
                    self._at(path, query),
                    heartbeat=heartbeat_s,
                    autoping=False,
                    max_msg_size=message_limit,
                    decode_text=False,
                    timeout=aiohttp.ClientWSTimeout(ws_close=1.0),
                )

    def _session(self, connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=connector,
            headers=self._headers,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=self._timeout_s),
        )

    def _at(self, path: str, query: Query | None = None) -> URL:
        asked = "?" + urlencode(query, quote_via=quote, safe="") if query else ""
        return URL(f"{self._root}/{path}{asked}", encoded=True)

    async def _send(
        self,
        session: aiohttp.ClientSession,
        method: str,
        path: str,
        query: Query | None,
        body: bytes | None,
    ) -> bytes:
        headers = {"Content-Type": "application/json"} if body is not None else None
        url = self._at(path, query)
        async with session.request(method, url, data=body, headers=headers, allow_redirects=False) as answer:
            await _check(answer, method, path)
            return await _body(answer)


async def _pieces(answer: aiohttp.ClientResponse, what: str) -> AsyncGenerator[bytes]:
    with _translated(what):
        async for piece in answer.content.iter_chunked(_CHUNK):
            yield piece


async def _check(answer: aiohttp.ClientResponse, method: str, path: str) -> None:
    if 200 <= answer.status < 300:  # noqa: PLR2004 - what HTTP calls success
        return
    message = (await _body(answer))[:200].decode(errors="replace")
    raise error_for(method=method, path=path, status=answer.status, message=message)


async def _body(answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for piece in answer.content.iter_chunked(_CHUNK):
        body += piece
        if len(body) > ANSWER_LIMIT:
            answer.close()
            raise PbxUnreachable(f"the answer is longer than {ANSWER_LIMIT} bytes")
    return bytes(body)


@contextmanager
def _translated(what: str) -> Iterator[None]:
    """Turn a failure of the network, or of HTTP itself, into the error tree."""
    try:
        yield
    except aiohttp.WSServerHandshakeError as error:
        # The handshake's error holds the request's headers, and so the password: it goes no further.
        raise error_for(method="GET", path=what, status=error.status, message=error.message) from None
    except TimeoutError as error:
        raise PbxUnreachable(f"no answer from Asterisk in time ({what})") from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise PbxUnreachable(f"no connection to Asterisk ({what}): {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """Say what failed without the request's headers, which some of aiohttp's texts hold."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__
