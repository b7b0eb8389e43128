"""The two sides of a stereo recording.

It is one recording to everybody: one name, one decision, one life. On the PBX it is two, each with a snoop channel, a
live recording and a file of its own: what comes from the customer, and what they hear. The name of a recording tells
which it is, whatever its purpose has become since: that of any other ends in its number.

Neither name begins with the other whole: Asterisk holds a channel's id for taken while another's begins with it, and
which side it hears of first is chance. There is no dot in them: told to copy a recording to `x.agent`, it makes that
`x.wav` (both tried on 22.10).
"""

from collections.abc import Iterable

from controller.domain.names import RecordingName, Side

STEREO = "-stereo"
AGENT = "-agent"


def in_stereo(recording: RecordingName) -> RecordingName:
    """Return the name of a recording that is to have two sides."""
    return RecordingName(recording + STEREO)


def sides_of(recording: RecordingName) -> tuple[Side, ...]:
    """Whatever has to be done to a recording is done to each of these: the customer's first, which has its name."""
    side = Side(recording)
    return (side, Side(side.removesuffix(STEREO) + AGENT)) if side.endswith(STEREO) else (side,)


def every_side(recordings: Iterable[RecordingName]) -> frozenset[Side]:
    """Return the sides of all of these."""
    return frozenset(side for recording in recordings for side in sides_of(recording))


def recording_of(side: Side) -> RecordingName:
    """Which recording this is a side of."""
    return RecordingName(side.removesuffix(AGENT) + STEREO if side.endswith(AGENT) else side)
