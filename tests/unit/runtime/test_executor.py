"""What comes of a command: what is told back, and what is counted."""

from typing import cast

import pytest
from prometheus_client import REGISTRY

from controller.ari.client import Ari
from controller.domain.commands import Command, Commit, CommitSampled
from controller.domain.decision import Kind, Reason, Verdict
from controller.domain.events import DecisionCommitted, DecisionLost, Event
from controller.domain.names import CallId, RecordingName
from controller.domain.turn import Turn
from controller.errors import Gone
from controller.runtime.deadman import DeadMansSwitch, KeepsAlive
from controller.runtime.executor import Executor
from controller.runtime.notices import Notices
from controller.runtime.ports import Entry, Receipt, Register
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

    deadman = DeadMansSwitch(cast("KeepsAlive", None), watching=lambda: True, name="main")
    writer = cast("Writer", Paper(receipt))
    executor = Executor(
        ari=cast("Ari", None),
        writer=writer,
        register=cast("Register", None),
        deadman=deadman,
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
    name = RecordingName("rc-call-quality-1")
    deadman.known(name, "Snoop/x-00000001")
    deadman.released(name)
    with pytest.raises(Gone):
        await deadman.arm(name)
