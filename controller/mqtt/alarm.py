"""What is announced when people should look at a call: one message for each alert, with nothing personal in it."""

from datetime import datetime

import msgspec

from controller.domain.decision import Reason
from controller.domain.names import CallId


class _Alert(msgspec.Struct, frozen=True, kw_only=True):
    alert: Reason
    call: CallId
    at: datetime


def written(call: CallId, reason: Reason, at: datetime) -> bytes:
    """An alert as JSON: ``alert`` (a reason), ``call``, ``at`` (UTC)."""
    return msgspec.json.encode(_Alert(alert=reason, call=call, at=at))
