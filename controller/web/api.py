"""The HTTP API under ``/api/v1``: calls under way, and what may be asked of them."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Any, Final, Protocol

from aiohttp import web

from controller.domain.access import Grant
from controller.domain.call import Call
from controller.domain.names import CallId
from controller.domain.principal import Principal
from controller.domain.showing import Shown, shown
from controller.faults import Code
from controller.runtime import requests
from controller.runtime.authority import is_there, of_theirs
from controller.runtime.dispatcher import Dispatcher
from controller.runtime.requests import CAUSES, CallState, Request, Verb, state_of
from controller.web.bodies import storable
from controller.web.offers import ORIGIN, offered
from controller.web.principals import PRINCIPAL, actor_of, grant_of, refused_by_now
from controller.web.problems import problem


class Pbx(Protocol):
    """What the API needs of a PBX."""

    name: str
    ready: bool
    dispatcher: Dispatcher

    @property
    def why_not_ready(self) -> str:
        """For people; empty when it is ready."""
        ...


AT_A_TIME: Final = 20
"""How many calls are looked at before the loop does something else: about a millisecond of work."""


async def each_call(pbxs: Iterable[Pbx]) -> AsyncIterator[Call]:
    """Every call under way, as it is when its turn comes; one that begins meanwhile is not among them.

    The loop runs in between, and so would others who do the same: who makes a list of many calls makes one at a time.
    """
    known = [(pbx.dispatcher, call.id) for pbx in pbxs for call in pbx.dispatcher.calls]
    for number, (dispatcher, call_id) in enumerate(known):
        if number % AT_A_TIME == 0:
            await asyncio.sleep(0)
        call = dispatcher.call(call_id)
        if call is not None:
            yield call


class CallsApi:
    """Calls under way on every PBX."""

    def __init__(self, pbxs: Iterable[Pbx]) -> None:
        self._pbxs = tuple(pbxs)
        self._listing = asyncio.Lock()

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Answer under ``/api/v1``."""
        router.add_get("/calls", self.list)
        router.add_get("/calls/{id}", self.show)
        for verb in Verb:
            router.add_post(f"/calls/{{id}}/{verb}", partial(self.act, verb))

    async def list(self, request: web.Request) -> web.Response:
        """Every call under way that is theirs who ask.

        ``agent``: of the calls at this extension only; ``pbx``: on this PBX. One list is made at a time, and in pieces.
        """
        async with self._listing:
            refused = refused_by_now(request)
            if refused is not None:
                return refused
            grant, principal = grant_of(request), request[PRINCIPAL]
            told = [
                json.dumps(offered_call(call, grant, principal))
                async for call in each_call(self._pbxs)
                if grant.covers_call(call) and wanted(request, call)
            ]
        return web.json_response(text=listed(told))

    async def show(self, request: web.Request) -> web.Response:
        """One call under way."""
        grant = grant_of(request)
        found = self._find(request, grant.covers_call)
        return _unknown() if found is None else web.json_response(offered_call(found[1], grant, request[PRINCIPAL]))

    async def act(self, verb: Verb, request: web.Request) -> web.Response:
        """Do what is asked of a call; answers once Asterisk has confirmed it, with what its recordings are then.

        The body is here by now: between the look at who asks (``arriving``) and what is asked, nothing is waited for.
        """
        asked = _asked(request, verb, await request.read())
        return asked if isinstance(asked, web.Response) else await self._done(request, asked)

    async def _done(self, request: web.Request, asked: Request) -> web.Response:
        verb, grant = asked.verb, grant_of(request)
        found = self._find(request, partial(is_there, grant, verb))
        if found is None:
            return _unknown()
        dispatcher, call = found
        theirs = grant.purposes_of(call)
        each = of_theirs(asked, call, theirs)
        if not each:
            return _unknown()
        after = await requests.carried_out(dispatcher, call.id, each, purposes=theirs)
        state = requests.outcome_of(verb, after, theirs)
        if state is CallState.UNSETTLED:
            return problem(503, "Service Unavailable", "Asterisk has not confirmed it", code=Code.UNCONFIRMED)
        return web.json_response({"call": call.id, "state": state.value})

    def _find(self, request: web.Request, covered: Callable[[Call], bool]) -> tuple[Dispatcher, Call] | None:
        call_id = CallId(request.match_info["id"])
        for pbx in self._pbxs:
            call = pbx.dispatcher.call(call_id)
            if call is not None and covered(call):
                return pbx.dispatcher, call
        return None


def _asked(request: web.Request, verb: Verb, raw: bytes) -> Request | web.Response:
    """What the path and the body ask, or why the body is none."""
    try:
        body = json.loads(raw) if raw.strip() else {}
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict) or not body.keys() <= {"reason", "purpose"}:
        body = {"reason": None}
    reason, purpose = body.get("reason", "payment"), body.get("purpose")
    right = isinstance(reason, str) and reason in CAUSES and isinstance(purpose, str | None) and storable(purpose)
    if not right:
        causes = ", ".join(CAUSES)
        return problem(400, "Bad Request", f'the body is empty, or {{"reason": …, "purpose": …}}; reasons: {causes}')
    return Request(verb=verb, actor=actor_of(request), origin=ORIGIN, cause=CAUSES[reason], purpose=purpose)


def wanted(request: web.Request, call: Call) -> bool:
    """Whether it is at the extension, and on the PBX, that they ask for."""
    agent, pbx = request.query.get("agent"), request.query.get("pbx")
    return (agent is None or call.staffed_at(agent)) and pbx in {None, call.pbx}


def listed(told: Iterable[str]) -> str:
    """A JSON array of what is JSON already."""
    return f"[{', '.join(told)}]"


def _unknown() -> web.Response:
    return problem(404, "Not Found", "no such call is under way", code=Code.NO_CALL)


def shown_call(call: Call, grant: Grant) -> dict[str, Any]:
    """As those see it whose it is; of a call that is excluded, only that there is one, and what it is."""
    theirs = grant.purposes_of(call)
    bare: dict[str, Any] = {
        "id": call.id,
        "pbx": call.pbx,
        "linkedid": None,
        "direction": None,
        "queue": None,
        "agent": None,
        "began_at": None,
        "answered_at": None,
        "state": state_of(call, theirs).value,
        "pauses": [],
        "purposes": [],
        "recordings": [],
    }
    if call.excluded is not None:
        return bare
    return {
        **bare,
        "linkedid": call.linkedid,
        "direction": call.direction.value,
        "queue": call.queue,
        "agent": call.agent,
        "began_at": _time(call.began_at),
        "answered_at": _time(call.answered_at),
        "pauses": [suspension.cause.value for suspension in call.suspensions] if theirs else [],
        "purposes": [_shown_purpose(one) for one in shown(call) if one.purpose in theirs],
        "recordings": [
            {"name": t.recording.name, "purpose": t.purpose.name, "state": t.recording.phase.value}
            for t in call.tracks
            if t.recording is not None and t.purpose.name in theirs
        ],
    }


def offered_call(call: Call, grant: Grant, principal: Principal) -> dict[str, Any]:
    """The same, with what they may ask of it just now."""
    return {**shown_call(call, grant), "may": offered(call, principal)}


def _shown_purpose(one: Shown) -> dict[str, Any]:
    reason = one.reason.value if one.reason is not None else None
    return {"name": one.purpose, "state": one.state.value, "reason": reason, "since": _time(one.since)}


def _time(at: datetime | None) -> str | None:
    return at.isoformat(timespec="milliseconds") if at is not None else None
