"""Keeps the calls of one PBX, and brings each event to the call that it concerns.

An event is applied the moment it is told: nothing is awaited between reading and applying. What an event of the PBX
means for the switchboard is told by ``listener``; this module knows calls only.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from controller.domain.advance import advance
from controller.domain.call import Call
from controller.domain.commands import Command, Store
from controller.domain.decision import Reason
from controller.domain.events import (
    CallBegan,
    CallReplaced,
    CustomerLeft,
    Event,
    Hindered,
    Inherited,
    PartiesChanged,
    PauseRequested,
    PbxStalled,
)
from controller.domain.hindrance import NOTHING_HINDERS, Hindrance
from controller.domain.inheritance import essence, worth_keeping
from controller.domain.names import CallId, ChannelId, RecordingName
from controller.domain.opening import opened
from controller.domain.parties import STAFF, Party, Role, is_machinery, party
from controller.domain.policy import Asked, Direction, Policy
from controller.domain.records import LiveCallRecord
from controller.domain.standing import standing
from controller.domain.switchboard import Switchboard
from controller.domain.withdrawal import objected_to
from controller.runtime import metrics, succession
from controller.runtime.clock import new_call_id, new_keeper, now
from controller.runtime.ports import NobodyLooks, Onlooker

CarryOut = Callable[[Call, Command], None]

CALL_OF_RECORDING = slice(3, 39)
"""Where the call's id stands in a recording's name (``rc-{call id}-{purpose}-{serial}``)."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A dialplan asks whether this caller may be recorded. ``asked.language`` empty: the policy's default."""

    channel: ChannelId
    linkedid: str
    asked: Asked
    customer_hash: bytes | None
    customer_sealed: bytes | None = None


@dataclass(slots=True)
class _EarlyPause:
    """What a channel asked for before it was in a call, and the calls that know of it by now."""

    request: PauseRequested
    told: set[CallId] = field(default_factory=set)


def _never_too_many(_calls: int) -> bool:
    return False


