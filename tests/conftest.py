"""What every test shares: how hard hypothesis tries, and that it tries the same everywhere."""

import pytest
from hypothesis import HealthCheck, settings

pytest.register_assert_rewrite("tests.unit.domain.laws", "tests.unit.domain.stories")

settings.register_profile(
    "ci", derandomize=True, deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ci")
