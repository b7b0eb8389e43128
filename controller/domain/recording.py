"""One recording of one call, as far as it is known to have come."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from controller.domain.decision import Reason
from controller.domain.names import RecordingName, Token


class Phase(StrEnum):
    """What a recording IS. The core moves it toward what it SHOULD be."""

    SNOOPING = "snooping"
    """The snoop channel is asked for."""
    READY = "ready"
    """The snoop channel is there; nothing is recorded."""
    STARTING = "starting"
    """Recording is asked for; it may have begun."""
    RECORDING = "recording"
    PAUSING = "pausing"
    """Pause is asked for; it still counts as recording."""
    PAUSED = "paused"
    RESUMING = "resuming"
    """Resume is asked for; it may be recording again."""
    STOPPING = "stopping"
    """The snoop channel is hung up, or about to be."""
    LOST = "lost"
    """It ended, and nobody here ended it."""


CAPTURING = frozenset({Phase.STARTING, Phase.RECORDING, Phase.PAUSING, Phase.RESUMING, Phase.STOPPING})
"""Phases in which audio may be on its way into the file: a stop, too, is only true once Asterisk has said so."""

BEGUN = frozenset({Phase.RECORDING, Phase.PAUSING, Phase.PAUSED, Phase.RESUMING})
"""Phases in which Asterisk keeps a live recording, known to have started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A recording under way.

    ``recorded`` adds up its finished stretches of recording (None: nobody knows), and ``span_began`` is when its
    present stretch began; ``deadline`` is the token of the timer that it waits for, ``alerted`` whether its present
    pause has raised an alert.
    ``asked`` is whether Asterisk has been asked to record: from then on there may be a file.
    ``halted_for``, ``halted_by`` and ``halted_at`` are why, by whom and when the present pause or stop was triggered;
    ``tainted_from`` is set where what was recorded since may hold what had to be left out. ``behind`` is whether the
    PBX has stood still since the snoop channel was asked for: what it gives may be older than what is said now.
    """

    name: RecordingName
    phase: Phase = Phase.SNOOPING
    asked: bool = False
    started_at: datetime | None = None
    span_began: datetime | None = None
    halted_for: Reason | None = None
    halted_by: str = "policy"
    halted_at: datetime | None = None
    deadline: Token | None = None
    tainted_from: datetime | None = None
    recorded: timedelta | None = timedelta()
    snoop_gone: bool = False
    behind: bool = False
    alerted: bool = False

    @property
    def over(self) -> bool:
        """Whether it has ended, or is being ended for a reason of its own."""
        return self.phase in {Phase.STOPPING, Phase.LOST}

    @property
    def failed(self) -> bool:
        """Whether it ended for want of a working recording, not because it should."""
        return self.halted_for is Reason.RECORDING_FAILED
