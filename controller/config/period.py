"""How long, as the file writes it: calendar periods (``1 year 6 months``) and durations (``1 hour 30 minutes``)."""

import re

from controller.domain.policy import Period

LONGEST_MEMORY = Period(years=100)
"""Longer than whoever objects lives, and far from where the calendar ends."""
LONGEST_ACCESSES = Period(years=3)
LONGEST_DURATION_S = 24 * 3600.0
_SHORTEST_MONTHS = (0, 28, 59, 89, 120, 150, 181, 212, 242, 273, 303, 334)
"""Days that so many months in a row have at the very least."""


def _counted(*units: str) -> re.Pattern[str]:
    part = r"(?:(?P<{0}s>[0-9]{{1,4}}) {0}s?)?"
    return re.compile(" ?".join(part.format(unit) for unit in units))


_PERIOD = _counted("year", "month", "day")
_DURATION = _counted("hour", "minute", "second")


def parse_period(text: str) -> Period:
    """Raises ``ValueError`` with the message for the reader."""
    return Period(**_numbers(_PERIOD, text, "a period such as 6 months, 1 year or 90 days"))


def parse_memory(text: str) -> Period:
    """How long an objection is remembered. Raises ``ValueError`` with the message for the reader."""
    period = parse_period(text)
    if not within(period, LONGEST_MEMORY):
        raise ValueError(f"must be at most {written(LONGEST_MEMORY)} (GDPR art. 5(1)(e): nothing is kept for ever)")
    return period


def parse_accesses(text: str) -> Period:
    """How long it is kept who listened. Raises ``ValueError`` with the message for the reader."""
    period = parse_period(text)
    if not within(period, LONGEST_ACCESSES):
        raise ValueError(f"must be at most {written(LONGEST_ACCESSES)} (CNIL, recommendation on logging)")
    return period


def parse_duration(text: str) -> float:
    """Seconds. Raises ``ValueError`` with the message for the reader."""
    numbers = _numbers(_DURATION, text, "a duration such as 5 minutes, 1 hour or 90 seconds")
    seconds = float(numbers["hours"] * 3600 + numbers["minutes"] * 60 + numbers["seconds"])
    if seconds > LONGEST_DURATION_S:
        raise ValueError("must be at most 24 hours")
    return seconds


def _numbers(pattern: re.Pattern[str], text: str, wanted: str) -> dict[str, int]:
    found = pattern.fullmatch(text)
    numbers = {unit: int(number or 0) for unit, number in found.groupdict().items()} if found else {}
    if not any(numbers.values()):
        raise ValueError(f"must be {wanted}")
    return numbers


def within(period: Period, limit: Period) -> bool:
    """Whether a period ends no later than a limit (of years and months), whatever day both begin on."""
    months_left = _months(limit) - _months(period)
    if months_left < 0:
        return False
    years, months = divmod(months_left, 12)
    return period.days <= years * 365 + _SHORTEST_MONTHS[months]


def written(period: Period) -> str:
    """A period as the file writes it."""
    numbers = (("year", period.years), ("month", period.months), ("day", period.days))
    return " ".join(f"{number} {unit}{'s' * (number != 1)}" for unit, number in numbers if number)


def _months(period: Period) -> int:
    return period.years * 12 + period.months
