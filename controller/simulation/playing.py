"""Plays a conversation through the core: a caller who listens, a PBX that obeys, a ledger that keeps nothing.

The decisions are the core's own. What is made up is how callers behave, drawn from a seed.
"""

import hashlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

from controller.domain import commands as do
from controller.domain import events, sampling
from controller.domain.advance import advance
from controller.domain.call import Call
from controller.domain.consent import Heard, Outcome
from controller.domain.decision import Decision
from controller.domain.names import CallId, ChannelId
from controller.domain.opening import opened
from controller.domain.parties import line_of, party
from controller.domain.policy import Consent, Policy
from controller.domain.records import ObjectionRecord
from controller.domain.sampling import Stratum
from controller.simulation.conversations import Conversation

PBX = "simulation"
_CUSTOMER, _COMPANY = ChannelId("customer"), ChannelId("company")


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How callers behave: the shares of them who object, who agree where a key is asked for, and who trigger."""

    objecting: float = 0.0
    agreeing: float = 1.0
    triggering: float = 0.0
    seed: int = 0

    def of(self, call: str) -> "Caller":
        """The caller of this call: the same one for the same seed, whatever other calls there are."""
        chance = Random(f"{self.seed}:{call}")  # noqa: S311 - has to be repeatable
        objects, agrees, triggers = (chance.random() for _ in range(3))
        return Caller(
            objects=objects < self.objecting, agrees=agrees < self.agreeing, triggers=triggers < self.triggering
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """What one caller does."""

    objects: bool
    agrees: bool
    triggers: bool

    def key(self, play: do.Play, consent: Consent) -> str | None:
        """The key that they press on this prompt."""
        if self.objects and consent.object_key in play.keys:
            return consent.object_key
        return consent.agree_key if self.agrees and (consent.agree_key or "-") in play.keys else None


@dataclass(slots=True)
class Company:
    """A company with a policy: plays conversations in the order of their answers, and remembers what it must."""

    policy: Policy
    manners: Manners
    strata: dict[tuple[str, str], Stratum] = field(default_factory=dict)
    objections: dict[bytes, dict[str, datetime]] = field(default_factory=dict)

    def play(self, conversation: Conversation) -> "Played":
        """The decisions about one conversation."""
        call = opened(
            self.policy,
            conversation.asked,
            call_id=CallId(conversation.call),
            pbx=PBX,
            linkedid=conversation.call,
            customer=_CUSTOMER,
            customer_hash=hashlib.sha256(conversation.number.encode()).digest() if conversation.number else None,
            at=conversation.start,
        )
        return _Stage(company=self, call=call, caller=self.manners.of(conversation.call)).play(conversation)

    def draw(self, command: do.CommitSampled) -> sampling.Draw:
        """The next draw of a stratum."""
        of = (command.purpose, command.stratum)
        key = f"simulation {self.manners.seed}".encode()
        self.strata[of], outcome = sampling.draw(
            self.strata.get(of, Stratum()),
            command.sampling,
            key=key,
            purpose=command.purpose,
            stratum=command.stratum,
            eligible=command.eligible,
        )
        return outcome

    def objected(self, customer_hash: bytes, at: datetime) -> frozenset[str]:
        """What this customer objects to now."""
        return frozenset(scope for scope, until in self.objections.get(customer_hash, {}).items() if until > at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """A conversation as the core decided it. ``call`` is its last state."""

    call: Call
    decisions: tuple[Decision, ...]


@dataclass(slots=True)
class _Stage:
    company: Company
    call: Call
    caller: Caller
    decisions: list[Decision] = field(default_factory=list)
    hung_up: bool = False

    def play(self, conversation: Conversation) -> Played:
        self._happens(events.CallBegan(at=conversation.start))
        if not self.hung_up:
            self._talk(conversation)
        self._happens(events.CustomerLeft(at=conversation.end))
        return Played(call=self.call, decisions=tuple(self.decisions))

    def _talk(self, conversation: Conversation) -> None:
        """The first of the company answers; every agent has been informed."""
        informed = {line_of(conversation.company).partition("/")[2]}
        answering = party(_COMPANY, conversation.company, self.company.policy, informed=informed)
        self._happens(events.PartiesChanged(at=conversation.answer, parties=(answering,)))
        if self.caller.triggers:
            actor = f"agent:{answering.extension}"
            self._happens(events.StartRequested(at=conversation.answer, purpose=None, actor=actor))

    def _happens(self, event: events.Event) -> None:
        """An event, and all that comes of it."""
        waiting = deque([event])
        while waiting:
            happened = waiting.popleft()
            self.call, commanded = advance(self.call, happened)
            for command in commanded:
                waiting.extend(self._carry_out(command, happened.at))

    def _carry_out(self, command: do.Command, at: datetime) -> Iterator[events.Event]:  # noqa: C901, PLR0912
        """What comes of a command where everything works."""
        match command:
            case do.Play():
                yield events.PromptEnded(at=at, heard=self._hear(command))
            case do.TellAgain(purpose=purpose, prompt=prompt):
                heard = Heard(prompt=prompt, outcome=Outcome.PLAYED, milliseconds=prompt.milliseconds)
                yield events.NoticePlayed(at=at, purpose=purpose, heard=heard)
            case do.LookUpObjections(customer_hash=customer_hash):
                yield events.ObjectionsKnown(at=at, scopes=self.company.objected(customer_hash, at))
            case do.Conclude(hang_up=hang_up):
                self.hung_up = hang_up
            case do.Commit(token=token, decision=decision):
                self.decisions.append(decision)
                yield events.DecisionCommitted(at=at, token=token, seq=0, draw=None)
            case do.CommitSampled(token=token, question=question):
                outcome = self.company.draw(command)
                decision = sampling.decided(question, outcome, command.sampling, eligible=command.eligible)
                self.decisions.append(decision)
                yield events.DecisionCommitted(at=at, token=token, seq=0, draw=outcome)
            case do.Log(decision=decision):
                self.decisions.append(decision)
            case do.Store(record=ObjectionRecord() as record):
                self.company.objections.setdefault(record.customer_hash, {})[record.scope] = record.until
            case do.Snoop(recording=recording):
                yield events.SnoopReady(at=at, recording=recording)
            case do.StartRecording(recording=recording):
                yield events.RecordingStarted(at=at, recording=recording)
            case do.Stop(recording=recording):
                yield events.RecordingEnded(at=at, recording=recording)
            case do.Discard(recording=recording):
                yield events.Discarded(at=at, recording=recording)
            case _:
                return

    def _hear(self, play: do.Play) -> Heard:
        prompt, dialogue = play.prompt, self.call.dialogue
        key = self.caller.key(play, dialogue.consent) if dialogue is not None else None
        outcome = Outcome.PLAYED if key is None else Outcome.KEY_PRESSED
        return Heard(prompt=prompt, outcome=outcome, milliseconds=prompt.milliseconds, key=key)
