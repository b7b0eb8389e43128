"""Two mono recordings side by side."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from controller.audio.stereo import interleaved
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
