"""Where a waveform and the stretches of a recording lie in a picture: numbers for a template to draw. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from controller.audio.peaks import LOUDEST
from controller.audio.timeline import Entry
from controller.domain.records import SpanKind

HALF: Final = 50
"""Half of the height of one channel, in units of its picture; a bucket of peaks is one unit wide."""
_QUIETEST_WHOLE: Final = 24
"""What is no louder than this is drawn as quiet as it is, not as high as it goes."""
_ROOM_FOR_WORDS: Final = 16.0
"""From how many percent of the width a stretch has room for more than its number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A stretch, recorded or paused; ``left``, ``width`` and ``middle`` in percent, times in milliseconds.

    ``number`` counts the pauses from 1; None of what was recorded. ``roomy`` is whether words find room in it.
    """

    paused: bool
    reason: str
    begin_ms: int
    end_ms: int
    left: float
    width: float
    middle: float
    number: int | None
    roomy: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Waveform:
    """A path for each channel, in a picture of ``buckets`` by twice ``HALF``; and the stretches."""

    duration_ms: int
    buckets: int
    paths: tuple[str, ...]
    stretches: tuple[Stretch, ...]


def waveform(peaks: Mapping[str, Any], timeline: Sequence[Entry]) -> Waveform:
    """Return the picture of ``peaks`` (``duration_ms`` and ``channels``) and of the timeline in the same style."""
    channels: Sequence[Sequence[int]] = peaks["channels"]
    loudest = max([_QUIETEST_WHOLE, *(peak for channel in channels for peak in channel)])
    duration_ms = max(peaks["duration_ms"], *(entry["end_ms"] for entry in timeline), 1)
    return Waveform(
        duration_ms=duration_ms,
        buckets=max([1, *(len(channel) for channel in channels)]),
        paths=tuple(_path(channel, min(loudest, LOUDEST)) for channel in channels),
        stretches=tuple(_stretches(timeline, duration_ms)),
    )


def _path(channel: Sequence[int], loudest: int) -> str:
    heights = (max(1, round(peak * (HALF - 2) / loudest)) for peak in channel)
    return "".join(f"M{bucket} {HALF - height}V{HALF + height}" for bucket, height in enumerate(heights))


def _stretches(timeline: Sequence[Entry], duration_ms: int) -> list[Stretch]:
    stretches: list[Stretch] = []
    pauses = 0
    for entry in timeline:
        paused = entry["kind"] == SpanKind.PAUSED
        pauses += paused
        left, right = (round(100 * entry[name] / duration_ms, 3) for name in ("begin_ms", "end_ms"))
        stretches.append(
            Stretch(
                paused=paused,
                reason=entry["reason"],
                begin_ms=entry["begin_ms"],
                end_ms=entry["end_ms"],
                left=left,
                width=round(right - left, 3),
                middle=round((left + right) / 2, 3),
                number=pauses if paused else None,
                roomy=right - left >= _ROOM_FOR_WORDS,
            )
        )
    return stretches
