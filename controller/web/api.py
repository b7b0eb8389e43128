"""The HTTP API under ``/api/v1``: calls under way, pause and resume. Bearer token; errors as RFC 9457 documents."""

import hmac
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Protocol

from aiohttp import web

from controller.domain.call import Call
from controller.domain.names import CallId
from controller.runtime import requests
from controller.runtime.dispatcher import Dispatcher
from controller.runtime.requests import CAUSES, CallState, state_of

MOST_BYTES = 16 * 1024
"""The longest request body."""

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


def problem(status: int, title: str, detail: str = "") -> web.Response:
    """A problem document (RFC 9457)."""
    body = {"title": title, "status": status} | ({"detail": detail} if detail else {})
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
        app = web.Application(middlewares=[guard(token)], client_max_size=MOST_BYTES)
        app.router.add_get("/calls", self.list)
        app.router.add_get("/calls/{id}", self.show)
        app.router.add_post("/calls/{id}/pause", self.pause)
        app.router.add_post("/calls/{id}/resume", self.resume)
        return app

    async def list(self, _request: web.Request) -> web.Response:
        """Every call under way."""
        return web.json_response([_shown(call) for pbx in self._pbxs for call in pbx.dispatcher.calls])

    async def show(self, request: web.Request) -> web.Response:
        """One call under way."""
        found = self._find(request)
        return _unknown() if found is None else web.json_response(_shown(found[1]))

    async def pause(self, request: web.Request) -> web.Response:
        """Pause every recording of the call; answers once Asterisk has confirmed it, or it is stopped."""
        return await self._act(request, requests.pause)

    async def resume(self, request: web.Request) -> web.Response:
        """End the pause; answers with what the call's recordings are then."""
        return await self._act(request, requests.resume)

    async def _act(self, request: web.Request, act: Callable[..., Awaitable[CallState]]) -> web.Response:
        found = self._find(request)
        if found is None:
            return _unknown()
        reason = await _reason(request)
        if reason is None:
            return problem(400, "Bad Request", f'the body is {{"reason": …}}, one of {", ".join(CAUSES)}, or empty')
        dispatcher, call = found
        state = await act(dispatcher, call.id, cause=CAUSES[reason], origin="agent", actor="api")
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


async def _reason(request: web.Request) -> str | None:
    """The reason in the body; ``payment`` where there is no body, None where it is not one."""
    text = await request.text()
    if not text.strip():
        return "payment"
    try:
        body = await request.json()
    except ValueError:
        return None
    reason = body.get("reason", "payment") if isinstance(body, dict) else None
    return reason if isinstance(reason, str) and reason in CAUSES else None


def _unknown() -> web.Response:
    return problem(404, "Not Found", "no such call is under way")


def _shown(call: Call) -> dict[str, Any]:
    return {
        "id": call.id,
        "pbx": call.pbx,
        "linkedid": call.linkedid,
        "direction": call.direction.value,
        "queue": call.queue,
        "agent": call.agent,
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
