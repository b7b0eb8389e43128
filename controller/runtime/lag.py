"""How late an event is read: by then, whoever pressed a key may have said what had to be left out.

Asterisk's clock and ours need not agree, nor stay as they are. What is measured is how much longer an event was on its
way than the quickest of those before it.
"""

from math import inf

LEAST_EVENTS = 8
LEAST_S = 30.0
"""The quickest of so many events in so many seconds is forgotten two times that later: a clock may have been set."""


class Lag:
    """The lag of one PBX's events."""

    def __init__(self) -> None:
        self._former = self._present = inf
        self._events = 0
        self._began = -inf

    def of(self, told_at: float, read_at: float) -> float:
        """How many seconds late an event is read.

        ``told_at`` is by the PBX's wall clock, ``read_at`` by our monotonic one; both in seconds.
        """
        took = read_at - told_at
        if self._events >= LEAST_EVENTS and read_at - self._began >= LEAST_S:
            self._former, self._present, self._events = self._present, inf, 0
        if not self._events:
            self._began = read_at
        self._events += 1
        self._present = min(self._present, took)
        return took - min(self._former, self._present)
