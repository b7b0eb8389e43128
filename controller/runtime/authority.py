"""What of a request reaches a call, by what who asks may do: the same over HTTP and over MQTT."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from controller.domain.access import Action, Grant
from controller.domain.call import Call
from controller.runtime.requests import Request, Verb

ACTIONS: Final[Mapping[Verb, Action]] = {
    Verb.PAUSE: Action.RECORD_LESS,
    Verb.RESUME: Action.RECORD_MORE,
    Verb.START: Action.RECORD_MORE,
    Verb.STOP: Action.RECORD_LESS,
    Verb.OBJECTION: Action.DISCARD,
    Verb.PRIVATE: Action.MAKE_PRIVATE,
    Verb.PROOF: Action.DISCARD,
}

BY_PURPOSE: Final = frozenset({Verb.START, Verb.STOP, Verb.PROOF})
"""What may be asked for one purpose of a call only."""
OF_THE_WHOLE_CALL: Final = frozenset({Verb.RESUME, Verb.OBJECTION, Verb.PRIVATE})
"""What reaches every purpose of a call, and records more of it or takes away what exists: only by who may for all."""


def is_there(grant: Grant, verb: Verb, call: Call) -> bool:
    """Whether there is such a call for who asks this of it."""
    return grant.covers_all_of(call) if verb in OF_THE_WHOLE_CALL else grant.covers_call(call)


def of_theirs(asked: Request, call: Call, theirs: Sequence[str]) -> Sequence[Request]:
    """The same for each purpose that is theirs who ask, where others serve the call too; none where none is."""
    if asked.verb not in BY_PURPOSE or (asked.purpose is None and len(theirs) == len(call.tracks)):
        return [asked]
    return [replace(asked, purpose=purpose) for purpose in theirs if asked.purpose in {None, purpose}]
