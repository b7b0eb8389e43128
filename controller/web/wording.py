"""Each call as JSON, as long as it is the same: made once for all who see it alike, whatever their names are.

Hundreds may listen to the same calls. Who sees a call in which way is ``controller.web.api``'s to say.
"""

import json
from dataclasses import replace

from controller.domain.access import Grant
from controller.domain.call import Call
from controller.domain.names import CallId
from controller.domain.principal import Principal
from controller.web.api import offered_call

_Seer = tuple[Grant, Principal]


class Wording:
    """Of a call that is over it must be told, or what was made stays."""

    def __init__(self) -> None:
        self._made: dict[CallId, tuple[Call, dict[_Seer, str]]] = {}

    def of(self, call: Call, grant: Grant, principal: Principal) -> str:
        """As this principal sees it, who has this grant."""
        of, made = self._made.get(call.id, (None, {}))
        if of is not call:
            made = {}
            self._made[call.id] = call, made
        seer = grant, replace(principal, name="")
        if seer not in made:
            made[seer] = json.dumps(offered_call(call, grant, principal))
        return made[seer]

    def forget(self, call: Call) -> None:
        """It is over."""
        self._made.pop(call.id, None)

    def forget_all(self) -> None:
        """The calls are others, or are not ours."""
        self._made.clear()
