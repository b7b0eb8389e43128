"""Keeps the calls of one PBX, and brings each event to the call that it concerns.

An event is applied the moment it is told: nothing is awaited between reading and applying. What an event of the PBX
means for the switchboard is told by ``listener``; this module knows calls only.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

import structlog

from controller.domain.advance import advance
from controller.domain.call import Call
from controller.domain.commands import Command
from controller.domain.events import CallBegan, CustomerLeft, Event, PartiesChanged
from controller.domain.names import CallId, ChannelId, RecordingName
from controller.domain.parties import Role, is_machinery, party
from controller.domain.policy import Direction, Policy
from controller.domain.switchboard import Switchboard
from controller.runtime import metrics
from controller.runtime.clock import new_call_id, now

CarryOut = Callable[[Call, Command], None]

CALL_OF_RECORDING = slice(3, 39)
"""Where the call's id stands in a recording's name (``rc-{call id}-{purpose}-{serial}``)."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A dialplan asks whether this caller may be recorded. ``language`` empty: the policy's default."""

    channel: ChannelId
    linkedid: str
    direction: Direction
    queue: str
    language: str
    customer_hash: bytes | None


class Dispatcher:
    """The calls of one PBX."""

    def __init__(self, *, pbx: str, policy: Policy, switchboard: Switchboard, carry_out: CarryOut) -> None:
        self.policy = policy
        """The policy for calls that begin from now on."""
        self._pbx = pbx
        self._switchboard = switchboard
        self._carry_out = carry_out
        self._calls: dict[CallId, Call] = {}
        self._by_customer: dict[ChannelId, CallId] = {}
        self._changed: dict[CallId, asyncio.Future[None]] = {}
        self._strangers: set[ChannelId] = set()
        self._gauge = metrics.CALLS.labels(pbx)

    @property
    def calls(self) -> Iterable[Call]:
        """Every call under way."""
        return self._calls.values()

    def call(self, call_id: CallId) -> Call | None:
        """One call, if it is under way."""
        return self._calls.get(call_id)

    def call_of(self, channel: ChannelId) -> Call | None:
        """The call whose customer is on this channel, or can hear it."""
        customers = (c for c in (channel, *self._switchboard.connected(channel)) if c in self._by_customer)
        customer = next(customers, None)
        return None if customer is None else self._calls[self._by_customer[customer]]

    def ask(self, question: Question) -> CallId:
        """Begin a call with a dialogue. A channel that asks again begins a new call: the old one ends."""
        self.customer_left(question.channel)
        language = question.language or self.policy.default_language
        route = self.policy.route(direction=question.direction, queue=question.queue, language=language)
        call = Call(
            id=new_call_id(),
            pbx=self._pbx,
            linkedid=question.linkedid,
            customer=question.channel,
            customer_hash=question.customer_hash,
            direction=question.direction,
            queue=question.queue,
            language=(route.language if route else None) or language,
            policy=self.policy,
            route=route,
            began_at=now(),
        )
        self._begin(call)
        return call.id

    def tell(self, call_id: CallId, event: Event) -> None:
        """Apply an event to a call; one that is over hears nothing any more."""
        before = self._calls.get(call_id)
        if before is None:
            return
        metrics.EVENTS.inc()
        call, commands = advance(before, event)
        self._calls[call_id] = call
        for command in commands:
            self._carry_out(call, command)
        self._wake(call_id)
        if call.over:
            self._forget(call)

    def tell_recording(self, recording: RecordingName, event: Event) -> None:
        """Apply an event to the call that a recording belongs to."""
        self.tell(CallId(recording[CALL_OF_RECORDING]), event)

    def connections_changed(self, around: frozenset[ChannelId], at: datetime) -> None:
        """Who is connected with these channels may have changed."""
        customers = [channel for channel in around if channel in self._by_customer]
        for customer in customers:
            self._update_parties(customer, at)
        if not customers:
            self._notice(around, at)

    def customer_left(self, channel: ChannelId) -> None:
        """A channel is gone; where it was a customer's, so is the call."""
        self._strangers.discard(channel)
        call_id = self._by_customer.pop(channel, None)
        if call_id is not None:
            self.tell(call_id, CustomerLeft(at=now()))

    def was_here_before_us(self, channels: Iterable[ChannelId]) -> None:
        """These channels belong to calls whose beginning nobody saw: nothing is decided about them."""
        self._strangers.update(channel for channel in channels if channel not in self._by_customer)

    def forget_everything(self) -> None:
        """Begin again from nothing."""
        self._calls.clear()
        self._by_customer.clear()
        self._strangers.clear()
        self._gauge.set(0)

    async def changed(self, call_id: CallId, until: Callable[[Call], bool], *, within_s: float) -> Call | None:
        """Wait until a call is so; the call as it is then, or when the time is over. None: it has ended."""
        try:
            async with asyncio.timeout(within_s):
                while (call := self._calls.get(call_id)) is not None and not until(call):
                    await asyncio.shield(self._change_of(call_id))
        except TimeoutError:
            pass
        return self._calls.get(call_id)

    def _begin(self, call: Call) -> None:
        self._calls[call.id] = call
        self._by_customer[call.customer] = call.id
        self._gauge.set(len(self._calls))
        self.tell(call.id, CallBegan(at=now()))

    def _update_parties(self, customer: ChannelId, at: datetime) -> None:
        call = self._calls[self._by_customer[customer]]
        others = sorted(self._switchboard.connected(customer) - {customer})
        parties = tuple(party(c, self._switchboard.name(c), call.policy) for c in others)
        if parties != call.parties:
            self.tell(call.id, PartiesChanged(at=at, parties=parties))

    def _notice(self, around: frozenset[ChannelId], at: datetime) -> None:
        """An agent talks to somebody whom no dialplan asked: a call that is not recorded, and that says so."""
        if around & self._strangers:
            return
        people = sorted(c for c in around if c in self._switchboard and not is_machinery(self._switchboard.name(c)))
        parties = [party(c, self._switchboard.name(c), self.policy) for c in people]
        if not any(p.role is Role.AGENT for p in parties):
            return
        stranger = next((p.channel for p in parties if p.role is Role.EXTERNAL), None)
        if stranger is None:
            return
        call = Call(
            id=new_call_id(),
            pbx=self._pbx,
            linkedid=str(stranger),
            customer=stranger,
            customer_hash=None,
            direction=Direction.INBOUND,
            queue="",
            language=self.policy.default_language,
            policy=self.policy,
            route=None,
            began_at=at,
            asked=False,
        )
        self._begin(call)
        self._update_parties(stranger, at)

    def _forget(self, call: Call) -> None:
        self._calls.pop(call.id, None)
        if self._by_customer.get(call.customer) == call.id:
            del self._by_customer[call.customer]
        self._gauge.set(len(self._calls))
        self._wake(call.id)

    def _change_of(self, call_id: CallId) -> asyncio.Future[None]:
        waiting = self._changed.get(call_id)
        if waiting is None:
            waiting = self._changed[call_id] = asyncio.get_running_loop().create_future()
        return waiting

    def _wake(self, call_id: CallId) -> None:
        waiting = self._changed.pop(call_id, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(None)
