"""Pieces of any size become blocks, and nothing of them is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.audio.pcm import BLOCK_FRAMES, PcmFormat, blocks
from tests.unit.audio.sounds import cut, sizes


@given(length=st.integers(0, 300_000), sizes=sizes(), channels=st.integers(1, 2))
def test_blocks_hold_every_whole_frame_in_order(length: int, sizes: list[int], channels: int) -> None:
    frame = PcmFormat(channels=channels).frame_bytes
    data = (bytes(range(251)) * (length // 251 + 1))[:length]
    found = list(blocks(cut(data, sizes), frame))
    assert b"".join(found) == data[: length // frame * frame]
    assert all(len(block) == BLOCK_FRAMES * frame for block in found[:-1])
    assert all(0 < len(block) <= BLOCK_FRAMES * frame for block in found)


@pytest.mark.parametrize(
    ("rate", "frames", "milliseconds"),
    [(8000, 0, 0), (8000, 8, 1), (8000, 9, 2), (16000, 16, 1), (8000, 80_000, 10_000)],
)
def test_the_end_of_frames_is_rounded_up(rate: int, frames: int, milliseconds: int) -> None:
    form = PcmFormat(rate=rate)
    assert form.milliseconds(frames) == milliseconds
    assert form.frames(milliseconds) >= frames
