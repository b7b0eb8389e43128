"""The seven laws, as far as they are the core's: under any order of events, with any of them late, doubled or lost."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from controller.domain import events
from controller.domain.advance import advance
from controller.domain.commands import (
    Command,
    Commit,
    CommitSampled,
    Discard,
    Pause,
    Quarantine,
    Resume,
    SetTimer,
    Snoop,
    StartRecording,
    Stop,
    TellAgain,
)
from controller.domain.consent import Heard, Outcome
from controller.domain.decision import Reason
from controller.domain.hindrance import Hindrance
from controller.domain.names import ChannelId, RecordingName, Token
from controller.domain.parties import Party, Role
from controller.domain.policy import Consent, Pauses, Policy, Prompt, Start
from controller.domain.recording import Phase
from controller.domain.should import State, should_be
from tests.unit.domain.fake_pbx import FakePbx
from tests.unit.domain.laws import OUTCOMES, Laws, purpose_of
from tests.unit.domain.stories import (
    CUSTOMER,
    NOON,
    OPT_IN,
    OPT_OUT,
    SAMPLING,
    agent,
    drawn,
    new_call,
    outsider,
    policy,
    prompt,
    purpose,
    representative,
)

PEOPLE: tuple[Party, ...] = (agent("201"), agent("202"), representative(), outsider())
OTHERS = tuple(
    replace(outsider(role.value), role=role)
    for role in (Role.UNINFORMED, Role.PRIVATE, Role.PAYMENT, Role.ASKED, Role.OBJECTED)
)
COMPANY = st.sampled_from(
    [
        (),
        *([PEOPLE[:1]] * 4),
        PEOPLE[:2],
        PEOPLE[2:3],
        PEOPLE[3:],
        (PEOPLE[0], PEOPLE[3]),
        OTHERS[3:4],
        *((PEOPLE[0], other) for other in OTHERS),
    ]
)
CAUSES = st.sampled_from([(Reason.PAYMENT, "api"), (Reason.PAYMENT, "agent"), (Reason.AGENT_REQUEST, "api")])
PURPOSES = st.sampled_from([None, "quality", "evidence"])
CARD_OR_CODE = st.sampled_from(["*7", "*8", "4970101234567890", "12*3", "**", "7", "8", "*5"])
SELDOM = st.sampled_from([False, False, False, False, True])
PAYMENT = (Reason.PAYMENT, "api")
MOST_ROUNDS = 60
MOST_STEPS = 4


def two_purposes(consent: Consent) -> Policy:
    """One that is sampled on answer, one that waits for a trigger."""
    return policy(
        purpose(sampling=SAMPLING, consent=consent),
        purpose("evidence", start=Start.ON_TRIGGER, consent=consent, notice="begins"),
        pauses=Pauses(contexts=("payment",)),
    )


class AnyCall(RuleBasedStateMachine):
    """Rules choose what happens next; the laws watch every step, the truth is the fake PBX's."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOON
        self.late = timedelta()
        self.pbx = FakePbx()
        self.to_do: list[Command] = []
        self.questions: list[Commit | CommitSampled] = []
        self.timers: list[Token] = []
        self.tellings: list[TellAgain] = []
        self.discards: list[RecordingName] = []
        self.moves: list[RecordingName] = []
        self.past: list[events.Event] = []

    @initialize(consent=st.sampled_from([OPT_OUT, OPT_OUT, OPT_IN]), steps=st.integers(0, 4))
    def call_comes_in(self, consent: Consent, steps: int) -> None:
        """The first steps go well, more or fewer of them: most of what can go wrong goes wrong later."""
        self.call = new_call(two_purposes(consent))
        self.laws = Laws(self.call)
        self.feed(events.CallBegan(at=self.now))
        if steps:
            self.feed(events.ObjectionsKnown(at=self.now, scopes=frozenset()))
            self.hear(prompt(), Outcome.PLAYED, None)
            self.feed(events.PartiesChanged(at=self.now, parties=PEOPLE[:1]))
            self.feed(events.StartRequested(at=self.now, purpose=None, actor="api:crm"))
            self.every_notice_is_heard()
        for _ in range(steps):
            self.next_step_goes_well()

    def feed(self, event: events.Event) -> None:
        before = self.call
        self.call, commands = advance(before, event, late=self.late)
        self.laws.watch(before, event, self.call, commands)
        for command in commands:
            match command:
                case Commit() | CommitSampled():
                    self.questions.append(command)
                case SetTimer(token=token):
                    self.timers.append(token)
                case Snoop() | StartRecording() | Pause() | Resume() | Stop():
                    self.to_do.append(command)
                case TellAgain():
                    self.tellings.append(command)
                case Discard(recording=name):
                    self.discards.append(name)
                case Quarantine(recording=name):
                    self.moves.append(name)
                case _:
                    pass

    def hear(self, played: Prompt, outcome: Outcome, key: str | None) -> None:
        milliseconds = played.milliseconds if outcome is Outcome.PLAYED else 700
        heard = Heard(prompt=played, outcome=outcome, milliseconds=milliseconds, key=key)
        self.feed(events.PromptEnded(at=self.now, heard=heard))

    @rule(milliseconds=st.sampled_from([0, 0, 0, 100, 300, 4000]))
    def what_is_read_is_late(self, milliseconds: int) -> None:
        self.late = timedelta(milliseconds=milliseconds)

    @rule(milliseconds=st.sampled_from([1, 50, 2999, 10_000]))
    def time_passes(self, milliseconds: int) -> None:
        self.now += timedelta(milliseconds=milliseconds)

    @rule(outcome=st.sampled_from(Outcome), key=st.sampled_from(["1", "2", "*"]))
    def a_prompt_ends(self, outcome: Outcome, key: str) -> None:
        self.hear(prompt(), outcome, key if outcome is Outcome.KEY_PRESSED else None)

    @rule(parties=COMPANY)
    def who_hears_the_customer_changes(self, parties: tuple[Party, ...]) -> None:
        self.feed(events.PartiesChanged(at=self.now, parties=parties))

    @rule(who=st.sampled_from([PEOPLE[0].channel, CUSTOMER, *(p.channel for p in PEOPLE)]), digits=CARD_OR_CODE)
    def somebody_types(self, who: ChannelId, digits: str) -> None:
        for digit in digits:
            self.feed(events.DigitPressed(at=self.now, channel=who, digit=digit))

    @rule(cause=CAUSES)
    def a_cause_begins(self, cause: tuple[Reason, str]) -> None:
        self.somebody_pauses(cause)

    def somebody_pauses(self, cause: tuple[Reason, str]) -> None:
        self.feed(events.PauseRequested(at=self.now, cause=cause[0], origin=cause[1], actor="api:crm"))

    def every_cause_ends(self) -> None:
        self.feed(events.PartiesChanged(at=self.now, parties=PEOPLE[:1]))
        for standing in self.call.suspensions:
            self.feed(
                events.ResumeRequested(at=self.now, cause=standing.cause, origin=standing.origin, actor="api:crm")
            )

    @rule(cause=CAUSES)
    def a_cause_ends(self, cause: tuple[Reason, str]) -> None:
        self.feed(events.ResumeRequested(at=self.now, cause=cause[0], origin=cause[1], actor="api:crm"))

    @rule(name=PURPOSES)
    def a_trigger_comes(self, name: str | None) -> None:
        self.feed(events.StartRequested(at=self.now, purpose=name, actor="api:crm"))

    @rule(name=st.sampled_from(["quality", "evidence"]), seldom=SELDOM)
    def a_purpose_is_stopped(self, name: str, *, seldom: bool) -> None:
        if seldom:
            self.feed(events.StopRequested(at=self.now, purpose=name, actor="agent:201"))

    @rule(scopes=st.sampled_from([frozenset(), frozenset({"quality"}), frozenset({"*"})]), seldom=SELDOM)
    def the_register_answers(self, scopes: frozenset[str], *, seldom: bool) -> None:
        if seldom:
            self.feed(events.ObjectionsKnown(at=self.now, scopes=scopes))

    @rule(seldom=SELDOM, mistaken=SELDOM)
    def the_customer_objects(self, *, seldom: bool, mistaken: bool) -> None:
        if seldom and mistaken:
            self.feed(events.ObjectionRaised(at=self.now, actor="agent:201"))

    @rule(seldom=SELDOM, mistaken=SELDOM)
    def it_is_a_private_call(self, *, seldom: bool, mistaken: bool) -> None:
        if seldom and mistaken:
            self.feed(events.PrivateRequested(at=self.now, actor="agent:201"))

    @rule(seldom=SELDOM)
    def there_is_other_proof(self, *, seldom: bool) -> None:
        if seldom:
            self.feed(events.ProofExists(at=self.now, purpose=None, actor="agent:201"))

    @rule(context=st.sampled_from(["payment", "queue"]))
    def the_customer_moves(self, context: str) -> None:
        self.feed(events.DialplanMoved(at=self.now, channel=CUSTOMER, context=context))

    @precondition(lambda self: self.tellings)
    @rule(whole=st.booleans())
    def a_notice_ends(self, *, whole: bool) -> None:
        command = self.tellings.pop(0)
        played = command.prompt.milliseconds if whole else 0
        heard = Heard(prompt=command.prompt, outcome=Outcome.PLAYED if whole else Outcome.FAILED, milliseconds=played)
        self.past.append(events.NoticePlayed(at=self.now, purpose=command.purpose, heard=heard))
        self.feed(self.past[-1])

    def every_notice_is_heard(self) -> None:
        while self.tellings:
            self.a_notice_ends(whole=True)

    @precondition(lambda self: self.discards)
    @rule()
    def a_file_is_deleted(self) -> None:
        name = self.discards.pop(0)
        self.pbx.files.discard(name)
        self.past.append(events.Discarded(at=self.now, recording=name))
        self.feed(self.past[-1])

    @precondition(lambda self: self.moves)
    @rule()
    def a_file_is_moved(self) -> None:
        self.past.append(events.Quarantined(at=self.now, recording=self.moves.pop(0)))
        self.feed(self.past[-1])

    @rule(hindrances=st.frozensets(st.sampled_from(Hindrance)))
    def the_daemon_is_hindered(self, hindrances: frozenset[Hindrance]) -> None:
        self.feed(events.Hindered(at=self.now, hindrances=hindrances))

    @rule(seldom=SELDOM)
    def the_pbx_stands_still(self, *, seldom: bool) -> None:
        if seldom:
            self.feed(events.PbxStalled(at=self.now))

    @precondition(lambda self: self.questions)
    @rule(data=st.data(), chosen=st.sampled_from([True, True, False]), fails=st.sampled_from([False, False, True]))
    def the_ledger_answers(self, data: st.DataObject, *, chosen: bool, fails: bool) -> None:
        question = self.questions.pop(data.draw(st.integers(0, len(self.questions) - 1)))
        if fails:
            self.feed(events.DecisionLost(at=self.now, token=question.token))
        else:
            self.commits(question, chosen=chosen)

    def commits(self, question: Commit | CommitSampled, *, chosen: bool) -> None:
        draw = drawn(chosen=chosen and question.eligible) if isinstance(question, CommitSampled) else None
        event = events.DecisionCommitted(at=self.now, token=question.token, seq=1, draw=draw)
        self.past.append(event)
        self.feed(event)

    @precondition(lambda self: self.to_do)
    @rule(data=st.data(), refused=st.sampled_from([False, False, False, True]))
    def the_pbx_does_something(self, data: st.DataObject, *, refused: bool) -> None:
        command = self.to_do.pop(data.draw(st.integers(0, len(self.to_do) - 1)))
        (self.pbx.refuse if refused else self.pbx.carry_out)(command, self.now)

    @precondition(lambda self: self.pbx.truth)
    @rule(data=st.data(), seldom=SELDOM)
    def a_snoop_dies(self, data: st.DataObject, *, seldom: bool) -> None:
        if seldom:
            self.pbx.hang_up(data.draw(st.sampled_from(sorted(self.pbx.truth))), self.now)

    @precondition(lambda self: self.pbx.news)
    @rule(data=st.data())
    def news_arrives(self, data: st.DataObject) -> None:
        event = self.pbx.news.pop(data.draw(st.integers(0, len(self.pbx.news) - 1)))
        event = replace(event, at=self.now)
        if not isinstance(event, OUTCOMES):  # the executor answers each toggle once
            self.past.append(event)
        self.feed(event)

    @precondition(lambda self: self.pbx.news)
    @rule(data=st.data())
    def news_is_lost(self, data: st.DataObject) -> None:
        index = data.draw(st.integers(0, len(self.pbx.news) - 1))
        if not isinstance(self.pbx.news[index], events.ResumeConfirmed | events.ResumeUnconfirmed):
            del self.pbx.news[index]

    @precondition(lambda self: self.past)
    @rule(data=st.data())
    def old_news_arrives_again(self, data: st.DataObject) -> None:
        self.feed(replace(data.draw(st.sampled_from(self.past)), at=self.now))

    @precondition(lambda self: self.timers)
    @rule(data=st.data())
    def a_timer_fires(self, data: st.DataObject) -> None:
        token = self.timers.pop(data.draw(st.integers(0, len(self.timers) - 1)))
        self.past.append(events.TimerFired(at=self.now, token=token))
        self.feed(self.past[-1])

    @rule(seldom=SELDOM)
    def the_call_ends(self, *, seldom: bool) -> None:
        if seldom:
            self.the_customer_leaves()

    @rule(seldom=SELDOM)
    def the_channel_begins_another_call(self, *, seldom: bool) -> None:
        if seldom:
            self.feed(events.CallReplaced(at=self.now))

    def the_customer_leaves(self) -> None:
        self.pbx.customer_hangs_up(self.now)
        self.feed(events.CustomerLeft(at=self.now))

    def tracked(self) -> set[RecordingName]:
        """The recordings that the core believes in."""
        return {t.recording.name for t in self.call.tracks if t.recording is not None}

    def settle(self) -> None:
        """Everybody does what is asked, until nobody has anything left to do."""
        self.pbx.tell_again(self.tracked(), self.now)
        for _ in range(MOST_ROUNDS):
            if not (self.to_do or self.questions or self.timers or self.pbx.news or self.discards or self.moves):
                return
            self.now += timedelta(seconds=1)
            to_do, self.to_do = self.to_do, []
            for command in to_do:
                self.pbx.carry_out(command, self.now)
            news, self.pbx.news = self.pbx.news, []
            for event in news:
                self.feed(event)
            questions, self.questions = self.questions, []
            for question in questions:
                self.commits(question, chosen=True)
            self.every_notice_is_heard()
            while self.moves:
                self.a_file_is_moved()
            while self.discards:
                self.a_file_is_deleted()
            if not (self.to_do or self.pbx.news):
                timers, self.timers = self.timers, []
                for token in timers:
                    self.feed(events.TimerFired(at=self.now, token=token))
        raise AssertionError(f"it never settles: {self.call.tracks}")

    def next_step_goes_well(self) -> None:
        """All that is asked now is done and told."""
        for question in [self.questions.pop(0) for _ in list(self.questions)]:
            self.commits(question, chosen=True)
        for command in [self.to_do.pop(0) for _ in list(self.to_do)]:
            self.pbx.carry_out(command, self.now)
        for event in [self.pbx.news.pop(0) for _ in list(self.pbx.news)]:
            self.feed(event)

    @rule(payment=st.sampled_from(["begins", "is over", "is over, and the ledger knows"]))
    def a_payment(self, payment: str) -> None:
        """So that chance gets far enough to do harm."""
        for _ in range(MOST_STEPS):
            self.next_step_goes_well()
        if payment == "begins":
            self.somebody_pauses(PAYMENT)
            self.next_step_goes_well()
            return
        self.every_cause_ends()
        if payment != "is over":
            for question in [self.questions.pop(0) for _ in list(self.questions)]:
                self.commits(question, chosen=True)

    @rule()
    def everything_settles(self) -> None:
        """Once the PBX behaves, what is becomes what should be."""
        self.settle()
        for track in self.call.tracks:
            should = should_be(self.call, track).state
            phase = track.recording.phase if track.recording else None
            truly = track.recording is not None and track.recording.name in self.pbx.capturing()
            assert (phase is Phase.RECORDING) == truly == (should is State.RECORDING), track
            assert phase in {Phase.RECORDING, Phase.PAUSED, None}
        assert self.pbx.capturing() <= self.tracked()

    @invariant()
    def what_is_called_paused_is_paused(self) -> None:
        for track in self.call.tracks:
            if track.recording is not None and track.recording.phase is Phase.PAUSED:
                assert track.recording.name not in self.pbx.capturing()

    def teardown(self) -> None:
        """Whatever happened: once the customer has left, nothing is left over."""
        self.the_customer_leaves()
        self.settle()
        assert self.call.over
        assert self.laws.concluded == 1
        assert not self.pbx.capturing()
        assert not {purpose_of(name) for name in self.pbx.files} & self.taken_back()

    def taken_back(self) -> set[str]:
        """The purposes of which no file may be left."""
        return {t.purpose.name for t in self.call.tracks if t.withdrawn is not None and t.withdrawn.discard}


AnyCall.TestCase.settings = settings(max_examples=200, stateful_step_count=30)
TestAnyCall = AnyCall.TestCase
