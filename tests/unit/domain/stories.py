"""Stories of one call: verbs of the trade in, commands and decisions out. Every step is held against the laws."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from controller.domain import events
from controller.domain.advance import advance
from controller.domain.call import Call, Track
from controller.domain.commands import (
    Command,
    Commit,
    CommitSampled,
    Log,
    LookUpObjections,
    Play,
    SetTimer,
    Store,
    TellAgain,
)
from controller.domain.consent import Heard, Outcome
from controller.domain.decision import Decision, Reason
from controller.domain.names import CallId, ChannelId, RecordingName, Token
from controller.domain.parties import Party, Role
from controller.domain.policy import (
    Asked,
    Basis,
    Channels,
    Consent,
    ConsentMode,
    Direction,
    Exclusions,
    Keys,
    Objections,
    Pauses,
    Period,
    Policy,
    Prompt,
    Purpose,
    Route,
    Sampling,
    Start,
)
from controller.domain.recording import Phase, Recording
from controller.domain.records import Record
from controller.domain.sampling import Draw
from tests.unit.domain.laws import Laws

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
CUSTOMER = ChannelId("customer")
OPT_OUT = Consent(
    mode=ConsentMode.OPT_OUT, announcement="told", information="details", choice="choice", information_key="*"
)
OPT_IN = Consent(
    mode=ConsentMode.OPT_IN,
    announcement="told",
    information="details",
    choice="choice",
    agree_key="2",
    information_key="*",
)
TOLD_ONLY = Consent(mode=ConsentMode.NONE, announcement="told")
SILENT = Consent(mode=ConsentMode.NONE)
SAMPLING = Sampling(rate=0.25)
REPRESENTATIVES = Exclusions(representatives=("PJSIP/29*",))
NO_PAUSES = Pauses()
REMEMBERED = Objections()
C = TypeVar("C")


def prompt(name: str = "told", language: str = "en", milliseconds: int = 4000) -> Prompt:
    """A prompt of four seconds."""
    sound, digest = f"rc/{name}", f"{name}-sha"
    return Prompt(name=name, language=language, sound=sound, text=name, milliseconds=milliseconds, digest=digest)


def purpose(
    name: str = "quality",
    *,
    basis: Basis = Basis.LEGITIMATE_INTEREST,
    start: Start = Start.ON_ANSWER,
    sampling: Sampling | None = None,
    consent: Consent = OPT_OUT,
    notice: str | None = None,
    channels: Channels = Channels.MONO,
) -> Purpose:
    """A purpose that records every call, unless told otherwise."""
    return Purpose(
        name=name,
        basis=basis,
        start=start,
        sampling=sampling,
        consent=consent,
        retention=Period(months=6),
        notice=notice,
        channels=channels,
    )


def policy(
    *purposes: Purpose,
    routes: tuple[Route, ...] | None = None,
    keys: Keys | None = None,
    exclusions: Exclusions = REPRESENTATIVES,
    pauses: Pauses = NO_PAUSES,
    objections: Objections = REMEMBERED,
) -> Policy:
    """A policy whose one route serves these purposes."""
    served = purposes or (purpose(),)
    route = Route(name="support", purposes=tuple(p.name for p in served))
    return Policy(
        version="v1",
        purposes={p.name: p for p in served},
        routes=(route,) if routes is None else routes,
        agents=("PJSIP/2*",),
        notice="2026-01",
        exclusions=exclusions,
        pauses=pauses,
        objections=objections,
        keys=keys or Keys(),
        prompts={
            name: {"en": prompt(name), "fr": prompt(name, "fr")} for name in ("told", "details", "choice", "begins")
        },
        default_language="en",
    )


def asked_for(queue: str = "support", language: str = "en", direction: Direction = Direction.INBOUND) -> Asked:
    """What a dialplan asks."""
    return Asked(direction=direction, queue=queue, language=language)


def new_call(
    rules: Policy, *, asked: bool = True, queue: str = "support", number: bool = True, excluded: Reason | None = None
) -> Call:
    """A call that has just come in; without ``number``, from somebody who withholds theirs."""
    return Call(
        id=CallId("call"),
        pbx="main",
        linkedid="17.1",
        customer=CUSTOMER,
        customer_hash=b"hash" if number and excluded is None else None,
        customer_sealed=b"sealed" if number and excluded is None else None,
        direction=Direction.INBOUND,
        queue=queue,
        language="en",
        policy=rules,
        route=rules.route(asked_for(queue)) if asked and excluded is None else None,
        excluded=excluded,
        began_at=NOON,
        asked=asked,
    )


def agent(extension: str = "201") -> Party:
    """An agent's leg."""
    return Party(channel=ChannelId(f"agent-{extension}"), line=f"PJSIP/{extension}", role=Role.AGENT)


def representative(extension: str = "290") -> Party:
    """The leg of an employees' representative."""
    return Party(channel=ChannelId(f"rep-{extension}"), line=f"PJSIP/{extension}", role=Role.REPRESENTATIVE)


