"""Brings decisions to somebody outside, in their order, until they have taken each or its time is over.

Decisions are read back from PostgreSQL: what is told is durable, nothing waits for whoever is told, and what could not
be told yet is kept where the decisions are. Owns the loop, its patience and its counts; the ``Feed`` knows how far it
has come, the ``Sink`` how somebody is told. Each decision is told at least once: who ends between telling and noting
it down tells it again.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

import structlog

from controller.back_off import back_off_s
from controller.domain.decision import StoredDecision
from controller.domain.names import Token
from controller.domain.policy import Period
from controller.errors import DatabaseError, NotDelivered, ReceiverGone
from controller.runtime import metrics
from controller.runtime.clock import now

BATCH: Final = 100
"""Decisions that are read at once."""
LOOK_EVERY_S: Final = 0.5
"""How long there was nothing to tell before it is looked for again."""
TAKE_EVERY_S: Final = 2.0
"""So a feed whose daemon died goes on well within ten seconds."""
LONGEST_WAIT_S: Final = 60.0
"""Between two attempts to tell somebody who does not take it."""
KEEP_S: Final = 5.0
"""How long a daemon that fails keeps the feed; then it lets go between its attempts: another one may do better."""
LET_GO_S: Final = 2 * TAKE_EVERY_S
"""How long it lets go at least, so that one that stands by has looked meanwhile."""
TRY_S: Final = 600.0
"""How long this daemon has failed to tell anything before it gives something up."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A decision on its way out: its place in its writer's chain, and when it was written (UTC)."""

    token: Token
    writer: str
    position: int
    written_at: datetime
    decision: StoredDecision


class Feed(Protocol):
    """Decisions in their order, from where its last holder has come to. Every method raises ``DatabaseError``."""

    async def take(self) -> bool:
        """Take or keep it; False where another daemon has it."""
        ...

    async def after(self, most: int) -> Sequence[Told]:
        """The next ones, as many at most. Raises ``DatabaseAway`` too where it is not ours any more."""
        ...

    async def had(self, told: Sequence[Told], *, given_up: int = 0) -> None:
        """Go on after these from now on, so many of which were given up."""
        ...

    async def release(self) -> None:
        """Let another daemon have it."""
        ...


class Sink(Protocol):
    """Somebody who is told of decisions."""

    def wants(self, decision: StoredDecision) -> bool:
        """Whether this one is for them."""
        ...

    async def send(self, told: Sequence[Told]) -> int:
        """Tell them, in this order, and say how many are done with: at least one, those they do not want included.

        Raises ``NotDelivered`` where that cannot be said of the first that is for them, ``ReceiverGone`` where it never
        will be.
        """
        ...


def _nobody_minds(_told: Told) -> None:
    """Where nobody asks what was given up."""


class Delivery:
    """One feed brought to one sink. ``random`` gives numbers in [0, 1), and spreads the attempts of many daemons.

    ``give_up_after`` is how long after it was written a decision is given up: the one that has just been tried again,
    once this daemon has been told of no success for ``try_s`` seconds. Who was away for longer than that is told of
    all the same. ``on_given_up`` hears of the first that is given up after a success, and of no other one.
    """

    def __init__(
        self,
        *,
        name: str,
        feed: Feed,
        sink: Sink,
        give_up_after: Period,
        random: Callable[[], float],
        on_given_up: Callable[[Told], None] = _nobody_minds,
        keep_s: float = KEEP_S,
        try_s: float = TRY_S,
    ) -> None:
        self.name = name
        """In logs and metrics."""
        self._feed = feed
        self._sink = sink
        self._give_up_after = give_up_after
        self._random = random
        self._on_given_up = on_given_up
        self._keep_s = keep_s
        self._try_s = try_s
        self._failures = 0
        self._failing_since: float | None = None
        self._alerted = False
        self.last_error = ""
        """Why the last one could not be told; empty once one has been, or there was none to tell."""
        self._told = metrics.FEED_TOLD.labels(name)  # from the start: a series that is not there raises no alert
        self._failed = metrics.FEED_FAILURES.labels(name)
        self._given_up = metrics.FEED_GIVEN_UP.labels(name)
        self._late = metrics.FEED_LATE.labels(name)

    async def run(self) -> None:
        """Tell, or stand by while another daemon does, until cancelled, or until whoever is told wants no more."""
        while True:
            try:
                while await self._feed.take():
                    await self._go_on()
            except ReceiverGone as error:
                _log.critical("feed.ended", feed=self.name, reason=str(error))
                await self._feed.release()
                self._late.set(0)
                return
            except DatabaseError as error:
                self._note(str(error))
            except Exception as error:  # noqa: BLE001 - a fault in what is told must not end what decides
                self._note(f"a fault: {type(error).__name__}", fault=error)
                await self._feed.release()  # one of another version may know how to go on
            self._late.set(0)
            await asyncio.sleep(TAKE_EVERY_S)

    async def _go_on(self) -> None:
        """What there is, some of it."""
        some = await self._feed.after(BATCH)
        if not some:
            self._late.set(0)
            self._succeeded()
            await asyncio.sleep(LOOK_EVERY_S)
            return
        self._late.set(max(0.0, (now() - some[0].written_at).total_seconds()))
        try:
            done = await self._sink.send(some)
        except ReceiverGone:
            raise
        except NotDelivered as error:
            self._note(str(error))
            await self._wait(await self._failing(some))
            return
        await self._feed.had(some[:done])
        self._told.inc(sum(self._sink.wants(one.decision) for one in some[:done]))
        self._succeeded()

    async def _failing(self, some: Sequence[Told]) -> float:
        """For how many seconds that has been so; what was tried is given up where its time is over."""
        moment = asyncio.get_running_loop().time()
        if self._failing_since is None:
            self._failing_since = moment
        seconds = moment - self._failing_since
        if seconds >= self._try_s:
            await self._give_up(some)
        return seconds

    async def _wait(self, failing_s: float) -> None:
        """Until it is tried again; another daemon may try meanwhile, where this one has failed for long enough."""
        wait = back_off_s(self._failures, self._random(), longest_s=LONGEST_WAIT_S)
        self._failures += 1
        if failing_s >= self._keep_s:
            await self._feed.release()
            wait = max(wait, LET_GO_S)
        await asyncio.sleep(wait)

    async def _give_up(self, some: Sequence[Told]) -> None:
        """The one that was tried, where its time is over, and no other one: those after it may be taken."""
        tried = next(place for place, one in enumerate(some) if self._sink.wants(one.decision))
        one = some[tried]
        if self._give_up_after.after(one.written_at) >= now():
            return
        await self._feed.had(some[: tried + 1], given_up=1)
        self._given_up.inc()
        _log.critical("feed.given_up", feed=self.name, call=one.decision.call_id, reason=self.last_error)
        if not self._alerted:
            self._alerted = True
            self._on_given_up(one)

    def _succeeded(self) -> None:
        self._failures, self._failing_since, self._alerted, self.last_error = 0, None, False, ""

    def _note(self, reason: str, *, fault: Exception | None = None) -> None:
        """Say why, once for each reason; of a fault, where it is."""
        self._failed.inc()
        if reason != self.last_error:
            _log.warning("feed.not_told", feed=self.name, reason=reason, exc_info=fault)
        self.last_error = reason
