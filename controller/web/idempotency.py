"""What is asked twice with the same ``Idempotency-Key`` is done once (IETF draft-ietf-httpapi-idempotency-key-header).

Answers are kept by this daemon, in memory: a pause waits for no database. So it is forgotten when the daemon ends, and
another daemon does not know of it. Kept are answers that say that something was done; where nothing was, it may be
tried again with the same key. Nothing is kept of what holds a secret or personal data (``NEVER``).
"""

import re
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from time import monotonic
from typing import Any, Final

from aiohttp import web

from controller.runtime.requests import Verb
from controller.threads import off_the_loop
from controller.web.bodies import LONGEST, whole
from controller.web.principals import PRINCIPAL
from controller.web.problems import problem
from controller.web.routes import request_of

KEY: Final = "Idempotency-Key"
AGAIN: Final = "Idempotency-Replayed"
"""Says of an answer that it is one that was given before."""
NEVER: Final = frozenset(
    {"POST /session", "DELETE /session", "POST /subjects/export", "POST /recordings/search", "POST /tokens"}
    | {"POST /me/password"}
    | {f"POST /calls/{{id}}/{verb}" for verb in Verb if verb not in {Verb.RESUME, Verb.START}}
)
"""For these the header means nothing: what holds a secret or personal data, and what pauses or ends a recording.

The latter is done as often as it is asked: nobody is told that nothing is recorded because it was so before.
"""
KEPT_S: Final = 86_400.0
MOST: Final = 10_000
MOST_EACH: Final = 1000
"""Of one who asks, so that nobody has what others have asked forgotten."""
MOST_BYTES: Final = 8 * 1024 * 1024
"""Of all keys and answers together; those that were first asked longest ago are forgotten first."""
LONGEST_ANSWER: Final = 64 * 1024
_KEPT_HEADERS: Final = ("Content-Type",)
_EACH: Final = 512
"""About what an entry takes beside its body."""
_RIGHT: Final = re.compile(r"[!-~]{1,255}")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True, kw_only=True)
class _Entry:
    """What was asked, by its digest, and since when; ``answer`` None: it is not answered yet."""

    asked: bytes
    since: float
    answer: "_Answer | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


class Answers:
    """The answers that are kept, each by who asked and their key. ``clock`` is in seconds, and never goes back."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = monotonic,
        most: int = MOST,
        most_each: int = MOST_EACH,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._entries: OrderedDict[tuple[str, str], _Entry] = OrderedDict()
        self._clock = clock
        self._most = most
        self._most_each = most_each
        self._of: Counter[str] = Counter()
        self._most_bytes = most_bytes
        self._bytes = 0

    def begin(self, name: tuple[str, str], asked: bytes) -> web.Response | None:
        """What is to be answered at once; None: it is to be done, and to be told of by ``end``."""
        self._forget(older_than=self._clock() - KEPT_S)
        entry = self._entries.get(name)
        if entry is None:
            self._entries[name] = _Entry(asked=asked, since=self._clock())
            self._bytes += _EACH
            self._of[name[0]] += 1
            self._forget_most(name[0])
            return None
        if entry.asked != asked:
            return problem(422, "Unprocessable Content", f"another request had this {KEY}")
        if entry.answer is None:
            answer = problem(409, "Conflict", f"the first request with this {KEY} is not answered yet")
            answer.headers["Retry-After"] = "1"
            return answer
        kept = entry.answer
        return web.Response(status=kept.status, body=kept.body, headers={**kept.headers, AGAIN: "true"})

    def end(self, name: tuple[str, str], asked: bytes, answer: web.StreamResponse | None) -> None:
        """It was answered so; None: it failed."""
        kept, entry = _kept(answer), self._entries.get(name)
        if entry is None or entry.asked != asked:
            return  # it was forgotten meanwhile
        if kept is None:
            self._drop(name)
        else:
            entry.answer = kept
            self._bytes += len(kept.body)
            self._forget_most(name[0])

    def _forget(self, *, older_than: float) -> None:
        while self._entries and next(iter(self._entries.values())).since <= older_than:
            self._drop(next(iter(self._entries)))

    def _forget_most(self, who: str) -> None:
        """First of who has just asked, where they have too many; never what is not answered yet."""
        while self._of[who] > self._most_each and self._forget_one(who):
            pass
        while (len(self._entries) > self._most or self._bytes > self._most_bytes) and self._forget_one():
            pass

    def _forget_one(self, who: str | None = None) -> bool:
        answered = (name for name, entry in self._entries.items() if entry.answer is not None)
        oldest = next((name for name in answered if who in {None, name[0]}), None)
        if oldest is not None:
            self._drop(oldest)
        return oldest is not None

    def _drop(self, name: tuple[str, str]) -> None:
        entry = self._entries.pop(name, None)
        if entry is not None:
            self._of[name[0]] -= 1
            if not self._of[name[0]]:
                del self._of[name[0]]
            self._bytes -= _EACH + (len(entry.answer.body) if entry.answer is not None else 0)


def _kept(answer: web.StreamResponse | None) -> _Answer | None:
    """What is kept of an answer: of one that streams, that is long, or that says that nothing was done, nothing."""
    if not isinstance(answer, web.Response) or not 200 <= answer.status < 300:  # noqa: PLR2004 - success, RFC 9110
        return None
    body = answer.body if answer.body is not None else b""
    if not isinstance(body, bytes) or len(body) > LONGEST_ANSWER:
        return None
    headers = {name: answer.headers[name] for name in _KEPT_HEADERS if name in answer.headers}
    return _Answer(status=answer.status, headers=headers, body=body)


def once(answers: Answers) -> Any:  # noqa: ANN401 - aiohttp types a middleware so
    """Do what is asked with a key once; stands behind ``controller.web.admission``, which says who asks."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        key, asked = request.headers.get(KEY), request_of(request.match_info.route)
        if key is None or asked is None or asked.startswith("GET ") or asked in NEVER or PRINCIPAL not in request:
            return await handler(request)
        if not _RIGHT.fullmatch(key) or len(request.headers.getall(KEY)) > 1:
            return problem(400, "Bad Request", f"{KEY}: must be one word of at most 255 characters")
        digest = await _digest(request, asked)
        return await _once(answers, (request[PRINCIPAL].name, key), digest, partial(handler, request))

    return middleware


async def _once(
    answers: Answers, name: tuple[str, str], digest: bytes, do: Callable[[], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    at_once = answers.begin(name, digest)
    if at_once is not None:
        return at_once
    answer: web.StreamResponse | None = None
    try:
        answer = await do()
    finally:
        answers.end(name, digest, answer)
    return answer


async def _digest(request: web.Request, asked: str) -> bytes:
    """What is asked, whole: method, address, type and body."""
    body = await whole(request, LONGEST[asked]) if asked in LONGEST else await request.read()
    words = [request.method, request.path_qs, request.headers.get("Content-Type", "")]
    digest = sha256("\n".join([*words, ""]).encode("utf-8", "surrogateescape"))
    if asked in LONGEST:
        await off_the_loop(digest.update, body)
    else:
        digest.update(body)
    return digest.digest()
