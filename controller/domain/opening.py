"""How a call begins: excluded, on a route, or on none."""

from dataclasses import replace
from datetime import datetime

from controller.domain.call import Call
from controller.domain.names import CallId, ChannelId
from controller.domain.parties import PRIVATE, Role
from controller.domain.policy import Asked, Policy


def opened(
    policy: Policy,
    asked: Asked,
    *,
    call_id: CallId,
    pbx: str,
    linkedid: str,
    customer: ChannelId,
    customer_hash: bytes | None,
    customer_sealed: bytes | None = None,
    caller: Role = Role.EXTERNAL,
    overloaded: bool = False,
    objected_before: frozenset[str] = frozenset(),
    at: datetime,
) -> Call:
    """A call whose dialplan has just asked. ``asked.language`` empty: the policy's default.

    ``overloaded``: there are too many calls already. ``caller`` is who dialled. Whom a representative calls is not
    asked: if the two were never connected, the call would stand there as any other, and tell whom it was to.
    """
    asked = replace(asked, language=asked.language or policy.default_language)
    excluded = policy.exclusion(asked) or PRIVATE.get(caller)
    route = policy.route(asked) if excluded is None else None
    return Call(
        id=call_id,
        pbx=pbx,
        linkedid=linkedid,
        customer=customer,
        customer_hash=customer_hash if excluded is None else None,
        customer_sealed=customer_sealed if excluded is None else None,
        direction=asked.direction,
        queue=asked.queue,
        language=(route.language if route else None) or asked.language,
        policy=policy,
        route=route,
        excluded=excluded,
        overloaded=overloaded,
        objected_before=objected_before,
        began_at=at,
    )
