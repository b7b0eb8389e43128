"""The laws, held against every step of a call by somebody who only sees events, states and commands."""

from dataclasses import replace

from controller.domain import events
from controller.domain.advance import advance
from controller.domain.call import Call
from controller.domain.commands import (
    URGENT,
    Command,
    Commit,
    CommitSampled,
    Conclude,
    Discard,
    Log,
    Pause,
    Resume,
    SetTimer,
    Snoop,
    StartRecording,
    Stop,
    Store,
)
from controller.domain.decision import Decision, Kind, Reason, Verdict
from controller.domain.names import RecordingName, Token
from controller.domain.parties import Role
from controller.domain.policy import Basis, Start
from controller.domain.recording import Phase, Recording
from controller.domain.records import CallRecord, RecordingState
from controller.domain.sides import STEREO

OUTCOMES = events.PauseConfirmed | events.PauseUnconfirmed | events.ResumeConfirmed | events.ResumeUnconfirmed
HARMLESS_ROLES = {Role.AGENT, Role.ASKED}


def forbidden(call: Call) -> bool:
    """Whether anything forbids to record this call just now."""
    present = {party.role for party in call.parties}
    return bool(call.suspensions or present - HARMLESS_ROLES or present == {Role.ASKED} or call.alone or call.ended_at)


def recordings(call: Call) -> dict[RecordingName, Recording]:
    """The recordings under way, by name."""
    return {t.recording.name: t.recording for t in call.tracks if t.recording is not None}


def purpose_of(name: RecordingName) -> str:
    """The purpose in a recording's name."""
    return name.removesuffix(STEREO).split("-")[-2]


def _withdrawn_by(event: events.Event, after: Call) -> set[str]:
    """The purposes that may not be recorded any more in this call, by what somebody has just asked."""
    match event:
        case events.StopRequested(purpose=name):
            return {t.purpose.name for t in after.tracks if name in {None, t.purpose.name}}
        case events.ProofExists(purpose=name):
            triggered = [t.purpose.name for t in after.tracks if t.purpose.start is Start.ON_TRIGGER]
            return {purpose for purpose in triggered if name in {None, purpose}}
        case events.ObjectionRaised():
            return {t.purpose.name for t in after.tracks if t.purpose.may_be_refused}
        case events.PrivateRequested():
            return {t.purpose.name for t in after.tracks if t.purpose.basis is not Basis.LEGAL_OBLIGATION}
        case _:
            return {t.purpose.name for t in after.tracks if t.withdrawn is not None}


