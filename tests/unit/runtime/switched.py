"""The calls of a PBX with no PBX behind them: what is told goes in, commands come out."""

from collections.abc import Callable
from dataclasses import dataclass

from controller.domain import events
from controller.domain.call import Call
from controller.domain.commands import Command, Commit, Log
from controller.domain.names import BridgeId, CallId, ChannelId, RecordingName
from controller.domain.policy import Purpose
from controller.domain.recording import Phase
from controller.domain.switchboard import Switchboard
from controller.runtime.dispatcher import Dispatcher, Question
from tests.unit.domain.stories import NOON, asked_for, policy, told


@dataclass
class Pbx:
    """What the API needs of a PBX."""

    dispatcher: Dispatcher
    name: str = "main"
    ready: bool = True
    why_not_ready: str = ""


class Switched:
    """A dispatcher, its switchboard, and every command that was given, oldest first."""

    def __init__(self, *purposes: Purpose, too_many: Callable[[int], bool] = lambda _calls: False) -> None:
        self.commands: list[tuple[CallId, Command]] = []
        self.switchboard = Switchboard()
        self.dispatcher = Dispatcher(
            pbx="main",
            policy=policy(*purposes),
            switchboard=self.switchboard,
            carry_out=lambda call, command: self.commands.append((call.id, command)),
            too_many=too_many,
        )
        self.dispatcher.informed(frozenset({"201", "202"}), notice=policy().notice)

    def call(self, call_id: CallId) -> Call:
        """A call that is under way."""
        found = self.dispatcher.call(call_id)
        assert found is not None
        return found

    def phase(self, call_id: CallId) -> Phase | None:
        """What the recording of a call is."""
        recording = self.call(call_id).tracks[0].recording
        return recording.phase if recording else None

    def recording(self, call_id: CallId) -> RecordingName:
        """The name of the recording of a call."""
        recording = self.call(call_id).tracks[0].recording
        assert recording is not None
        return recording.name

    def given(self, call_id: CallId) -> list[str]:
        """The commands for one call, by name."""
        return [type(command).__name__ for of, command in self.commands if of == call_id]

    def logged(self, call_id: CallId) -> list[tuple[str, str, str]]:
        """What was written down about one call and waited for by nobody: kind, reason, actor."""
        found = [command.decision for of, command in self.commands if of == call_id and isinstance(command, Log)]
        return [(decision.kind, decision.reason, decision.actor) for decision in found]

    def joins(self, channel: str, name: str, bridge: str = "talk") -> None:
        """A channel enters a bridge."""
        self.switchboard.seen(ChannelId(channel), name)
        self.switchboard.entered(ChannelId(channel), BridgeId(bridge))
        self.dispatcher.connections_changed(self.switchboard.connected(ChannelId(channel)), NOON)

    def leaves(self, channel: str) -> None:
        """A channel leaves its bridge."""
        before = self.switchboard.connected(ChannelId(channel))
        self.switchboard.left_any(ChannelId(channel))
        self.dispatcher.connections_changed(before, NOON)

    def asks(self, customer: str, *, customer_hash: bytes | None = None) -> CallId:
        """A dialplan asks, and the announcement is heard."""
        self.switchboard.seen(ChannelId(customer), f"PJSIP/carrier-0000000{len(self.commands)}")
        return self.dispatcher.ask(self.question(customer, customer_hash=customer_hash))

    @staticmethod
    def question(customer: str, *, customer_hash: bytes | None = None) -> Question:
        """What a dialplan asks."""
        sealed = b"sealed" if customer_hash else None
        asked = asked_for()
        return Question(
            channel=ChannelId(customer),
            linkedid=customer,
            asked=asked,
            customer_hash=customer_hash,
            customer_sealed=sealed,
        )

    def all_committed(self, call_id: CallId) -> None:
        """Whatever of a call waited to be written down is."""
        for command in [command for of, command in self.commands if of == call_id and isinstance(command, Commit)]:
            self.dispatcher.tell(call_id, events.DecisionCommitted(at=NOON, token=command.token, seq=1, draw=None))

    def is_recorded(self, customer: str, agent: str, *, bridge: str) -> CallId:
        """A call, up to its recording."""
        call_id = self.asks(customer)
        self.dispatcher.tell(call_id, events.PromptEnded(at=NOON, heard=told()))
        self.joins(customer, self.switchboard.name(ChannelId(customer)), bridge)
        self.joins(agent, f"PJSIP/{agent}-00000001", bridge)
        asked = next(
            command for of, command in reversed(self.commands) if of == call_id and isinstance(command, Commit)
        )
        self.dispatcher.tell(call_id, events.DecisionCommitted(at=NOON, token=asked.token, seq=1, draw=None))
        name = self.recording(call_id)
        for kind in (events.SnoopReady, events.RecordingStarted):
            self.dispatcher.tell_recording(name, kind(at=NOON, recording=name))
        assert self.phase(call_id) is Phase.RECORDING
        return call_id
