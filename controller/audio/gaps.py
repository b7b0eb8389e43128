"""What was left out of a recording while it was paused, and its place in the audio put back as silence or with tones.

Asterisk leaves a pause out of the file altogether. Whoever listens to a derived file with gaps hears when it was
paused and for how long, and never what was said.

Owns where gaps are and what is heard in them. What the stretches are called for a player: ``timeline``.
"""

import math
from array import array
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from controller.audio.pcm import BLOCK_FRAMES, PcmFormat, blocks
from controller.domain.records import SpanKind, SpanRecord

EDGE_MS = 100
"""How far a recorded span may be off from its audio: its ends are known by events, and they take their time.
The pause that is confirmed later than this ends the recording (``controller.domain.tracking``)."""
TONE_MS = 200
TONE_HZ = 440
TONE_DBFS = -30
FADE_MS = 10
"""How long a tone takes to rise and to fall, so that it does not click."""


class GapStyle(StrEnum):
    """What is put where a recording was paused."""

    NONE = "none"
    """Nothing: the audio goes on at once, as in the file."""
    SILENCE = "silence"
    """Silence as long as the pause."""
    TONE = "tone"
    """The same, and a short soft tone where it begins and where it ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A pause: where in the recording's own audio, in which it is absent, and how long; milliseconds."""

    at_ms: int
    length_ms: int


def lengths(spans: Sequence[SpanRecord], audio_ms: int | None = None) -> list[int]:
    """Return how long each span is, in milliseconds; recorded ones as they are in an audio of ``audio_ms``.

    The spans come in their order. Where audio and spans differ by no more than ``EDGE_MS`` for each recorded
    span, each of them takes an equal share of the difference: it arises at their ends, however long they are. Where
    they differ by more, the end of the file is missing, or more follows than is known of: the places stay as they
    are told, what is beyond the audio is cut, and what is too much belongs to the last.
    """
    told = [round((span.end - span.begin).total_seconds() * 1000) for span in spans]
    recorded = [place for place, span in enumerate(spans) if span.kind is SpanKind.RECORDED]
    if audio_ms is None or not recorded:
        return told
    count = len(recorded)
    over = audio_ms - sum(told[place] for place in recorded)
    shared = over if abs(over) <= EDGE_MS * count else 0
    left = audio_ms
    for turn, place in enumerate(recorded):
        share = shared * (turn + 1) // count - shared * turn // count
        told[place] = min(max(told[place] + share, 0), left)
        left -= told[place]
    told[recorded[-1]] += left
    return told


def gaps_of(spans: Sequence[SpanRecord], audio_ms: int | None = None) -> list[Gap]:
    """Return where the recording was paused, and how long, as ``lengths`` has it; neighbours are one gap."""
    found: list[Gap] = []
    at = 0
    for span, length in zip(spans, lengths(spans, audio_ms), strict=True):
        if span.kind is SpanKind.RECORDED:
            at += length
        elif found and found[-1].at_ms == at:
            found[-1] = replace(found[-1], length_ms=found[-1].length_ms + length)
        elif length:
            found.append(Gap(at_ms=at, length_ms=length))
    return found


def frames_with(frames: int, gaps: Iterable[Gap], style: GapStyle, form: PcmFormat) -> int:
    """Return how many frames there are once the gaps are in."""
    return frames if style is GapStyle.NONE else frames + sum(form.frames(gap.length_ms) for gap in gaps)


def filled(pieces: Iterable[bytes], gaps: Sequence[Gap], style: GapStyle, form: PcmFormat) -> Iterator[bytes]:
    """Put the gaps, which come by their places, into the PCM. One that is beyond its end follows at its end."""
    waiting = deque(() if style is GapStyle.NONE else gaps)
    begin = 0
    for block in blocks(pieces, form.frame_bytes):
        done = 0
        while waiting and (place := form.frames(waiting[0].at_ms) * form.frame_bytes) < begin + len(block):
            cut = max(place - begin, done)
            yield block[done:cut]
            yield from _sound(waiting.popleft(), style, form)
            done = cut
        yield block[done:]
        begin += len(block)
    for gap in waiting:
        yield from _sound(gap, style, form)


def _sound(gap: Gap, style: GapStyle, form: PcmFormat) -> Iterator[bytes]:
    """Give what is heard in a gap; tones that do not fit are shorter."""
    frames = form.frames(gap.length_ms)
    beep = min(form.frames(TONE_MS), frames // 2) if style is GapStyle.TONE else 0
    tone = _tone(beep, form)
    yield tone
    yield from _silence(frames - 2 * beep, form)
    yield tone


def _silence(frames: int, form: PcmFormat) -> Iterator[bytes]:
    block = bytes(min(frames, BLOCK_FRAMES) * form.frame_bytes)
    for done in range(0, frames, BLOCK_FRAMES):
        yield block[: (frames - done) * form.frame_bytes]


def _tone(frames: int, form: PcmFormat) -> bytes:
    peak = 32767 * 10 ** (TONE_DBFS / 20)
    fade = form.frames(FADE_MS)
    turn = 2 * math.pi * TONE_HZ / form.rate
    samples = array("h")
    for frame in range(frames):
        risen = min(frame / fade, (frames - 1 - frame) / fade, 1.0)
        samples.extend([round(peak * risen * math.sin(turn * frame))] * form.channels)
    return samples.tobytes()
