"""Every order in which a few things can happen to a small call, tried out: not some of them, all.

A world is a call, what Asterisk really does, and everything that is on its way between the two. From each world every
next step is taken; worlds that differ only in names of tokens are one. The oracle knows the facts, not the core.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import TypeVar, cast

import pytest
from coverage import Coverage

from controller.domain import events
from controller.domain.advance import advance
from controller.domain.call import Call, Permission
from controller.domain.commands import (
    Command,
    Commit,
    CommitSampled,
    Pause,
    Quarantine,
    Resume,
    SetTimer,
    Snoop,
    StartRecording,
    Stop,
)
from controller.domain.decision import Reason
from controller.domain.names import RecordingName, Token
from controller.domain.policy import Policy, Start
from controller.domain.recording import Phase
from tests.unit.domain.fake_pbx import FakePbx, Truth
from tests.unit.domain.stories import NOON, agent, new_call, policy, purpose, representative, told

T = TypeVar("T")
TO_PBX = (Snoop, StartRecording, Pause, Resume, Stop)
SENT_BY_ASTERISK = (
    events.SnoopReady,
    events.SnoopGone,
    events.RecordingStarted,
    events.RecordingEnded,
    events.RecordingFailed,
)
"""What may come twice. The answer to a request of ours, as a pause is, comes once: the one who asked tells it."""
STARTS = (Snoop, StartRecording, Resume)
BY_DECISION = (Snoop, Resume)
"""What takes a decision of its own; recording from a snoop channel follows by the same one."""
MOST_TO_SETTLE = 80
NOBODYS = cast("Policy", None)
"""Stands for the policy, which is the same in all worlds of a test, where worlds are compared."""


class Fact(Enum):
    """What may happen in a call; each source of facts has them in its own order, the sources are in none."""

    PAYMENT_BEGINS = auto()
    PAYMENT_ENDS = auto()
    REPRESENTATIVE_JOINS = auto()
    REPRESENTATIVE_LEAVES = auto()
    TRIGGER = auto()
    STANDSTILL = auto()
    CUSTOMER_LEAVES = auto()


PAYMENT = (Fact.PAYMENT_BEGINS, Fact.PAYMENT_ENDS)
REPRESENTATIVE = (Fact.REPRESENTATIVE_JOINS, Fact.REPRESENTATIVE_LEAVES)
TRIGGER = (Fact.TRIGGER,)
STANDSTILL = (Fact.STANDSTILL,)
LEAVING = (Fact.CUSTOMER_LEAVES,)


Question = tuple[Token, str]
"""A decision on its way to the database: to ``record`` at all, to ``resume``, or ``void`` meanwhile.

A resume is void as soon as anything forbids recording; the leave to record the call is not, but nothing begins by it
while that lasts, and then only by a resume.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """One moment.

    ``mishaps`` is how much may still go wrong: a message lost, doubled or late, a decision that is not written.
    ``leave`` is how many decisions are written that nothing has begun by yet, and that nothing has made void.
    """

    call: Call
    rules: Policy = field(compare=False, repr=False)
    facts: tuple[tuple[Fact, ...], ...]
    paying: bool = False
    represented: bool = False
    left: bool = False
    behind: frozenset[RecordingName] = frozenset()
    truth: tuple[tuple[RecordingName, Truth], ...] = ()
    to_do: tuple[Command, ...] = ()
    news: tuple[events.Event, ...] = ()
    questions: tuple[Question, ...] = ()
    leave: int = 0
    timers: tuple[Token, ...] = ()
    mishaps: int = 0

    @property
    def forbidden(self) -> bool:
        """Whether the law forbids recording now, by the facts alone."""
        return self.paying or self.represented or self.left

    def truth_of(self, name: RecordingName) -> Truth | None:
        return dict(self.truth).get(name)


def known_tokens(call: Call) -> tuple[Token, ...]:
    """The tokens that the call still waits for: whatever has another one means nothing to it."""
    found = [call.alone_timer]
    for track in call.tracks:
        found += [track.asked, *((track.ticket.token, track.ticket.waits_for) if track.ticket else ())]
        found.append(track.recording.deadline if track.recording else None)
    return tuple(token for token in found if token is not None)


