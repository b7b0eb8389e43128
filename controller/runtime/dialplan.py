"""What a dialplan may ask by FastAGI: ``/consent``, ``/pause``, ``/resume``, ``/start``, ``/stop``.

The call is found by the channel that asks, or by ``call=`` in the query. Everything is answered at once, so that no
caller waits; what is not understood is answered by the end of the session.
"""

from collections.abc import Callable

import structlog

from controller.agi.session import AgiSession
from controller.domain.call import Call
from controller.domain.names import CallId, ChannelId
from controller.errors import AgiHangup
from controller.runtime import requests
from controller.runtime.link import PbxLink
from controller.runtime.requests import CAUSES, CallState

ACTOR = ORIGIN = "dialplan"

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
            elif path in {"/pause", "/resume", "/start", "/stop"}:
                await self._act(link, session, path)
            else:
                _log.warning("dialplan.unknown_path")
        except AgiHangup:
            _log.debug("dialplan.hung_up")

    async def _act(self, link: PbxLink, session: AgiSession, path: str) -> None:
        call = _call(link, session)
        if call is None:
            if path == "/pause":  # nothing of it is recorded, and nothing will be
                await session.set_variable("RC_PAUSED", "yes")
            return
        query = session.request.query
        purpose = query.get("purpose") or None
        cause = CAUSES.get(query.get("reason", "payment"), CAUSES["payment"])
        match path:
            case "/pause":
                state = await requests.pause(link.dispatcher, call.id, cause=cause, origin=ORIGIN, actor=ACTOR)
                confirmed = state in {CallState.PAUSED, CallState.NOT_RECORDED}
                await session.set_variable("RC_PAUSED", "yes" if confirmed else "no")
            case "/resume":
                await requests.resume(link.dispatcher, call.id, cause=cause, origin=ORIGIN, actor=ACTOR)
            case "/start":
                requests.start(link.dispatcher, call.id, purpose=purpose, actor=ACTOR)
            case _:
                requests.stop(link.dispatcher, call.id, purpose=purpose, actor=ACTOR)


def _call(link: PbxLink, session: AgiSession) -> Call | None:
    named = session.request.query.get("call")
    if named:
        return link.dispatcher.call(CallId(named))
    return link.dispatcher.call_of(ChannelId(session.request.channel_id))
