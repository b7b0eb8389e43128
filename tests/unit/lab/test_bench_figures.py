"""Percentiles, targets and tables of the bench."""

import math

import pytest

from lab.bench.figures import Distribution, Target, Wanted, number, table


def target(measured: float, wanted: Wanted = Wanted.AT_MOST) -> Target:
    return Target(what="a pause", wanted=wanted, limit=20, measured=measured, unit="ms")


def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed() -> None:
    told = Distribution.of(range(200, 0, -1))
    assert (told.count, told.least, told.p50, told.p99, told.most) == (200, 1, 100, 198, 200)


def test_a_single_value_is_all_of_its_percentiles() -> None:
    told = Distribution.of([7.0])
    assert {told.least, told.p50, told.p99, told.most} == {7.0}


def test_nothing_has_no_percentiles() -> None:
    told = Distribution.of([])
    assert told.count == 0
    assert math.isnan(told.p99)


@pytest.mark.parametrize(
    ("measured", "wanted", "reached"),
    [
        (20.0, Wanted.AT_MOST, True),
        (20.1, Wanted.AT_MOST, False),
        (20.0, Wanted.AT_LEAST, True),
        (19.9, Wanted.AT_LEAST, False),
        (math.nan, Wanted.AT_MOST, False),
        (math.nan, Wanted.AT_LEAST, False),
    ],
)
def test_a_target_is_reached_at_its_limit_and_never_without_a_measurement(
    measured: float, wanted: Wanted, *, reached: bool
) -> None:
    assert target(measured, wanted).reached is reached


def test_a_missed_target_says_so_in_its_row() -> None:
    assert target(23.4).row() == ("a pause", "≤ 20 ms", "23.4 ms", "**no**")
    assert target(14.0).row() == ("a pause", "≤ 20 ms", "14 ms", "yes")


def test_what_was_not_measured_says_so_without_a_unit() -> None:
    assert target(math.nan).row() == ("a pause", "≤ 20 ms", "not measured", "**no**")


@pytest.mark.parametrize(("value", "told"), [(24_778.4, "24,778"), (3.416, "3.42"), (0.0, "0"), (99.96, "100")])
def test_a_number_has_three_digits_that_mean_something(value: float, told: str) -> None:
    assert number(value) == told


def test_a_table_lines_its_columns_up() -> None:
    assert table(("ms", "p50"), [("a pause", "3")]) == "| ms      | p50 |\n| ------- | --- |\n| a pause | 3   |"