def same(world: World) -> World:
    """The same world with its tokens numbered by where they are waited for; what nobody waits for is left out."""
    names = {token: Token(f"t{place}") for place, token in enumerate(dict.fromkeys(known_tokens(world.call)))}
    call = world.call
    tracks = []
    for track in call.tracks:
        ticket = track.ticket
        if ticket is not None:
            waits_for = names[ticket.waits_for] if ticket.waits_for else None
            ticket = replace(ticket, token=names[ticket.token], waits_for=waits_for)
        recording = track.recording
        if recording is not None and recording.deadline is not None:
            recording = replace(recording, deadline=names[recording.deadline])
        asked = names[track.asked] if track.asked else None
        tracks.append(replace(track, ticket=ticket, recording=recording, asked=asked))
    alone = names[call.alone_timer] if call.alone_timer else None
    return replace(
        world,
        call=replace(call, policy=NOBODYS, tracks=tuple(tracks), alone_timer=alone, tokens=0),
        questions=tuple(sorted((names[token], kind) for token, kind in world.questions if token in names)),
        timers=tuple(sorted(names[token] for token in world.timers if token in names)),
        to_do=tuple(sorted(set(world.to_do), key=repr)),
        news=tuple(sorted(set(world.news), key=repr)),
    )


def told_to_call(world: World, event: events.Event) -> World:
    """The world after the call has heard this, held against the oracle."""
    if world.forbidden:
        questions = tuple((token, "record" if kind == "record" else "void") for token, kind in world.questions)
        world = replace(world, leave=0, questions=questions)
    call, commands = advance(replace(world.call, policy=world.rules, tokens=world.call.tokens + 1000), event)
    asked = tuple((c.token, kind_of(c)) for c in commands if isinstance(c, Commit | CommitSampled))
    after = replace(
        world,
        call=call,
        to_do=(*world.to_do, *(command for command in commands if isinstance(command, TO_PBX))),
        questions=(*world.questions, *asked),
        leave=world.leave - sum(isinstance(command, BY_DECISION) for command in commands),
        timers=(*world.timers, *(command.token for command in commands if isinstance(command, SetTimer))),
        news=(
            *world.news,
            *(events.Quarantined(at=NOON, recording=c.recording) for c in commands if isinstance(c, Quarantine)),
        ),
    )
    hold_to_the_law(after, commands)
    return after


def hold_to_the_law(world: World, commands: tuple[Command, ...]) -> None:
    """What must be so after every step."""
    assert world.leave >= 0, (world, commands, "it begins or goes on without a decision, or by one that is void")
    if world.forbidden:
        assert not [command for command in commands if isinstance(command, STARTS)], (world, commands)
    assert not [c for c in commands if isinstance(c, Resume) and c.recording in world.behind], "it gives the pause"
    recordings = {t.recording.name: t.recording for t in world.call.tracks if t.recording is not None}
    for name, truth in world.truth:
        if truth is not Truth.RECORDS:
            continue
        assert name in recordings, "audio goes into a file that the core has forgotten"
        assert recordings[name].phase is not Phase.PAUSED, "called paused, and records"
        if world.forbidden:
            under_way = any(isinstance(c, Pause | Stop) and c.recording == name for c in world.to_do)
            waiting = recordings[name].deadline in world.timers  # unconfirmed, and stopped when the time is over
            telling = any(getattr(n, "recording", None) == name for n in world.news)
            assert under_way or waiting or telling, (world, "it records, and nothing is on its way to end that")


def next_worlds(world: World) -> Iterator[World]:
    """Every world that one step leads to."""
    for place, source in enumerate(world.facts):
        if source:
            rest = (*world.facts[:place], source[1:], *world.facts[place + 1 :])
            yield happened(replace(world, facts=rest), source[0])
    for command in dict.fromkeys(world.to_do):
        yield carried_out(world, command)
    for news in dict.fromkeys(world.news):
        left = without(world.news, news)
        yield told_to_call(replace(world, news=left), news)
        if world.mishaps:
            yield replace(world, news=left, mishaps=world.mishaps - 1)
            if isinstance(news, SENT_BY_ASTERISK):
                yield told_to_call(replace(world, mishaps=world.mishaps - 1), news)
    for question in world.questions:
        token, left_open = question[0], without(world.questions, question)
        yield written(replace(world, questions=left_open), question)
        if world.mishaps:
            lost = replace(world, questions=left_open, mishaps=world.mishaps - 1)
            yield told_to_call(lost, events.DecisionLost(at=NOON, token=token))
    late = bool(world.to_do or world.news or world.questions)  # a time is over while something is on its way
    for token in world.timers if world.mishaps or not late else ():
        left_timers = replace(world, timers=without(world.timers, token), mishaps=world.mishaps - late)
        yield told_to_call(left_timers, events.TimerFired(at=NOON, token=token))


