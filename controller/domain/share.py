"""A share that was measured, and what can be said about the limits that it should keep."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from math import sqrt

Z_95 = 1.959963984540054
"""Standard deviations either side that hold 95 % of a normal distribution."""


class Limits(StrEnum):
    """Where a measured share stands: ``unclear`` is outside, by no more than so few calls may be by chance."""

    WITHIN = "within"
    BELOW = "below"
    ABOVE = "above"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """From ``low`` to ``high``, both shares."""

    low: float
    high: float


def wilson(count: int, total: int) -> Interval:
    """The 95 % confidence interval of a share by Wilson's score method, good for few calls and for shares near 0 too.

    It takes each call for a draw of its own. A sample of marked blocks varies less, so the interval is rather too wide.
    """
    share, spread = count / total, Z_95**2 / total
    centre = share + spread / 2
    half = sqrt(share * (1 - share) * spread + spread**2 / 4)
    return Interval(low=max(0.0, (centre - half) / (1 + spread)), high=min(1.0, (centre + half) / (1 + spread)))


def limits_kept(count: int, total: int, *, minimum: float, maximum: float) -> Limits:
    """Where the share of ``count`` in ``total`` stands."""
    if minimum <= count / total <= maximum:
        return Limits.WITHIN
    interval = wilson(count, total)
    if interval.high < minimum:
        return Limits.BELOW
    return Limits.ABOVE if interval.low > maximum else Limits.UNCLEAR


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """A stratum in an ISO week (UTC): its answered calls, those that could be recorded, those that were chosen.

    ``answered`` is not 0; ``minimum`` and ``maximum`` are the limits of the share then.
    """

    purpose: str
    stratum: str
    week: str
    answered: int
    eligible: int
    chosen: int
    minimum: float
    maximum: float

    @property
    def share(self) -> float:
        """Of the answered calls."""
        return self.chosen / self.answered

    @property
    def interval(self) -> Interval:
        """Of the share."""
        return wilson(self.chosen, self.answered)

    @property
    def limits(self) -> Limits:
        """Where the share stands."""
        return limits_kept(self.chosen, self.answered, minimum=self.minimum, maximum=self.maximum)

    @property
    def monday(self) -> date:
        """The day on which it begins."""
        year, _, number = self.week.partition("-W")
        return date.fromisocalendar(int(year), int(number), 1)


def measured(week: Week) -> dict[str, str | int | float]:
    """What is told of a week, shares to three places."""
    return {
        "purpose": week.purpose,
        "stratum": week.stratum,
        "week": week.week,
        "answered": week.answered,
        "eligible": week.eligible,
        "chosen": week.chosen,
        "share": round(week.share, 3),
        "low": round(week.interval.low, 3),
        "high": round(week.interval.high, 3),
        "minimum": week.minimum,
        "maximum": week.maximum,
        "limits": week.limits.value,
    }
