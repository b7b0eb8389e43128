"""What the times mean: how long after a trigger sound was still recorded, how long after an answer recording began.

Pure. What was recorded is read from the file by the sweep in it (``lab.sweep``); the frame that holds the last sound
before a pause is looked up among those that reached the PBX (``capture``). So neither end of the pause's way is
anything that the daemon or Asterisk says about itself. When recording began is what the daemon stored.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from lab.bench.capture import FRAME_S, Sound
from lab.bench.pauser import PAUSE_S, Trigger
from lab.sweep import Gap, Stretch, missing

_OF_A_PAUSE = PAUSE_S / 2
"""Less is missing where frames are lost; more only where something was paused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One call as it was answered and recorded, and what of the sweep is in its file."""

    call: str
    answered_at: datetime
    started_at: datetime
    heard: Sequence[Stretch]
    sound: Sound | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Latencies:
    """Milliseconds, one value for each call; ``unread`` counts pauses whose sound could not be told."""

    pauses: tuple[float, ...]
    confirmations: tuple[float, ...]
    starts: tuple[float, ...]
    unread: int


def latencies(recorded: Iterable[Recorded], triggers: Iterable[Trigger]) -> Latencies:
    """All that one run has to say about time."""
    calls = {one.call: one for one in recorded}
    paused = [trigger for trigger in triggers if trigger.pause_answer == "paused"]
    read = [_to_last_sound(calls, trigger) for trigger in paused]
    known = tuple(seconds * 1000 for seconds in read if seconds is not None)
    return Latencies(
        pauses=known,
        confirmations=tuple((trigger.pause_answered_at - trigger.paused_at) * 1000 for trigger in paused),
        starts=tuple((one.started_at - one.answered_at).total_seconds() * 1000 for one in calls.values()),
        unread=len(read) - len(known),
    )


def after_trigger(gap: Gap, sound: Sound, trigger_at: float) -> float | None:
    """Seconds from a trigger to the arrival of the last frame that is in the file before a gap.

    Negative where that frame was there before the trigger; None where it was not captured.
    """
    arrived = sound.arrivals.get(round(gap.begin_s / FRAME_S) - 1)
    return None if arrived is None else arrived - trigger_at


def pause_in(heard: Sequence[Stretch]) -> Gap | None:
    """The one pause of a recording; None where there is none, or more than one."""
    gaps = [gap for gap in missing(heard) if gap.seconds > _OF_A_PAUSE]
    return gaps[0] if len(gaps) == 1 else None


def _to_last_sound(calls: Mapping[str, Recorded], trigger: Trigger) -> float | None:
    one = calls.get(trigger.call)
    gap = pause_in(one.heard) if one is not None else None
    if one is None or one.sound is None or gap is None:
        return None
    return after_trigger(gap, one.sound, trigger.paused_at)