def without(items: tuple[T, ...], item: T) -> tuple[T, ...]:
    place = items.index(item)
    return (*items[:place], *items[place + 1 :])


def kind_of(command: Commit | CommitSampled) -> str:
    decision = command.decision if isinstance(command, Commit) else command.question
    return decision.kind.value


def written(world: World, question: Question) -> World:
    """A decision is durable; one that was asked for before something forbade recording is good for nothing."""
    token, kind = question
    leave = world.leave + (kind != "void")
    return told_to_call(replace(world, leave=leave), events.DecisionCommitted(at=NOON, token=token, seq=1, draw=None))


def happened(world: World, fact: Fact) -> World:
    pause = {"at": NOON, "cause": Reason.PAYMENT, "origin": "api", "actor": "api:crm"}
    match fact:
        case Fact.PAYMENT_BEGINS:
            return told_to_call(replace(world, paying=True), events.PauseRequested(**pause))  # type: ignore[arg-type]
        case Fact.PAYMENT_ENDS:
            return told_to_call(replace(world, paying=False), events.ResumeRequested(**pause))  # type: ignore[arg-type]
        case Fact.REPRESENTATIVE_JOINS | Fact.REPRESENTATIVE_LEAVES:
            joins = fact is Fact.REPRESENTATIVE_JOINS
            parties = (agent(), representative()) if joins else (agent(),)
            return told_to_call(replace(world, represented=joins), events.PartiesChanged(at=NOON, parties=parties))
        case Fact.TRIGGER:
            return told_to_call(world, events.StartRequested(at=NOON, purpose=None, actor="api:crm"))
        case Fact.STANDSTILL:
            stood = frozenset(name for name, truth in world.truth if truth is not Truth.GONE)
            return told_to_call(replace(world, behind=world.behind | stood), events.PbxStalled(at=NOON))
        case Fact.CUSTOMER_LEAVES:
            pbx = pbx_of(world)
            pbx.customer_hangs_up(NOON)
            gone = replace(from_pbx(world, pbx), left=True)
            return told_to_call(gone, events.CustomerLeft(at=NOON))


def carried_out(world: World, command: Command) -> World:
    """Asterisk does what it was asked."""
    pbx = pbx_of(world)
    if world.left and isinstance(command, Snoop):
        pbx.refuse(command, NOON)
    else:
        pbx.carry_out(command, NOON)
    return from_pbx(replace(world, to_do=without(world.to_do, command)), pbx)


def pbx_of(world: World) -> FakePbx:
    return FakePbx(truth=dict(world.truth))


def from_pbx(world: World, pbx: FakePbx) -> World:
    return replace(world, truth=tuple(sorted(pbx.truth.items())), news=(*world.news, *pbx.news))


def settled(world: World, good: set[World]) -> None:
    """Once everybody behaves, what is becomes what should be; ``good`` are worlds of which that is known."""
    path = []
    for _ in range(MOST_TO_SETTLE):
        world = same(world)
        if world in good:
            break
        path.append(world)
        following = one_good_step(world)
        if following is None:
            converged(world)
            break
        world = following
    else:
        raise AssertionError(("it never settles", path[-1]))
    good.update(path)