def outsider(trunk: str = "carrier") -> Party:
    """Somebody who was neither told nor asked."""
    return Party(channel=ChannelId(f"out-{trunk}"), line=f"PJSIP/{trunk}", role=Role.EXTERNAL)


def drawn(*, chosen: bool) -> Draw:
    """What the sample said."""
    reason = Reason.SAMPLED if chosen else Reason.NOT_SAMPLED
    return Draw(chosen=chosen, reason=reason, block=0, position=3, marked=chosen, owed=0)


def told() -> Heard:
    """The announcement, heard whole."""
    return Heard(prompt=prompt(), outcome=Outcome.PLAYED, milliseconds=prompt().milliseconds)


class Story:
    """One call, told step by step. ``commands`` are those of the last step, ``decisions`` all so far."""

    def __init__(
        self,
        *purposes: Purpose,
        rules: Policy | None = None,
        asked: bool = True,
        number: bool = True,
        excluded: Reason | None = None,
        on_file: frozenset[str] | None = frozenset(),
    ) -> None:
        """``on_file`` are the objections of earlier calls; None: nobody answers what they are."""
        self.call = new_call(rules or policy(*purposes), asked=asked, number=number, excluded=excluded)
        self.now = NOON
        self.laws = Laws(self.call)
        self.commands: tuple[Command, ...] = ()
        self.decisions: list[Decision] = []
        self.asked_of_ledger: list[Commit | CommitSampled] = []
        self.timers: list[SetTimer] = []
        self.stored: list[Record] = []
        self.lags = False
        """Whether what snoop channels give is late: then a test says itself when they have caught up."""
        self.begins()
        if on_file is not None and self.every(LookUpObjections):
            self.register_answers(on_file)

    @property
    def track(self) -> Track:
        """The first purpose's track."""
        return self.call.tracks[0]

    @property
    def recording(self) -> Recording:
        """The first purpose's recording, which must exist."""
        assert self.track.recording is not None
        return self.track.recording

    @property
    def phase(self) -> Phase | None:
        """The first recording's phase; None where there is no recording."""
        return self.track.recording.phase if self.track.recording else None

    @property
    def last(self) -> Decision:
        """The decision taken last."""
        return self.decisions[-1]

    def only(self, kind: type[C]) -> C:
        """The one command of this kind in the last step."""
        found = self.every(kind)
        assert len(found) == 1, self.commands
        return found[0]

    def every(self, kind: type[C]) -> list[C]:
        """All commands of this kind in the last step."""
        return [c for c in self.commands if isinstance(c, kind)]

    @property
    def did(self) -> list[str]:
        """The last step's commands by name, but for what is only written down or timed."""
        return [type(c).__name__ for c in self.commands if not isinstance(c, Log | Store | SetTimer)]

    def happens(self, event: events.Event, *, late_ms: float = 0) -> None:
        """One event, read so long after it happened."""
        self._step(event, late_ms=late_ms)
        if not self.lags:
            self.catches_up()

    def catches_up(self) -> None:
        """What every snoop channel gives is what is said now."""
        for track in self.call.tracks:
            if track.ticket is not None and track.ticket.waits_for is not None:
                token, before = track.ticket.waits_for, self.commands
                self.timers = [timer for timer in self.timers if timer.token != token]
                self._step(events.TimerFired(at=self.now, token=token))
                self.commands = before + self.commands

    def _step(self, event: events.Event, *, late_ms: float = 0) -> None:
        before = self.call
        self.call, self.commands = advance(before, event, late=timedelta(milliseconds=late_ms))
        self.laws.watch(before, event, self.call, self.commands)
        for command in self.commands:
            match command:
                case Commit() | CommitSampled():
                    self.asked_of_ledger.append(command)
                    self.decisions.append(command.decision if isinstance(command, Commit) else command.question)
                case Log(decision=decision):
                    self.decisions.append(decision)
                case SetTimer():
                    self.timers.append(command)
                case Store(record=record):
                    self.stored.append(record)
                case _:
                    pass

    def passes(self, milliseconds: float) -> None:
        """Time goes by, and nothing happens."""
        self.now += timedelta(milliseconds=milliseconds)

    def begins(self) -> None:
        self.happens(events.CallBegan(at=self.now))

    def register_answers(self, scopes: frozenset[str] = frozenset()) -> None:
        self.happens(events.ObjectionsKnown(at=self.now, scopes=scopes))

    def _prompt_ends(self, outcome: Outcome, played: int | None, key: str | None = None) -> None:
        playing = self.only(Play).prompt
        heard = Heard(
            prompt=playing,
            outcome=outcome,
            milliseconds=playing.milliseconds if played is None else played,
            key=key,
        )
        self.happens(events.PromptEnded(at=self.now, heard=heard))

    def caller_listens(self) -> None:
        self._prompt_ends(Outcome.PLAYED, None)

    def caller_answers(self, key: str, *, after_ms: int = 1500) -> None:
        self._prompt_ends(Outcome.KEY_PRESSED, after_ms, key)

    def caller_hangs_up(self, *, after_ms: int = 900) -> None:
        self._prompt_ends(Outcome.HUNG_UP, after_ms)

    def prompt_fails(self) -> None:
        self._prompt_ends(Outcome.FAILED, 0)

    def hears_customer(self, *parties: Party) -> None:
        """These, and nobody else."""
        self.happens(events.PartiesChanged(at=self.now, parties=parties))

    def agent_answers(self, extension: str = "201") -> None:
        self.hears_customer(agent(extension))

    def joins(self, party: Party) -> None:
        self.hears_customer(*self.call.parties, party)

    def leaves(self, party: Party) -> None:
        self.hears_customer(*(p for p in self.call.parties if p != party))

    def presses(self, channel: ChannelId, digits: Iterable[str]) -> None:
        for digit in digits:
            self.happens(events.DigitPressed(at=self.now, channel=channel, digit=digit))

    def agent_presses(self, digits: str, extension: str = "201") -> None:
        self.presses(agent(extension).channel, digits)

    def customer_presses(self, digits: str) -> None:
        self.presses(CUSTOMER, digits)

    def customer_leaves(self) -> None:
        self.happens(events.CustomerLeft(at=self.now))

    def channel_begins_another_call(self) -> None:
        self.happens(events.CallReplaced(at=self.now))

    def pauses(self, cause: Reason = Reason.PAYMENT, origin: str = "api", actor: str = "api:crm") -> None:
        self.happens(events.PauseRequested(at=self.now, cause=cause, origin=origin, actor=actor))

    def resumes(self, cause: Reason = Reason.PAYMENT, origin: str = "api", actor: str = "api:crm") -> None:
        self.happens(events.ResumeRequested(at=self.now, cause=cause, origin=origin, actor=actor))

    def is_triggered(self, purpose_name: str | None = None) -> None:
        self.happens(events.StartRequested(at=self.now, purpose=purpose_name, actor="api:crm"))

    def is_stopped(self, purpose_name: str | None = None) -> None:
        self.happens(events.StopRequested(at=self.now, purpose=purpose_name, actor="agent:201"))

    def customer_objects(self, actor: str = "api") -> None:
        """By telling the agent."""
        self.happens(events.ObjectionRaised(at=self.now, actor=actor))

    def is_private(self, actor: str = "agent:201") -> None:
        self.happens(events.PrivateRequested(at=self.now, actor=actor))

    def is_proven_otherwise(self, purpose_name: str | None = None) -> None:
        self.happens(events.ProofExists(at=self.now, purpose=purpose_name, actor="agent:201"))

    def moves(self, context: str, channel: ChannelId = CUSTOMER) -> None:
        """In the dialplan."""
        self.happens(events.DialplanMoved(at=self.now, channel=channel, context=context))

    def notice_is_played(self, *, whole: bool = True) -> None:
        """To its end, or not at all."""
        playing = self.only(TellAgain)
        outcome, played = (Outcome.PLAYED, playing.prompt.milliseconds) if whole else (Outcome.FAILED, 0)
        heard = Heard(prompt=playing.prompt, outcome=outcome, milliseconds=played)
        self.happens(events.NoticePlayed(at=self.now, purpose=playing.purpose, heard=heard))

    def file_is_gone(self, name: RecordingName) -> None:
        self.happens(events.Discarded(at=self.now, recording=name))

    def ledger_commits(self, *, chosen: bool = True) -> None:
        """The oldest question becomes durable."""
        asked = self.asked_of_ledger.pop(0)
        draw = drawn(chosen=chosen and asked.eligible) if isinstance(asked, CommitSampled) else None
        self.happens(events.DecisionCommitted(at=self.now, token=asked.token, seq=1, draw=draw))

    def ledger_fails(self) -> None:
        """The oldest question is lost."""
        self.happens(events.DecisionLost(at=self.now, token=self.asked_of_ledger.pop(0).token))

    def timer_fires(self, seconds: float) -> None:
        """The newest timer of so many seconds."""
        newest = next(timer for timer in reversed(self.timers) if timer.seconds == seconds)
        self.timers.remove(newest)
        self.happens(events.TimerFired(at=self.now, token=newest.token))

    def stray_timer_fires(self) -> None:
        self.happens(events.TimerFired(at=self.now, token=Token("nobody's")))

    def pbx_says(self, kind: type[events.OfRecording], name: RecordingName | None = None) -> None:
        """Of the first purpose's recording, or of the one that is named."""
        self.happens(kind(at=self.now, recording=name or self.recording.name))

    def is_recorded(self) -> None:
        """Up to the recording of an agreed call, from its very beginning."""
        self.caller_listens()
        self.agent_answers()
        self.ledger_commits()
        self.pbx_says(events.SnoopReady)
        self.pbx_says(events.RecordingStarted)

    def is_paused(self) -> None:
        """The same, then paused by the agent's keys."""
        self.is_recorded()
        self.agent_presses("*7")
        self.pbx_says(events.PauseConfirmed)
