"""Which recordings have two sides, and what these are called."""

import pytest

from controller.domain.commands import Snoop
from controller.domain.names import RecordingName, Side
from controller.domain.policy import Channels
from controller.domain.sides import every_side, recording_of, sides_of
from tests.unit.domain.stories import Story, purpose

MONO, STEREO = RecordingName("rc-call-quality-1"), RecordingName("rc-call-quality-1-stereo")


@pytest.mark.parametrize(("channels", "name"), [(Channels.MONO, MONO), (Channels.STEREO, STEREO)])
def test_the_name_of_a_recording_tells_whether_its_purpose_is_recorded_in_stereo(channels: Channels, name: str) -> None:
    story = Story(purpose(channels=channels))
    story.caller_listens()
    story.agent_answers()
    story.ledger_commits()
    assert story.only(Snoop).recording == name


@pytest.mark.parametrize(
    ("recording", "sides"),
    [
        pytest.param(MONO, (MONO,), id="one alone is the recording itself"),
        pytest.param(STEREO, (STEREO, "rc-call-quality-1-agent"), id="the customer's, then the agent's"),
    ],
)
def test_every_side_finds_its_recording(recording: RecordingName, sides: tuple[Side, ...]) -> None:
    assert sides_of(recording) == sides
    assert [recording_of(side) for side in sides] == [recording] * len(sides)


def test_the_sides_of_several() -> None:
    assert every_side([MONO, STEREO]) == {*sides_of(MONO), *sides_of(STEREO)}
