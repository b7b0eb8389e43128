"""A measured share, its confidence interval, and where it stands."""

import pytest

from controller.domain.share import Limits, limits_kept, wilson


@pytest.mark.parametrize(
    ("count", "total", "low", "high"),
    [
        # published examples of Wilson's method: Newcombe, Statistics in Medicine 17 (1998), table I
        pytest.param(81, 263, 0.2553, 0.3662, id="81 of 263"),
        pytest.param(15, 148, 0.0624, 0.1605, id="15 of 148"),
        pytest.param(0, 20, 0.0000, 0.1611, id="none of 20"),
        pytest.param(1, 29, 0.0061, 0.1718, id="1 of 29"),
    ],
)
def test_the_interval_is_that_of_the_literature(count: int, total: int, low: float, high: float) -> None:
    interval = wilson(count, total)
    assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)


def test_the_interval_of_everything_ends_at_one() -> None:
    interval = wilson(20, 20)
    assert (round(interval.low, 4), interval.high) == (0.8389, 1.0)


@pytest.mark.parametrize(
    ("count", "total", "expected"),
    [
        pytest.param(25, 100, Limits.WITHIN, id="between the limits"),
        pytest.param(20, 100, Limits.WITHIN, id="at the minimum"),
        pytest.param(30, 100, Limits.WITHIN, id="at the maximum"),
        pytest.param(0, 3, Limits.UNCLEAR, id="outside, of so few calls that it says nothing"),
        pytest.param(2, 5, Limits.UNCLEAR, id="above, of few calls"),
        pytest.param(50, 500, Limits.BELOW, id="below, of many calls"),
        pytest.param(200, 500, Limits.ABOVE, id="above, of many calls"),
    ],
)
def test_where_a_share_stands(count: int, total: int, expected: Limits) -> None:
    assert limits_kept(count, total, minimum=0.2, maximum=0.3) is expected
