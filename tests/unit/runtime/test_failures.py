"""How often somebody has failed to log in."""

import tracemalloc

from controller.runtime.sessions import WITHIN_S, Failures

LONG = "a" * 100_000


def test_a_name_that_has_failed_too_often_waits_until_the_first_time_is_long_ago() -> None:
    clock = [0.0]
    failures = Failures(3, clock=lambda: clock[-1])
    for _ in range(3):
        assert failures.wait_s("alice") == 0
        failures.note("alice")
        clock.append(clock[-1] + 10)
    assert (failures.wait_s("alice"), failures.wait_s("bob")) == (WITHIN_S - 30, 0)
    clock.append(WITHIN_S)
    assert failures.wait_s("alice") == 0
    failures.note("alice")
    failures.forget("alice")
    assert failures.wait_s("alice") == 0


def test_a_long_name_counts_like_any_other_and_is_not_kept() -> None:
    """Whoever makes long names up would fill the memory with them."""
    failures = Failures(1, clock=lambda: 0.0)
    tracemalloc.start()
    for n in range(100):
        failures.note(f"{LONG}{n}")
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 2 * len(LONG)
    assert failures.wait_s(f"{LONG}1") == WITHIN_S
    assert failures.wait_s(LONG) == 0
