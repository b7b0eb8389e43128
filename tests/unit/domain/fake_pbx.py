"""An Asterisk for the laws: does what it is told, late or not at all, and tells the truth about it."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto

from controller.domain import events
from controller.domain.commands import Command, Pause, Resume, Snoop, StartRecording, Stop
from controller.domain.names import RecordingName

Answer = events.PauseConfirmed | events.PauseUnconfirmed | events.ResumeConfirmed | events.ResumeUnconfirmed


class Truth(Enum):
    """What really is: the core only hears of it."""

    SNOOPED = auto()
    RECORDS = auto()
    PAUSED = auto()
    GONE = auto()


@dataclass
class FakePbx:
    """What really is of each recording and of its file, and the news that is on its way."""

    truth: dict[RecordingName, Truth] = field(default_factory=dict)
    news: list[events.OfRecording] = field(default_factory=list)
    files: set[RecordingName] = field(default_factory=set)

    def capturing(self) -> set[RecordingName]:
        """The recordings that audio goes into now."""
        return {name for name, truth in self.truth.items() if truth is Truth.RECORDS}

    def carry_out(self, command: Command, at: datetime) -> None:
        """Do it, and send word."""
        match command:
            case Snoop(recording=name):
                self.truth[name] = Truth.SNOOPED  # even where it was hung up before it came
                self.news.append(events.SnoopReady(at=at, recording=name))
            case StartRecording(recording=name):
                self._start(name, at)
            case Pause(recording=name):
                self._toggle(name, Truth.RECORDS, Truth.PAUSED, at)
            case Resume(recording=name):
                self._toggle(name, Truth.PAUSED, Truth.RECORDS, at)
            case Stop(recording=name):
                self.hang_up(name, at)
            case _:
                raise AssertionError(command)

    def refuse(self, command: Command, at: datetime) -> None:
        """Do nothing, and say so as the adapter would."""
        match command:
            case Snoop(recording=name):
                self.truth[name] = Truth.GONE
                self.news.append(events.SnoopGone(at=at, recording=name))
            case StartRecording(recording=name):
                self.news.append(events.RecordingFailed(at=at, recording=name))
            case Pause(recording=name):
                self.news.append(events.PauseUnconfirmed(at=at, recording=name))
            case Resume(recording=name):
                self.news.append(events.ResumeUnconfirmed(at=at, recording=name))
            case _:
                pass  # a Stop without an answer

    def hang_up(self, name: RecordingName, at: datetime) -> None:
        """The snoop channel ends, and with it the recording."""
        if self.truth.get(name) in {Truth.RECORDS, Truth.PAUSED}:
            self.news.append(events.RecordingEnded(at=at, recording=name))
        self.truth[name] = Truth.GONE
        self.news.append(events.SnoopGone(at=at, recording=name))

    def customer_hangs_up(self, at: datetime) -> None:
        """Asterisk ends every snoop on a channel that ends."""
        for name, truth in list(self.truth.items()):
            if truth is not Truth.GONE:
                self.hang_up(name, at)

    def tell_again(self, names: set[RecordingName], at: datetime) -> None:
        """What the daemon asks for after a reconnect: which of these snoop channels no longer exist."""
        for name in sorted(names):
            if self.truth.get(name) is Truth.GONE:
                self.news.append(events.SnoopGone(at=at, recording=name))

    def _start(self, name: RecordingName, at: datetime) -> None:
        if self.truth.get(name) is Truth.SNOOPED:
            self.truth[name] = Truth.RECORDS
            self.files.add(name)
            self.news.append(events.RecordingStarted(at=at, recording=name))
        else:
            self.news.append(events.RecordingFailed(at=at, recording=name))

    def _toggle(self, name: RecordingName, before: Truth, after: Truth, at: datetime) -> None:
        done = self.truth.get(name) is before
        if done:
            self.truth[name] = after
        kinds: dict[tuple[Truth, bool], type[Answer]] = {
            (Truth.PAUSED, True): events.PauseConfirmed,
            (Truth.PAUSED, False): events.PauseUnconfirmed,
            (Truth.RECORDS, True): events.ResumeConfirmed,
            (Truth.RECORDS, False): events.ResumeUnconfirmed,
        }
        self.news.append(kinds[after, done](at=at, recording=name))
