"""How late an event is: told by a clock that is not ours."""

from controller.runtime.lag import LEAST_EVENTS, LEAST_S, Lag

OFF = 1_700_000_000.0
"""Between the PBX's wall clock and our monotonic one."""


def usual(lag: Lag, *, since: float, times: int = LEAST_EVENTS, off: float = OFF) -> None:
    """Events that are read a millisecond after they were told, one a second."""
    for second in range(times):
        assert lag.of(off + since + second, since + second + 0.001) < 0.001


def test_what_is_read_at_once_is_not_late_whatever_the_clocks_say() -> None:
    usual(Lag(), since=100)


def test_what_lay_there_is_late_by_as_long() -> None:
    lag = Lag()
    usual(lag, since=100)
    assert round(lag.of(OFF + 110, 112.001), 3) == 2.0


def test_a_clock_that_is_set_forward_is_taken_for_the_right_one_at_once() -> None:
    lag = Lag()
    usual(lag, since=100)
    usual(lag, since=200, off=OFF + 3600)


def test_a_clock_that_is_set_back_makes_everything_late_until_it_is_known() -> None:
    lag = Lag()
    usual(lag, since=100)
    late = [lag.of(OFF - 60 + second, second + 0.001) for second in range(200, 200 + 3 * int(LEAST_S))]
    assert round(late[0]) == 60
    assert late[-1] < 0.001


def test_a_quiet_pbx_is_not_forgotten() -> None:
    lag = Lag()
    usual(lag, since=100)
    assert round(lag.of(OFF + 9000, 9005.001), 3) == 5.0
