"""What every test shares: how hard hypothesis tries, that it tries the same everywhere, and what a failure tells."""

from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

from lab.asterisk import states

pytest.register_assert_rewrite("tests.unit.domain.laws", "tests.unit.domain.stories")

settings.register_profile(
    "ci", derandomize=True, deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ci")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(call: pytest.CallInfo[None]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tell of each failure in what state the lab's Asterisks were."""
    if call.excinfo is not None:
        said = getattr(call.excinfo.value, "__notes__", [])  # of a fixture that failed for another test, the same error
        for state in states():
            if state not in said:
                call.excinfo.value.add_note(state)
    return (yield)
