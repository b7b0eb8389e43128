"""The HTTP API under ``/api/v1``: calls under way, and what may be asked of them. Errors as RFC 9457 documents."""

import hmac
import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Protocol

from aiohttp import web

from controller.domain.call import Call
from controller.domain.names import CallId
from controller.runtime import requests
from controller.runtime.dispatcher import Dispatcher
from controller.runtime.requests import CAUSES, CallState, Request, Verb, state_of

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Pbx(Protocol):
    """What the API needs of a PBX."""

    name: str
    ready: bool
    dispatcher: Dispatcher

    @property
    def why_not_ready(self) -> str:
        """For people; empty when it is ready."""
        ...


def problem(status: int, title: str, detail: str = "", *, faults: Sequence[str] = ()) -> web.Response:
    """A problem document (RFC 9457); ``faults`` is a member of our own, where there may be several."""
    body = {"title": title, "status": status} | ({"detail": detail} if detail else {})
    body |= {"faults": list(faults)} if faults else {}
    return web.json_response(body, status=status, content_type="application/problem+json")


def guard(token: str | None) -> Any:  # noqa: ANN401 - aiohttp types a middleware so
    """Let nobody in without the token; where there is none, nobody at all."""
    expected = f"Bearer {token}".encode() if token else None

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        shown = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        if expected is None or not hmac.compare_digest(shown, expected):
            response = problem(401, "Unauthorized", "a bearer token is needed")
            response.headers["WWW-Authenticate"] = "Bearer"
            return response
        return await handler(request)

    return middleware


class CallsApi:
    """Calls under way on every PBX."""

    def __init__(self, pbxs: Iterable[Pbx]) -> None:
        self._pbxs = tuple(pbxs)

    def application(self, token: str | None) -> web.Application:
        """The part of the HTTP server that answers under ``/api/v1``."""
        app = web.Application(middlewares=[guard(token)])
        app.router.add_get("/calls", self.list)
        app.router.add_get("/calls/{id}", self.show)
        verbs = "|".join(verb.value for verb in Verb)
        app.router.add_post(f"/calls/{{id}}/{{verb:{verbs}}}", self.act)
        return app

    async def list(self, _request: web.Request) -> web.Response:
        """Every call under way."""
        return web.json_response([_shown(call) for pbx in self._pbxs for call in pbx.dispatcher.calls])

    async def show(self, request: web.Request) -> web.Response:
        """One call under way."""
        found = self._find(request)
        return _unknown() if found is None else web.json_response(_shown(found[1]))

    async def act(self, request: web.Request) -> web.Response:
        """Do what is asked of a call; answers once Asterisk has confirmed it, with what its recordings are then."""
        found = self._find(request)
        if found is None:
            return _unknown()
        asked = await _asked(request)
        if isinstance(asked, web.Response):
            return asked
        dispatcher, call = found
        state = await requests.act(dispatcher, call.id, asked)
        if state is CallState.UNSETTLED:
            return problem(503, "Service Unavailable", "Asterisk has not confirmed it")
        return web.json_response({"call": call.id, "state": state.value})

    def _find(self, request: web.Request) -> tuple[Dispatcher, Call] | None:
        call_id = CallId(request.match_info["id"])
        for pbx in self._pbxs:
            call = pbx.dispatcher.call(call_id)
            if call is not None:
                return pbx.dispatcher, call
        return None


async def _asked(request: web.Request) -> Request | web.Response:
    """What the path and the body ask, or why the body is none."""
    raw = await request.read()
    try:
        body = json.loads(raw) if raw.strip() else {}
    except (ValueError, RecursionError):
        body = None
    reason, purpose = (body.get("reason", "payment"), body.get("purpose")) if isinstance(body, dict) else (None, None)
    if not isinstance(reason, str) or reason not in CAUSES or not isinstance(purpose, str | None):
        causes = ", ".join(CAUSES)
        return problem(400, "Bad Request", f'the body is empty, or {{"reason": …, "purpose": …}}; reasons: {causes}')
    verb = Verb(request.match_info["verb"])
    return Request(verb=verb, actor="api", origin="agent", cause=CAUSES[reason], purpose=purpose)


def _unknown() -> web.Response:
    return problem(404, "Not Found", "no such call is under way")


def _shown(call: Call) -> dict[str, Any]:
    return {
        "id": call.id,
        "pbx": call.pbx,
        "linkedid": None if call.excluded else call.linkedid,
        "direction": call.direction.value,
        "queue": None if call.excluded else call.queue,
        "agent": None if call.excluded else call.agent,
        "began_at": call.began_at.isoformat(timespec="milliseconds"),
        "answered_at": call.answered_at.isoformat(timespec="milliseconds") if call.answered_at else None,
        "state": state_of(call).value,
        "pauses": [suspension.cause.value for suspension in call.suspensions],
        "recordings": [
            {"name": t.recording.name, "purpose": t.purpose.name, "state": t.recording.phase.value}
            for t in call.tracks
            if t.recording is not None
        ],
    }
