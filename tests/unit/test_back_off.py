"""The wait between two attempts to connect."""

import pytest

from controller.back_off import FIRST_DELAY_S, LONGEST_DELAY_S, back_off_s


def test_the_back_off_doubles_is_bounded_and_is_spread() -> None:
    assert back_off_s(0, 0.0) == FIRST_DELAY_S / 2
    assert back_off_s(1, 0.0) == FIRST_DELAY_S
    assert back_off_s(3, 0.5) == pytest.approx(0.6)
    assert all(back_off_s(n, 0.999) <= LONGEST_DELAY_S for n in (0, 5, 6, 7, 1000, 10**9))
    assert back_off_s(10**9, 0.0) == LONGEST_DELAY_S / 2
