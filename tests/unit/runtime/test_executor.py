"""What comes of a command: what is told back, and what is counted."""

import asyncio
from dataclasses import dataclass, field
from typing import cast

import pytest
from prometheus_client import REGISTRY

from controller.ari.client import Ari
from controller.domain.commands import Command, Commit, CommitSampled, Stop
from controller.domain.decision import Kind, Reason, Verdict
from controller.domain.events import DecisionCommitted, DecisionLost, Event
from controller.domain.names import CallId, RecordingName, Side
from controller.domain.turn import Turn
from controller.errors import Gone, PbxUnreachable
from controller.runtime.deadman import DeadMansSwitch, KeepsAlive
from controller.runtime.executor import Executor
from controller.runtime.notices import Notices
from controller.runtime.ports import Entry, Receipt, Register
from controller.runtime.sides import Sides
from controller.runtime.writer import Done, Writer
from tests.unit.domain.stories import NOON, SAMPLING, drawn, new_call, policy

CALL = new_call(policy())
ALLOWED = Turn(call=CALL, at=NOON).decision(Kind.RECORD, Verdict.ALLOWED, Reason.TRIGGER)
TRIGGERED = Commit(token=ALLOWED.token, decision=ALLOWED)
SAMPLED = CommitSampled(
    token=ALLOWED.token, question=ALLOWED, purpose="quality", stratum="all", sampling=SAMPLING, eligible=True
)


class Paper:
    """A writer that answers at once."""

    def __init__(self, receipt: Receipt | None) -> None:
        self._receipt = receipt

    def commit(self, _entry: Entry, done: Done) -> None:
        done(self._receipt)


def carried_out(command: Command, receipt: Receipt | None) -> list[type[Event]]:
    """The kinds of what came of it."""
    told: list[type[Event]] = []

    def tell(_call: CallId, event: Event) -> None:
        told.append(type(event))

    writer = cast("Writer", Paper(receipt))
    executor = Executor(
        ari=cast("Ari", None),
        sides=cast("Sides", None),
        writer=writer,
        register=cast("Register", None),
        doors={},
        notices=cast("Notices", None),
        tell=tell,
        alarm=lambda _call, _reason: None,
    )
    executor.carry_out(CALL, command)
    return told


def counted(verdict: Verdict, reason: Reason) -> float:
    """How many decisions of this kind were counted so far."""
    labels = {"kind": "record", "verdict": verdict.value, "reason": reason.value}
    return REGISTRY.get_sample_value("rc_decisions_total", labels) or 0


@pytest.mark.parametrize(
    ("command", "receipt", "verdict", "reason"),
    [
        pytest.param(TRIGGERED, Receipt(seq=1), "allowed", "trigger", id="as it was taken"),
        pytest.param(SAMPLED, Receipt(seq=1, draw=drawn(chosen=True)), "allowed", "sampled", id="as it was drawn"),
        pytest.param(SAMPLED, Receipt(seq=1, draw=drawn(chosen=False)), "refused", "not-sampled", id="either way"),
    ],
)
def test_a_decision_counts_once_it_is_durable(command: Command, receipt: Receipt, verdict: str, reason: str) -> None:
    before = counted(Verdict(verdict), Reason(reason))
    assert carried_out(command, receipt) == [DecisionCommitted]
    assert counted(Verdict(verdict), Reason(reason)) == before + 1


def test_a_decision_that_is_lost_does_not_count() -> None:
    before = counted(Verdict.ALLOWED, Reason.TRIGGER)
    assert carried_out(TRIGGERED, None) == [DecisionLost]
    assert counted(Verdict.ALLOWED, Reason.TRIGGER) == before


async def test_a_snoop_that_is_gone_already_cannot_be_recorded_from() -> None:
    deadman = DeadMansSwitch(cast("KeepsAlive", None), watching=lambda: True, name="main")
    side = Side("rc-call-quality-1")
    deadman.known(side, "Snoop/x-00000001")
    deadman.released(side)
    with pytest.raises(Gone):
        await deadman.arm(side)


@dataclass
class Refusing:
    """A PBX that takes no new connection; over those that there are it does what it is asked, or not even that."""

    deaf: bool = False
    hung_up: list[str] = field(default_factory=list)
    refreshed: int = 0

    async def hangup(self, channel: str, *, fresh: bool = False) -> None:
        if fresh or self.deaf:
            raise PbxUnreachable("no connection")
        self.hung_up.append(channel)

    async def keep_recording_alive(self, _snoop_channel_name: str, _seconds: int) -> None:
        self.refreshed += 1


async def stopped(pbx: Refusing) -> None:
    """Have a recording stopped; then the dead man's switch has its turn."""
    name = RecordingName("rc-call-quality-1")
    deadman = DeadMansSwitch(cast("KeepsAlive", pbx), watching=lambda: True, name="main")
    deadman.known(Side(name), "Snoop/customer-00000001")
    await deadman.arm(Side(name))
    executor = Executor(
        ari=cast("Ari", pbx),
        sides=Sides(ari=cast("Ari", pbx), deadman=deadman, tell=lambda _recording, _event: None),
        writer=cast("Writer", None),
        register=cast("Register", None),
        doors={},
        notices=cast("Notices", None),
        tell=lambda _call, _event: None,
        alarm=lambda _call, _reason: None,
    )
    executor.carry_out(CALL, Stop(recording=name))
    await asyncio.sleep(0.01)
    await deadman._refresh(asyncio.get_running_loop().time() + 60)


async def test_the_dead_mans_switch_runs_out_for_what_is_to_stop() -> None:
    pbx = Refusing(deaf=True)
    await stopped(pbx)
    assert pbx.refreshed == 1


async def test_a_stop_that_gets_no_connection_of_its_own_takes_one_that_is_there() -> None:
    pbx = Refusing()
    await stopped(pbx)
    assert pbx.hung_up == ["rc-call-quality-1"]
