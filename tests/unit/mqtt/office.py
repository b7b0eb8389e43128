"""An office with real calls in a real dispatcher, and an Asterisk and a ledger that do at once what they are told."""

import asyncio
from collections.abc import Callable

from controller.domain import commands, events
from controller.domain.call import Call
from controller.domain.commands import Command
from controller.domain.consent import Heard, Outcome
from controller.domain.decision import Decision
from controller.domain.names import BridgeId, ChannelId
from controller.domain.policy import (
    Asked,
    Basis,
    Consent,
    ConsentMode,
    Direction,
    Period,
    Policy,
    Prompt,
    Purpose,
    Route,
    Start,
)
from controller.domain.switchboard import Switchboard
from controller.runtime.clock import now
from controller.runtime.dispatcher import Dispatcher, Question
from controller.runtime.requests import CallState, state_of
from tests.unit.domain.fake_pbx import FakePbx

PATIENCE_S = 20.0
_TOLD = Prompt(name="told", language="fr", sound="told", text="told", milliseconds=1000, digest="told-sha")
_CONSENT = Consent(mode=ConsentMode.OPT_OUT, announcement="told")


def _purpose(name: str, start: Start) -> Purpose:
    return Purpose(
        name=name, basis=Basis.CONTRACT, start=start, sampling=None, consent=_CONSENT, retention=Period(months=1)
    )


POLICY = Policy(
    version="v1",
    purposes={"quality": _purpose("quality", Start.ON_ANSWER), "orders": _purpose("orders", Start.ON_TRIGGER)},
    routes=(
        Route(name="support", queues=("support",), purposes=("quality",)),
        Route(name="orders", queues=("orders",), purposes=("orders",)),
    ),
    agents=("PJSIP/2*",),
    notice="n1",
    prompts={"told": {"fr": _TOLD}},
    default_language="fr",
)


class Office:
    """One PBX. Asterisk does not even answer the commands of the kinds in ``deaf_to``."""

    def __init__(self, name: str = "lab") -> None:
        self.name = name
        self.ready = True
        self.decisions: list[Decision] = []
        self.commands: list[Command] = []
        self.deaf_to: tuple[type, ...] = ()
        self._asterisk = FakePbx()
        self._switchboard = Switchboard()
        self._callers = 0
        self.dispatcher = Dispatcher(pbx=name, policy=POLICY, switchboard=self._switchboard, carry_out=self._carry_out)
        self.dispatcher.informed(frozenset({"201", "202"}), notice=POLICY.notice)

    @property
    def asked_for(self) -> list[tuple[str, str, str]]:
        """What was decided, why, and on whose account, but for what the policy and the caller decide."""
        told = [(d.kind.value, d.reason.value, d.actor) for d in self.decisions]
        return [one for one in told if one[2] not in {"policy", "caller"}]

    def count(self, kind: type) -> int:
        """How often Asterisk was told so."""
        return sum(isinstance(command, kind) for command in self.commands)

    async def talk(self, *, agent: str = "201", queue: str = "support") -> Call:
        """A caller who was told, and whom an agent has answered."""
        self._callers += 1
        caller, answerer = ChannelId(f"caller-{self._callers}"), ChannelId(f"agent-{self._callers}")
        self._switchboard.seen(caller, f"PJSIP/trunk-{self._callers:08x}")
        self._switchboard.seen(answerer, f"PJSIP/{agent}-{self._callers:08x}")
        asked = Asked(direction=Direction.INBOUND, queue=queue, language="fr")
        call = self.dispatcher.ask(Question(channel=caller, linkedid=caller, asked=asked, customer_hash=b"hash"))
        await self.until(lambda: self.count(commands.Conclude) == self._callers)
        for channel in (caller, answerer):
            self._switchboard.entered(channel, BridgeId(f"bridge-{self._callers}"))
        self.dispatcher.connections_changed(frozenset({caller, answerer}), now())
        found = self.dispatcher.call(call)
        assert found is not None
        return found

    async def recorded(self, *, agent: str = "201") -> Call:
        """A caller whose call is recorded."""
        call = await self.talk(agent=agent)
        await self.until(lambda: self.state(call) is CallState.RECORDING)
        return call

    def state(self, call: Call) -> CallState:
        """What a call's recordings are now."""
        return state_of(self.dispatcher.call(call.id))

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(PATIENCE_S):
            while not holds():
                await asyncio.sleep(0.001)

    def _carry_out(self, call: Call, command: Command) -> None:
        self.commands.append(command)
        asyncio.get_running_loop().call_soon(self._do, call, command)

    def _do(self, call: Call, command: Command) -> None:
        at = now()
        match command:
            case commands.Play(prompt=prompt):
                heard = Heard(prompt=prompt, outcome=Outcome.PLAYED, milliseconds=prompt.milliseconds)
                self._tell(call, events.PromptEnded(at=at, heard=heard))
            case commands.LookUpObjections():
                self._tell(call, events.ObjectionsKnown(at=at, scopes=frozenset()))
            case commands.Commit(token=token, decision=decision):
                self.decisions.append(decision)
                self._tell(call, events.DecisionCommitted(at=at, token=token, seq=len(self.decisions), draw=None))
            case commands.Log(decision=decision):
                self.decisions.append(decision)
            case commands.SetTimer(token=token, seconds=seconds):
                timer = events.TimerFired(at=at, token=token)
                asyncio.get_running_loop().call_later(seconds, self._tell, call, timer)
            case commands.Discard(recording=name):
                self._tell(call, events.Discarded(at=at, recording=name))
            case commands.Snoop() | commands.StartRecording() | commands.Pause() | commands.Resume() | commands.Stop():
                self._record(command)
            case _:
                return

    def _record(self, command: Command) -> None:
        if isinstance(command, self.deaf_to):
            return
        self._asterisk.carry_out(command, now())
        while self._asterisk.news:
            news = self._asterisk.news.pop(0)
            self.dispatcher.tell_recording(news.recording, news)

    def _tell(self, call: Call, event: events.Event) -> None:
        self.dispatcher.tell(call.id, event)
