"""Figures: percentiles of what was measured, and targets held against them. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """Of ``count`` values; all NaN where there is none."""

    count: int
    least: float
    p50: float
    p99: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Distribution":
        """The p-th percentile is the smallest value that p % of all do not exceed (nearest rank): no interpolation."""
        if not values:
            return cls(count=0, least=math.nan, p50=math.nan, p99=math.nan, most=math.nan)
        ordered = sorted(values)
        return cls(count=len(ordered), least=ordered[0], p50=rank(ordered, 50), p99=rank(ordered, 99), most=ordered[-1])


class Wanted(StrEnum):
    """Which side of a target is good."""

    AT_MOST = "≤"
    AT_LEAST = "≥"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One line of the table: what was promised (DESIGN), and what was measured."""

    what: str
    wanted: Wanted
    limit: float
    measured: float
    unit: str

    @property
    def reached(self) -> bool:
        """Whether the promise is kept; what was not measured was not reached."""
        if self.wanted is Wanted.AT_MOST:
            return self.measured <= self.limit
        return self.measured >= self.limit

    def row(self) -> tuple[str, str, str, str]:
        """The cells: target, limit, measured, reached."""
        return (
            self.what,
            f"{self.wanted.value} {number(self.limit)} {self.unit}",
            number(self.measured) if math.isnan(self.measured) else f"{number(self.measured)} {self.unit}",
            "yes" if self.reached else "**no**",
        )


def number(value: float) -> str:
    """Three digits that mean something, and thousands set apart."""
    if math.isnan(value):
        return "not measured"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown, its columns lined up so that it reads as well on a terminal."""
    cells = [list(head), *[list(row) for row in rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    lines = [
        "| " + " | ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) + " |" for row in cells
    ]
    lines.insert(1, "| " + " | ".join("-" * width for width in widths) + " |")
    return "\n".join(lines)


def rank(ordered: Sequence[float], percent: int) -> float:
    """The p-th percentile of values in order: the smallest that p % of all do not exceed."""
    return ordered[max(math.ceil(len(ordered) * percent / 100), 1) - 1]
