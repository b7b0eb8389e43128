"""What is announced when people should look at a call: one message for each alert, with nothing personal in it."""

from datetime import datetime
from typing import Annotated

import msgspec

from controller.domain.decision import Reason
from controller.domain.names import CallId


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """Why people should look at a call, and since when."""

    alert: Reason
    call: CallId
    at: Annotated[datetime, msgspec.Meta(tz=True)]


def written(call: CallId, reason: Reason, at: datetime) -> bytes:
    """An alert as JSON: ``alert`` (a reason), ``call``, ``at`` (UTC)."""
    return msgspec.json.encode(Alert(alert=reason, call=call, at=at))
