"""Calendar periods as the file writes them: ``6 months``, ``1 year 6 months``, ``90 days``."""

import re

from controller.domain.policy import Period

_PART = r"(?:(?P<{0}s>[0-9]{{1,4}}) {0}s?)?"
_PERIOD = re.compile(" ?".join(_PART.format(unit) for unit in ("year", "month", "day")))
_SHORTEST_MONTHS = (0, 28, 59, 89, 120, 150, 181, 212, 242, 273, 303, 334)
"""Days that so many months in a row have at the very least."""


def parse_period(text: str) -> Period:
    """Raises ``ValueError`` with the message for the reader."""
    found = _PERIOD.fullmatch(text)
    numbers = {unit: int(number or 0) for unit, number in found.groupdict().items()} if found else {}
    if not any(numbers.values()):
        raise ValueError("must be a period such as 6 months, 1 year or 90 days")
    return Period(**numbers)


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
