"""How the customer of one call counts in another, where the two meet in a conference.

Each was asked for itself. One who objected is enough to keep both from being recorded (GDPR art. 21).
"""

from controller.domain.call import Call
from controller.domain.decision import Reason
from controller.domain.parties import Role
from controller.domain.should import objection

_REFUSALS = frozenset({Reason.OPTED_OUT, Reason.NOT_AGREED, Reason.OBJECTION_ON_FILE})


def standing(other: Call, call: Call) -> Role:
    """Who the customer of ``other`` is to ``call``: as good as its own for the same purposes, or not."""
    dialogue = other.dialogue
    if dialogue is None or other.excluded is not None:
        return Role.EXTERNAL
    if dialogue.answer in _REFUSALS:
        return Role.OBJECTED
    purposes = {track.purpose.name: track.purpose for track in other.tracks}
    shared = dialogue.allowed and all(track.purpose.name in purposes for track in call.tracks)
    if not shared:
        return Role.EXTERNAL
    against = any(objection(other, purposes[track.purpose.name]) is not None for track in call.tracks)
    return Role.OBJECTED if against else Role.ASKED
