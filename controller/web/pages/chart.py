"""Where the marks of a chart of shares lie: week after week, with their intervals, over the band of their limits.

Pure; in the units of the chart's own ``viewBox``. What is drawn and said there is the template's.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil
from typing import Final

from controller.domain.share import Week

WIDTH: Final = 440
HEIGHT: Final = 220
LEFT: Final = 48.0
RIGHT: Final = 434.0
TOP: Final = 12.0
BOTTOM: Final = 190.0
_ROOM: Final = 0.1
"""What is left free above the highest mark, at least, and the steps in which a chart ends."""
_MOST_LABELS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One measured week: its share at ``x`` and ``y``, its interval, and the band of its limits beside it."""

    week: Week
    x: float
    y: float
    high: float
    low: float
    band_left: float
    band_width: float
    band_top: float
    band_height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What stands at a place on an axis."""

    at: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart of one stratum: ``shares`` label the axis on the left, ``weeks`` the one below."""

    marks: tuple[Mark, ...]
    shares: tuple[Label, ...]
    weeks: tuple[Label, ...]


def chart(measured: Sequence[Week], first: date, number: int) -> Chart:
    """Of the weeks of one stratum, on an axis of ``number`` weeks from the Monday ``first`` on."""
    top = min(1.0, ceil((max(max(week.interval.high, week.maximum) for week in measured)) / _ROOM) * _ROOM)
    return Chart(
        marks=tuple(_marks(measured, first, number, top)),
        shares=tuple(_shares(top)),
        weeks=tuple(_weeks(first, number)),
    )


def _marks(measured: Sequence[Week], first: date, number: int, top: float) -> Iterator[Mark]:
    step = (RIGHT - LEFT) / number
    for monday in sorted({week.monday for week in measured}):
        same = [week for week in measured if week.monday == monday]
        width = step / len(same)
        for place, week in enumerate(same):
            left = LEFT + step * ((monday - first).days // 7) + width * place
            band = _height(week.maximum, top)
            yield Mark(
                week=week,
                x=round(left + width / 2, 1),
                y=_height(week.share, top),
                high=_height(week.interval.high, top),
                low=_height(week.interval.low, top),
                band_left=round(left, 1),
                band_width=round(width, 1),
                band_top=band,
                band_height=round(_height(week.minimum, top) - band, 1),
            )


def _shares(top: float) -> Iterator[Label]:
    every = 0.1 if top <= 0.5 else 0.2  # noqa: PLR2004 - so that labels do not crowd
    for tenth in range(0, round(top * 10) + 1, round(every * 10)):
        yield Label(at=_height(tenth / 10, top), text=f"{tenth * 10} %")


def _weeks(first: date, number: int) -> Iterator[Label]:
    step, every = (RIGHT - LEFT) / number, ceil(number / _MOST_LABELS)
    for place in range(0, number, every):
        year, week, _ = date.fromordinal(first.toordinal() + 7 * place).isocalendar()
        yield Label(at=round(LEFT + step * (place + 0.5), 1), text=f"{year}-W{week:02d}")


def _height(share: float, top: float) -> float:
    return round(BOTTOM - (BOTTOM - TOP) * share / top, 1)
