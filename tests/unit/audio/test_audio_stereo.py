"""Two mono recordings side by side."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from controller.audio.stereo import StereoWav, interleaved
from controller.audio.wav import WavReader, wav_header
from controller.errors import AudioUnreadable
from tests.unit.audio.sounds import cut, samples_of, sizes


@given(left=st.integers(0, 100_000), right=st.integers(0, 100_000), pieces=st.tuples(sizes(), sizes()))
def test_the_customer_is_left_the_agent_right_and_the_shorter_silent_at_the_end(
    left: int, right: int, pieces: tuple[list[int], list[int]]
) -> None:
    customer = (np.arange(left) % 1000 + 1).astype("<i2")
    agent = -(np.arange(right) % 1000 + 1).astype("<i2")
    found = samples_of(interleaved(cut(customer.tobytes(), pieces[0]), cut(agent.tobytes(), pieces[1])), channels=2)
    assert len(found) == max(left, right)
    assert np.array_equal(found[:left, 0] * 32768, customer)
    assert np.array_equal(found[:right, 1] * 32768, agent)
    assert not found[left:, 0].any()
    assert not found[right:, 1].any()


def test_half_a_sample_at_the_end_shifts_no_side() -> None:
    assert b"".join(interleaved([b"\1\2\3"], [b"\5\6\7\0"])) == b"\1\2\5\6\0\0\7\0"


def wav(samples: int, *, rate: int = 8000, channels: int = 1, first: int = 1) -> bytes:
    """A file of so many frames, each sample another number."""
    pcm = (np.arange(samples * channels) % 1000 + first).astype("<i2").tobytes()
    return wav_header(samples, rate, channels) + pcm


def made(customer: bytes, agent: bytes) -> tuple[StereoWav, NDArray[np.int16]]:
    """What becomes of two files, and its frames."""
    both = StereoWav(cut(customer, [7, 100]), cut(agent, [50]), octets=(len(customer), len(agent)))
    reader = WavReader(both)
    pcm = b"".join(reader)
    assert (reader.channels, reader.partial) == (2, False)
    return both, np.frombuffer(pcm, dtype="<i2").reshape(-1, 2)


@pytest.mark.parametrize(("left", "right"), [(300, 300), (300, 200), (200, 300), (0, 300), (70_000, 66_000)])
def test_one_file_of_two_is_as_long_as_the_longer(left: int, right: int) -> None:
    both, frames = made(wav(left), wav(right, first=5000))
    assert (len(frames), both.partial) == (max(left, right), False)
    assert np.array_equal(frames[:left, 0], np.arange(left) % 1000 + 1)
    assert np.array_equal(frames[:right, 1], np.arange(right) % 1000 + 5000)
    assert not frames[left:, 0].any()
    assert not frames[right:, 1].any()


@pytest.mark.parametrize("torn", [b"", b"RIFF", b"nothing of the kind" * 10], ids=["none", "a beginning", "no wav"])
def test_a_side_that_holds_nothing_is_silent(torn: bytes) -> None:
    both, frames = made(wav(300), torn)
    assert both.partial
    assert not frames[:, 1].any()
    assert np.array_equal(frames[:, 0], np.arange(300) % 1000 + 1)


def test_of_two_that_hold_nothing_comes_a_file_of_nothing() -> None:
    both, frames = made(b"", b"")
    assert (both.partial, len(frames)) == (True, 0)


def test_a_side_that_was_not_closed_is_there_whole() -> None:
    unclosed = wav_header(0, 8000, 1) + wav(300)[44:]
    both, frames = made(unclosed, wav(300))
    assert both.partial
    assert np.array_equal(frames[:, 0], frames[:, 1])


@pytest.mark.parametrize("other", [wav(300, rate=16_000), wav(300, channels=2)], ids=["rate", "channels"])
def test_sides_that_do_not_go_together_are_refused(other: bytes) -> None:
    with pytest.raises(AudioUnreadable):
        StereoWav([wav(300)], [other], octets=(len(wav(300)), len(other)))


@pytest.mark.parametrize("place", [0, 1])
def test_a_side_of_which_something_is_missing_on_the_way_is_refused(place: int) -> None:
    files = [wav(300), wav(300)]
    octets = (len(files[0]), len(files[1]))
    files[place] = files[place][:-100]
    with pytest.raises(AudioUnreadable):
        b"".join(StereoWav([files[0]], [files[1]], octets=octets))