def one_good_step(world: World) -> World | None:
    """The next step of a world in which nothing goes wrong any more; timers only where nothing else is left."""
    if world.to_do:
        return carried_out(world, world.to_do[0])
    if world.news:
        return told_to_call(replace(world, news=world.news[1:]), world.news[0])
    if world.questions:
        return written(replace(world, questions=world.questions[1:]), world.questions[0])
    missed = missed_news(world)
    if missed is not None:
        return told_to_call(world, missed)
    deadlines = [
        t.recording.deadline for t in world.call.tracks if t.recording and t.recording.phase is not Phase.PAUSED
    ]
    tickets = [t.ticket for t in world.call.tracks if t.ticket is not None]
    waits = [ticket.waits_for for ticket in tickets]
    for token in (*deadlines, *waits, *(ticket.token for ticket in tickets if not ticket.held)):
        if token is not None and token in world.timers:
            timers = without(world.timers, token)
            return told_to_call(replace(world, timers=timers), events.TimerFired(at=NOON, token=token))
    return None


def missed_news(world: World) -> events.Event | None:
    """What the daemon learns by asking after a reconnect: which snoop channels are gone, and which recordings."""
    for track in world.call.tracks:
        recording = track.recording
        if recording is None:
            continue
        truth = world.truth_of(recording.name)
        if truth is Truth.GONE and not recording.snoop_gone:
            return events.SnoopGone(at=NOON, recording=recording.name)
        if truth is Truth.GONE and recording.phase is Phase.STOPPING:
            return events.RecordingEnded(at=NOON, recording=recording.name)
    return None


def converged(world: World) -> None:
    """Nothing is left to do: what is recorded is what the law allows, and nothing else."""
    for track in world.call.tracks:
        recording = track.recording
        records = recording is not None and world.truth_of(recording.name) is Truth.RECORDS
        should = track.permission is Permission.GRANTED and track.withdrawn is None and not world.forbidden
        assert records == should, (world, "it does not do what it should")
    known = {track.recording.name for track in world.call.tracks if track.recording is not None}
    assert {name for name, truth in world.truth if truth is Truth.RECORDS} <= known


def explored(first: World) -> tuple[int, int]:
    """Every world that can be reached, each held against the oracle; how many, and how many steps led to them."""
    first = same(first)
    seen, waiting, steps = {first}, deque([first]), 0
    good: set[World] = set()
    while waiting:
        world = waiting.popleft()
        if not any(world.facts):
            settled(world, good)
        for following in map(same, next_worlds(world)):
            steps += 1
            if following not in seen:
                seen.add(following)
                waiting.append(following)
    return len(seen), steps


def answered(rules: Policy) -> Call:
    """A call whose customer has agreed and talks to an agent; its first decision is on its way."""
    call = new_call(rules)
    for event in (
        events.CallBegan(at=NOON),
        events.ObjectionsKnown(at=NOON, scopes=frozenset()),
        events.PromptEnded(at=NOON, heard=told()),
    ):
        call, _ = advance(call, event)
    return call


def begun(rules: Policy, *facts: tuple[Fact, ...], mishaps: int) -> World:
    """The world in which an agent has just answered."""
    world = World(call=answered(rules), rules=rules, facts=facts, mishaps=mishaps)
    return told_to_call(world, events.PartiesChanged(at=NOON, parties=(agent(),)))


@pytest.fixture(autouse=True)
def uncounted() -> Iterator[None]:
    """Counting which lines run takes three times as long, and other tests run them all."""
    counting = Coverage.current()
    if counting is not None:
        counting.stop()
    yield
    if counting is not None:
        counting.start()


@pytest.mark.parametrize(
    ("rules", "facts", "mishaps", "at_least"),
    [
        pytest.param(policy(), (PAYMENT, REPRESENTATIVE), 1, 80_000, id="a payment, a representative, and one mishap"),
        pytest.param(policy(), (PAYMENT, STANDSTILL), 1, 9_000, id="a payment, a standstill, and one mishap"),
        pytest.param(policy(), (PAYMENT, LEAVING), 1, 9_000, id="a payment, a hang-up, and one mishap"),
        pytest.param(
            policy(purpose(), purpose("evidence", start=Start.ON_TRIGGER)),
            (PAYMENT, TRIGGER),
            0,
            20_000,
            id="a payment and a second recording",
        ),
    ],
)
def test_in_no_order_of_events_the_law_is_broken(
    rules: Policy, facts: tuple[tuple[Fact, ...], ...], mishaps: int, at_least: int
) -> None:
    worlds, steps = explored(begun(rules, *facts, mishaps=mishaps))
    assert worlds >= at_least, (worlds, steps)
