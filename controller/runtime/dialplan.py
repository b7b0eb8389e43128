"""What a dialplan may ask by FastAGI: ``/consent``, ``/private``, and of a call under way what ``VERBS`` has.

The call is found by the channel that asks, or by ``call=`` in the query. Everything is answered at once, so that no
caller waits; what is not understood is answered by the end of the session.
"""

import asyncio
from collections.abc import Callable, Sequence

import structlog

from controller.agi.session import AgiSession
from controller.domain.names import CallId, ChannelId
from controller.domain.parties import Role
from controller.errors import AgiHangup
from controller.runtime import requests
from controller.runtime.link import PbxLink
from controller.runtime.requests import CAUSES, CallState, Request, Verb

ACTOR = ORIGIN = "dialplan"

VERBS = {f"/{verb.value}": verb for verb in Verb if verb is not Verb.PRIVATE}
"""What may be asked of a call, by the path."""

SILENT = frozenset({CallState.PAUSED, CallState.NOT_RECORDED})

PRIVATE = {"representative": Role.REPRESENTATIVE, "private-call": Role.PRIVATE}
"""Why the call of a channel may be its own business."""

_log = structlog.get_logger(__name__)


class Dialplan:
    """Serves the sessions of every PBX; ``link_of`` finds the PBX by the address that the session comes from."""

    def __init__(self, link_of: Callable[[str], PbxLink | None]) -> None:
        self._link_of = link_of

    async def serve(self, session: AgiSession) -> None:
        """Serve one session to its end. Raises AgiProtocolError."""
        link = self._link_of(session.peer)
        path = session.request.path
        if link is None:
            return
        try:
            if path == "/consent":
                await link.consent(session)
            elif path == "/private":
                role = PRIVATE.get(session.request.query.get("reason", ""), Role.PRIVATE)
                link.dispatcher.keep_private(ChannelId(session.request.channel_id), role)
            elif path in VERBS:
                await self._act(link, session, VERBS[path])
            else:
                _log.warning("dialplan.unknown_path")
        except AgiHangup:
            _log.debug("dialplan.hung_up")

    async def _act(self, link: PbxLink, session: AgiSession, verb: Verb) -> None:
        query = session.request.query
        named = query.get("call")
        calls = _calls(link, session, named)
        request = Request(
            verb=verb,
            actor=ACTOR,
            origin=ORIGIN,
            cause=CAUSES.get(query.get("reason", "payment"), CAUSES["payment"]),
            purpose=query.get("purpose") or None,
            leg=None if named else ChannelId(session.request.channel_id),
        )
        if request.leg is not None and (verb is Verb.RESUME or not calls):
            requests.tell_early(link.dispatcher, request.leg, request)
        if verb is not Verb.PAUSE:
            for call in calls:
                requests.tell(link.dispatcher, call, request)
        else:
            states = await asyncio.gather(*(requests.act(link.dispatcher, call, request) for call in calls))
            # Where no call is known and the PBX is watched, nothing of that channel is recorded; what it joins pauses.
            known = SILENT.issuperset(states) if calls else link.ready and not named
            await session.set_variable("RC_PAUSED", "yes" if known else "no")


def _calls(link: PbxLink, session: AgiSession, named: str | None) -> Sequence[CallId]:
    if named:
        return [CallId(named)] if link.dispatcher.call(CallId(named)) else []
    return [call.id for call in link.dispatcher.calls_of(ChannelId(session.request.channel_id))]
