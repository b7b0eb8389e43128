"""Makes of a stored recording what people listen to and players draw: MP3 or WAV with its pauses, peaks, the timeline.

What was made is kept beside the recording, sealed by the same key, and is gone with it. Nothing here asks whether
somebody may have it (``controller.custody.listening``).
"""

import json
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from enum import StrEnum

from controller.audio.gaps import Gap, GapStyle, filled, frames_with, gaps_of
from controller.audio.mp3 import encoded
from controller.audio.peaks import peaks_of
from controller.audio.timeline import Entry, timeline
from controller.audio.wav import WRITTEN_HEADER, WavReader, wav_header
from controller.custody.bridge import from_thread
from controller.custody.custody import Custody
from controller.db.holdings import Holding, holding, spans_of
from controller.domain.names import RecordingName
from controller.domain.records import SpanRecord, StoredState
from controller.domain.sides import sides_of
from controller.errors import ObjectGone
from controller.runtime.clock import now
from controller.store.sealing import opened
from controller.store.vault import derived_name
from controller.threads import off_the_loop

_OCTETS_A_MS = 16


class Shape(StrEnum):
    """What a recording can be had as."""

    MP3 = "mp3"
    WAV = "wav"
    PEAKS = "peaks"

    @property
    def media_type(self) -> str:
        """Its media type."""
        return {Shape.MP3: "audio/mpeg", Shape.WAV: "audio/wav", Shape.PEAKS: "application/json"}[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Audio:
    """The samples of a recording with its pauses put back, and how many frames they come to."""

    reader: WavReader
    gaps: Sequence[Gap]
    style: GapStyle
    frames: int

    def __iter__(self) -> Iterator[bytes]:
        return filled(self.reader, self.gaps, self.style, self.reader.format)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """A recording in another shape: ``octets`` long; ``pieces`` opens it anew each time.

    Close what ``pieces`` gives (``aclosing``) where you stop early. It raises ``StoreError``.
    """

    octets: int
    pieces: Callable[[], AsyncGenerator[bytes, None]]


async def rendered(custody: Custody, found: Holding, shape: Shape, style: GapStyle | None = None) -> Rendering:
    """A recording as ``shape``; ``style`` of its pauses, by the configuration unless given.

    Raises ``StoreError`` and ``AudioUnreadable``.
    """
    name = await _made(custody, found, shape, style or custody.storage.gaps)
    vault, key = custody.vault, custody.vault.key(found.stored)
    return Rendering(
        octets=await off_the_loop(vault.octets, name),
        pieces=lambda: from_thread(opened(vault.objects.pieces(name), key)),
    )


async def mp3_of(custody: Custody, found: Holding) -> AsyncGenerator[bytes, None]:
    """A recording as MP3, piece by piece. Raises as ``rendered`` and what it gives do."""
    rendering = await rendered(custody, found, Shape.MP3)
    async with aclosing(rendering.pieces()) as pieces:
        async for piece in pieces:
            yield piece


async def timeline_of(custody: Custody, found: Holding, style: GapStyle | None = None) -> list[Entry]:
    """The stretches of a recording, in milliseconds of what is rendered in this style."""
    spans = await spans_of(custody.engine, found.name)
    return timeline(spans, style or custody.storage.gaps, _milliseconds(found))


async def _made(custody: Custody, found: Holding, shape: Shape, style: GapStyle) -> str:
    """The name of the object that holds it; made now where it is not there yet."""
    name = derived_name(found.name, f"{style}.{shape}")
    if await off_the_loop(custody.vault.objects.size, name) is not None:
        return name
    spans = await spans_of(custody.engine, found.name)
    async with custody.renderings:
        await off_the_loop(lambda: _make(custody, found, shape, name, _audio(custody, found, spans, style)))
    after = await holding(custody.engine, found.name, at=now())
    if after is None or after.stored.state is not StoredState.STORED:  # destroyed meanwhile: nothing comes after that
        await off_the_loop(custody.vault.objects.delete, name)
        raise ObjectGone("it was destroyed meanwhile")
    return name


def _audio(custody: Custody, found: Holding, spans: Sequence[SpanRecord], style: GapStyle) -> _Audio:
    reader = WavReader(custody.vault.pieces(found.stored))
    frames = reader.header.frames_in(found.stored.octets or WRITTEN_HEADER)
    gaps = gaps_of(spans, reader.format.milliseconds(frames))
    return _Audio(reader=reader, gaps=gaps, style=style, frames=frames_with(frames, gaps, style, reader.format))


def _make(custody: Custody, found: Holding, shape: Shape, name: str, audio: _Audio) -> None:
    custody.vault.put(name, _shaped(audio, shape), custody.vault.key(found.stored))


def _shaped(audio: _Audio, shape: Shape) -> Iterable[bytes]:
    form = audio.reader.format
    match shape:
        case Shape.MP3:
            return encoded(audio, form, frames=audio.frames)
        case Shape.WAV:
            return _with_header(audio)
        case Shape.PEAKS:
            peaks = peaks_of(audio, form)
            return [json.dumps({"duration_ms": peaks.duration_ms, "channels": peaks.channels}).encode()]


def _with_header(audio: _Audio) -> Iterator[bytes]:
    yield wav_header(audio.frames, audio.reader.rate, audio.reader.channels)
    yield from audio


def _milliseconds(found: Holding) -> int | None:
    """How long the audio is, by the file: what Asterisk writes are 16 bit at 8 kHz, for each of its sides."""
    octets, sides = found.stored.octets, len(sides_of(RecordingName(found.name)))
    return None if octets is None else max(octets - WRITTEN_HEADER, 0) // (_OCTETS_A_MS * sides)
