"""Ends a process that was told to end and does not.

Whoever waits for a disk, a server or a peer that hangs waits for ever, and a service manager kills what does not end
anyway. What was decided is in the journal by then, recordings are paused, and the dead man's switch is set.
"""

import os
import threading

import structlog

WITHIN_S = 4.8
"""Of the 5 s that are promised."""

STATUS = 70
"""EX_SOFTWARE: the end was not a clean one."""

_log = structlog.get_logger(__name__)


class LastResort:
    """A timer in a thread of its own: it runs where the event loop does not."""

    def __init__(self, *, within_s: float = WITHIN_S) -> None:
        self._timer = threading.Timer(within_s, _end)
        self._timer.daemon = True

    def set(self) -> None:
        """Give the process its time from now on."""
        self._timer.start()


def _end() -> None:
    _log.critical("app.ended_by_force")
    os._exit(STATUS)