class Laws:
    """Remembers what the laws are about: what was allowed, what is in flight, which timers run."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.questions: dict[Token, Decision] = {}
        self.allowed: set[str] = set()
        self.startable: set[RecordingName] = set()
        self.withdrawn: set[str] = set()
        self.in_flight: set[RecordingName] = set()
        self.overtaken: set[RecordingName] = set()
        self.behind: set[RecordingName] = set()
        self.running: set[Token] = set()
        self.tokens: set[Token] = set()
        self.concluded = 0

    def watch(self, before: Call, event: events.Event, after: Call, commands: tuple[Command, ...]) -> None:
        """One step; raises AssertionError where it breaks a law."""
        self._take_in(event, after)
        self._no_decision_no_recording(commands)
        self._a_resume_that_a_pause_overtook_is_void(after)
        self._stop_fast(after, commands)
        self._unconfirmed_is_off(before, event, after, commands)
        self._what_is_behind_does_not_go_on(before, event, after, commands)
        self._one_toggle_at_a_time(event, commands)
        self._timers(event, after, commands)
        self._everything_is_explained(event, after, commands)
        self._what_is_withdrawn_is_discarded(after, commands)
        self._an_excluded_call_names_nobody(after, commands)
        self._digits_are_nobodys_business(before, event, after, commands)
        self._nothing_is_left_undone(event, after)
        self.concluded += sum(isinstance(c, Conclude) for c in commands)
        assert self.concluded <= 1
        assert len(commands) <= 4 + 6 * max(1, len(after.tracks)), commands

    def _take_in(self, event: events.Event, after: Call) -> None:
        if isinstance(event, events.DecisionCommitted) and (asked := self.questions.pop(event.token, None)):
            chosen = event.draw is None or event.draw.chosen
            if chosen and asked.verdict is Verdict.ALLOWED and asked.purpose:
                self.allowed.add(asked.purpose)
        self.withdrawn |= _withdrawn_by(event, after)
        if forbidden(after):
            self.allowed.clear()
            self.startable.clear()

    def _no_decision_no_recording(self, commands: tuple[Command, ...]) -> None:
        """Law 1: a durable decision, taken after anything last forbade, good once."""
        for command in commands:
            match command:
                case Snoop(recording=name):
                    assert purpose_of(name) in self.allowed - self.withdrawn, command
                    self.allowed.discard(purpose_of(name))
                    self.startable.add(name)
                case StartRecording(recording=name):
                    assert name in self.startable, command
                    assert purpose_of(name) not in self.withdrawn, command
                case Resume(recording=name):
                    assert purpose_of(name) in self.allowed - self.withdrawn, command
                    self.allowed.discard(purpose_of(name))
                case Commit(token=token, decision=decision) | CommitSampled(token=token, question=decision):
                    self.questions[token] = decision
                case _:
                    pass

    def _a_resume_that_a_pause_overtook_is_void(self, after: Call) -> None:
        """Law 1: the decision to resume was taken before the pause, so it is none after it."""
        for name, recording in recordings(after).items():
            if recording.phase is not Phase.RESUMING:
                assert recording.phase is not Phase.RECORDING or name not in self.overtaken, recording
                self.overtaken.discard(name)
            elif forbidden(after):
                self.overtaken.add(name)

    def _stop_fast(self, after: Call, commands: tuple[Command, ...]) -> None:
        """Laws 2 and 4: what forbids acts in its own step, on every recording; urgent commands come first."""
        urgent = [isinstance(command, URGENT) for command in commands]
        assert urgent == sorted(urgent, reverse=True), commands
        if not forbidden(after):
            return
        for recording in recordings(after).values():
            assert recording.phase not in {Phase.SNOOPING, Phase.READY, Phase.STARTING, Phase.RECORDING}, recording

    def _unconfirmed_is_off(
        self, before: Call, event: events.Event, after: Call, commands: tuple[Command, ...]
    ) -> None:
        """Law 3: paused is only what Asterisk confirmed; what it did not confirm in time is stopped."""
        known = recordings(before)
        for name, recording in recordings(after).items():
            was = known.get(name)
            if recording.phase is Phase.PAUSED and was is not None and was.phase is not Phase.PAUSED:
                match event:
                    case events.PauseConfirmed(recording=confirmed):
                        assert confirmed == name
                    case events.Inherited(paused=confirmed):
                        assert name in confirmed
                    case _:
                        raise AssertionError(event)
            if recording.phase is Phase.PAUSING and was is not None and was.phase is not Phase.PAUSING:
                assert Pause(recording=name) in commands
            if recording.phase is Phase.STOPPING and was is not None and was.phase is not Phase.STOPPING:
                assert Stop(recording=name) in commands or recording.halted_for is Reason.CALL_ENDED
        if isinstance(event, events.TimerFired):
            for name, recording in known.items():
                if recording.deadline == event.token and recording.phase in {Phase.PAUSING, Phase.RESUMING}:
                    assert Stop(recording=name) in commands

    def _what_is_behind_does_not_go_on(
        self, before: Call, event: events.Event, after: Call, commands: tuple[Command, ...]
    ) -> None:
        """Law 4: what the snoop channel of a PBX that stood still gives after a pause may be of the pause."""
        if isinstance(event, events.PbxStalled):
            self.behind |= recordings(before).keys()
            for name, recording in recordings(before).items():
                if recording.phase is Phase.RESUMING:
                    ended = recordings(after)[name]
                    assert (ended.phase, ended.tainted_from) == (Phase.STOPPING, recording.halted_at)
        assert not [c for c in commands if isinstance(c, Resume) and c.recording in self.behind]

    def _one_toggle_at_a_time(self, event: events.Event, commands: tuple[Command, ...]) -> None:
        if isinstance(event, OUTCOMES):
            self.in_flight.discard(event.recording)
        for command in commands:
            if isinstance(command, Pause | Resume):
                assert command.recording not in self.in_flight, command
                self.in_flight.add(command.recording)

    def _timers(self, event: events.Event, after: Call, commands: tuple[Command, ...]) -> None:
        if isinstance(event, events.TimerFired):
            self.running.discard(event.token)
        for command in commands:
            if isinstance(command, SetTimer | Commit | CommitSampled):
                assert command.token not in self.tokens, command
                self.tokens.add(command.token)
            if isinstance(command, SetTimer):
                assert command.seconds > 0
                self.running.add(command.token)
        for recording in recordings(after).values():
            waits = recording.phase not in {Phase.RECORDING, Phase.PAUSED, Phase.RESUMING}
            assert recording.deadline in self.running or not waits, recording
            if recording.phase is Phase.RESUMING and forbidden(after):
                assert recording.deadline in self.running, recording

    def _everything_is_explained(self, event: events.Event, after: Call, commands: tuple[Command, ...]) -> None:
        """Law 7; and what is excluded names nobody."""
        for command in commands:
            match command:
                case Log(decision=d) | Commit(decision=d) | CommitSampled(question=d):
                    neutral = after.excluded is not None and (d.rule, d.linkedid) == (None, None)
                    assert d.at == event.at
                    assert (d.call_id, d.pbx, d.policy_version) == (self.call.id, "main", "v1")
                    assert d.linkedid == (None if neutral or d.kind is Kind.CONSENT else self.call.linkedid)
                    assert neutral or bool(d.rule) == (self.call.route is not None)
                    assert d.actor
                    assert not (neutral and ":" in d.actor)
                    assert all(isinstance(fact, str | int | float | None) for fact in d.facts.values())
                case _:
                    pass

    def _what_is_withdrawn_is_discarded(self, after: Call, commands: tuple[Command, ...]) -> None:
        """GDPR art. 21: an objection takes back what exists, each file of it, and nobody may hear it meanwhile."""
        for command in commands:
            if isinstance(command, Discard):
                assert purpose_of(command.recording) in self.withdrawn
                assert any(record.name == command.recording for t in after.tracks for record in t.discarding)
        for track in after.tracks:
            if track.withdrawn is not None and track.withdrawn.discard:
                assert not [record for record in track.kept if record.state is RecordingState.ENDED], track
            for record in track.discarding:
                assert (record.state, record.quarantined_from) == (RecordingState.DISCARDING, record.started_at)

    def _an_excluded_call_names_nobody(self, after: Call, commands: tuple[Command, ...]) -> None:
        if after.excluded is None:
            return
        for command in commands:
            if isinstance(command, Store) and isinstance(command.record, CallRecord):
                record = command.record
                assert not any((record.linkedid, record.queue, record.route, record.agent))
                assert (record.customer_hash, record.customer_sealed) == (None, None)

    def _digits_are_nobodys_business(
        self, before: Call, event: events.Event, after: Call, commands: tuple[Command, ...]
    ) -> None:
        """PCI DSS 3.3.1: what is not the agents' own code, nor the caller's objection, leaves no trace."""
        codes = after.policy.keys.codes
        for _, keyed in after.keyed:
            assert keyed.digits
            assert any(code.startswith(keyed.digits) and code != keyed.digits for code in codes)
        objects = before.dialogue != after.dialogue
        completes = (
            any(code.endswith(event.digit) for code in codes) if isinstance(event, events.DigitPressed) else True
        )
        if isinstance(event, events.DigitPressed) and not completes and not objects:
            assert commands == ()
            assert replace(after, keyed=()) == replace(before, keyed=())

    def _nothing_is_left_undone(self, event: events.Event, after: Call) -> None:
        """Each step goes as far as it can: what has nothing new to say changes nothing."""
        stray = events.TimerFired(at=event.at, token=Token("nobody's"))
        assert advance(after, stray) == (after, ())