class Dispatcher:
    """The calls of one PBX. ``too_many`` says whether one more call than so many is one too many."""

    def __init__(
        self,
        *,
        pbx: str,
        policy: Policy,
        switchboard: Switchboard,
        carry_out: CarryOut,
        too_many: Callable[[int], bool] = _never_too_many,
    ) -> None:
        self.policy = policy
        """The policy for calls that begin from now on."""
        self._pbx = pbx
        self._switchboard = switchboard
        self._carry_out = carry_out
        self._too_many = too_many
        self._hindrances = NOTHING_HINDERS
        self._kept: set[CallId] = set()
        self._calls: dict[CallId, Call] = {}
        self._by_customer: dict[ChannelId, CallId] = {}
        self._changed: dict[CallId, asyncio.Future[None]] = {}
        self._strangers: set[ChannelId] = set()
        self._private: dict[ChannelId, Role] = {}
        self._informed: frozenset[str] = frozenset()
        self._informed_by = ""
        self._early: dict[ChannelId, list[_EarlyPause]] = {}
        self.onlooker: Onlooker = NobodyLooks()
        """Is told of every call that changes, after all that has to be done for it."""
        self.late = timedelta()
        """How long after it happened that is read which is being told now."""
        self._gauge = metrics.CALLS.labels(pbx)

    @property
    def calls(self) -> Iterable[Call]:
        """Every call under way."""
        return self._calls.values()

    def call(self, call_id: CallId) -> Call | None:
        """One call, if it is under way."""
        return self._calls.get(call_id)

    def calls_of(self, channel: ChannelId) -> tuple[Call, ...]:
        """The calls whose customer is on this channel, or can hear it: several where customers are in conference."""
        customers = [c for c in sorted(self._switchboard.connected(channel)) if c in self._by_customer]
        return tuple(self._calls[self._by_customer[customer]] for customer in customers)

    def calls_of_agent(self, extension: str) -> tuple[Call, ...]:
        """The calls in which somebody of the company at this extension talks to a customer, on hold or not."""
        return tuple(call for call in self.calls if call.staffed_at(extension))

    def ask(self, question: Question) -> CallId:
        """Begin a call with a dialogue.

        A channel that asks again begins a new call: the old one ends, what paused it and an objection in it hold on.
        """
        former = self._replaced(question.channel)
        overloaded = self._too_many(len(self._calls))
        call = opened(
            self.policy,
            question.asked,
            call_id=new_call_id(),
            pbx=self._pbx,
            linkedid=question.linkedid,
            customer=question.channel,
            customer_hash=question.customer_hash,
            customer_sealed=question.customer_sealed,
            caller=self._caller(question),
            objected_before=objected_to(former) if former else frozenset(),
            overloaded=overloaded,
            at=now(),
        )
        if overloaded:
            self._strangers.add(question.channel)
        self._begin(call)
        for pause in former.suspensions if former else ():
            again = PauseRequested(at=now(), cause=pause.cause, origin=pause.origin, actor=pause.actor, leg=pause.leg)
            self.tell(call.id, again)
        self._tell_early(question.channel, now())
        return call.id

    def informed(self, extensions: frozenset[str], *, notice: str) -> None:
        """These agents have been told by this version of the notice that they may be recorded; all who talk now too.

        Where another notice is in force nobody has been told, until it is said who has by that one.
        """
        if (extensions, notice) == (self._informed, self._informed_by):
            return
        self._informed, self._informed_by = extensions, notice
        for customer in list(self._by_customer):
            self._update_parties(customer, now())

    def hinder(self, hindrance: Hindrance, *, stands: bool) -> None:
        """Tell every call that this daemon cannot answer for recordings, or can again."""
        hindrances = self._hindrances | {hindrance} if stands else self._hindrances - {hindrance}
        if hindrances == self._hindrances:
            return
        self._hindrances = hindrances
        for call_id in list(self._calls):
            self.tell(call_id, Hindered(at=now(), hindrances=hindrances))

    def hindering(self, hindrance: Hindrance) -> Iterator[CallId]:
        """Tell one call after the other, as they are taken from here; one that begins meanwhile knows it already."""
        self._hindrances |= {hindrance}
        for call_id in list(self._calls):
            self.tell(call_id, Hindered(at=now(), hindrances=self._hindrances))
            yield call_id

    def stalled(self) -> None:
        """The PBX stood still: every call hears of it."""
        for call_id in list(self._calls):
            self.tell(call_id, PbxStalled(at=now()))

    def inherit(
        self,
        call: Call,
        *,
        recording: frozenset[RecordingName],
        paused: frozenset[RecordingName],
        torn: frozenset[RecordingName] = frozenset(),
    ) -> None:
        """Go on with a call of a daemon that is no more; Asterisk says which of its recordings record or are paused.

        ``torn`` are those that record of which a side does something else.
        """
        former = self._calls.get(self._by_customer.get(call.customer, call.id))
        if former is not None and (former.id == call.id or former.asked):
            return
        self._replaced(call.customer)  # seen in conversation before it was known whose it is
        self._calls[call.id] = replace(call, hindrances=self._hindrances)
        self._by_customer[call.customer] = call.id
        self._kept.add(call.id)
        self._gauge.set(len(self._calls))
        at = now()
        inherited = Inherited(at=at, recording=recording, paused=paused, torn=torn, keeper=new_keeper())
        self.tell(call.id, inherited)
        self.tell(call.id, Hindered(at=at, hindrances=self._hindrances))
        if call.id in self._calls:
            self.tell(call.id, PartiesChanged(at=at, parties=self._parties_of(call.customer, call)))

    def keep_private(self, channel: ChannelId, role: Role) -> None:
        """What this channel says in its call is its own business, for as long as it exists."""
        self._private[channel] = role
        self.connections_changed(self._switchboard.connected(channel) | {channel}, now())

    def pause_early(self, channel: ChannelId, request: PauseRequested) -> None:
        """A channel that is in no call is asked for card data: the call that it joins pauses, whichever it is."""
        self._early.setdefault(channel, []).append(_EarlyPause(request))

    def resume_early(self, channel: ChannelId, cause: Reason) -> None:
        """That is over."""
        left = [early for early in self._early.pop(channel, ()) if early.request.cause is not cause]
        if left:
            self._early[channel] = left

    def tell(self, call_id: CallId, event: Event) -> None:
        """Apply an event to a call; one that is over hears nothing any more."""
        before = self._calls.get(call_id)
        if before is None:
            return
        metrics.EVENTS.inc()
        call, commands = advance(before, event, late=self.late)
        self._calls[call_id] = call
        for command in commands:
            self._carry_out(call, command)
        self._keep(before, call)
        self._wake(call_id)
        self.onlooker.changed(call)
        if _stands_otherwise(before, call):
            self._tell_the_conference(call, event.at)
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
        for channel in around & self._early.keys():
            self._tell_early(channel, at)
        if not customers:
            self._notice(around, at)

    def gone(self, channel: ChannelId) -> None:
        """A channel is gone; where it was a customer's, so is the call."""
        self._strangers.discard(channel)
        self._private.pop(channel, None)
        self._early.pop(channel, None)
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
        self._private.clear()
        self._early.clear()
        self._kept.clear()
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

    def _tell_early(self, channel: ChannelId, at: datetime) -> None:
        """Tell the calls that a channel is in now what it asked for before, once each."""
        for call in self.calls_of(channel):
            for early in self._early.get(channel, ()):
                if call.id not in early.told:
                    early.told.add(call.id)
                    self.tell(call.id, replace(early.request, at=at))

    def _keep(self, before: Call, call: Call) -> None:
        """Have it written down for a daemon that may have to go on with this call."""
        if worth_keeping(call):
            if call.id in self._kept and essence(before) == essence(call):
                return
            self._kept.add(call.id)
            state = succession.written(call)
        elif call.id in self._kept:
            self._kept.discard(call.id)
            state = None
        else:
            return
        self._carry_out(call, Store(record=LiveCallRecord(call_id=call.id, pbx=call.pbx, state=state)))

    def _replaced(self, channel: ChannelId) -> Call | None:
        """The call of this customer until now, ended."""
        call_id = self._by_customer.pop(channel, None)
        if call_id is None:
            return None
        former = self._calls[call_id]
        self.tell(call_id, CallReplaced(at=now()))
        return former

    def _caller(self, question: Question) -> Role:
        """Who has dialled: where the company calls, the channel that the linkedid is of, as long as it exists."""
        if question.asked.direction is Direction.INBOUND:
            return Role.EXTERNAL
        return self._known(ChannelId(question.linkedid), self.policy).role

    def _begin(self, call: Call) -> None:
        self._calls[call.id] = replace(call, hindrances=self._hindrances)
        self._by_customer[call.customer] = call.id
        self._gauge.set(len(self._calls))
        self.tell(call.id, CallBegan(at=now()))

    def _update_parties(self, customer: ChannelId, at: datetime) -> None:
        call = self._calls[self._by_customer[customer]]
        parties = self._parties_of(customer, call)
        if parties != call.parties:
            self.tell(call.id, PartiesChanged(at=at, parties=parties))

    def _parties_of(self, customer: ChannelId, call: Call) -> tuple[Party, ...]:
        others = sorted(self._switchboard.connected(customer) - {customer})
        return tuple(self._party(channel, call) for channel in others)

    def _party(self, channel: ChannelId, call: Call) -> Party:
        """Who this channel is to a call: somebody of the company, the customer of another call, or a stranger."""
        found = self._known(channel, call.policy)
        other = self._calls.get(self._by_customer[channel]) if channel in self._by_customer else None
        return found if other is None else replace(found, role=standing(other, call))

    def _known(self, channel: ChannelId, policy: Policy) -> Party:
        informed = self._informed if self._informed_by == self.policy.notice else frozenset()
        found = party(channel, self._switchboard.name(channel), policy, informed=informed)
        private = self._private.get(channel)
        return found if private is None else replace(found, role=private)

    def _tell_the_conference(self, call: Call, at: datetime) -> None:
        """The customers of other calls who hear this one are concerned by what became of it."""
        for channel in self._switchboard.connected(call.customer) - {call.customer}:
            if channel in self._by_customer:
                self._update_parties(channel, at)

    def _notice(self, around: frozenset[ChannelId], at: datetime) -> None:
        """An agent talks to somebody whom no dialplan asked: a call that is not recorded, and that says so."""
        if around & self._strangers:
            return
        people = sorted(c for c in around if c in self._switchboard and not is_machinery(self._switchboard.name(c)))
        parties = [self._known(c, self.policy) for c in people]
        if not any(p.role in STAFF for p in parties):
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


def _stands_otherwise(before: Call, after: Call) -> bool:
    """Whether somebody else's recording may depend on what has changed."""
    return (before.dialogue, before.objections, before.excluded) != (after.dialogue, after.objections, after.excluded)
