"""The stretches of a derived file, for whoever shows them beside a player: recorded or paused, why, from when to when.

Owns their places only; what is heard in a gap: ``gaps``.
"""

from collections.abc import Sequence
from typing import TypedDict

from controller.audio.gaps import GapStyle, lengths
from controller.domain.records import SpanKind, SpanRecord


class Entry(TypedDict):
    """One stretch, as it goes into JSON; milliseconds from the beginning of the derived file."""

    kind: str
    reason: str
    begin_ms: int
    end_ms: int


def timeline(spans: Sequence[SpanRecord], style: GapStyle, audio_ms: int | None = None) -> list[Entry]:
    """Return the spans as they lie in a file that was derived with gaps of this style.

    ``audio_ms`` is the length of the recording's own audio. With ``none`` a pause begins and ends at the same moment.
    """
    entries: list[Entry] = []
    begin = 0
    for span, length in zip(spans, lengths(spans, audio_ms), strict=True):
        absent = span.kind is SpanKind.PAUSED and style is GapStyle.NONE
        end = begin if absent else begin + length
        entries.append(Entry(kind=span.kind.value, reason=span.reason, begin_ms=begin, end_ms=end))
        begin = end
    return entries
