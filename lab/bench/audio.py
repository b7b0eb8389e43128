"""``python -m lab.bench.audio``: how fast a long recording becomes MP3 with its gaps, and is drawn; in which memory."""

import argparse
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from controller.audio.gaps import GapStyle, filled, frames_with, gaps_of
from controller.audio.mp3 import encoded
from controller.audio.pcm import PcmFormat
from controller.audio.peaks import peaks_of
from controller.audio.stereo import interleaved
from controller.audio.wav import WavReader, wav_header
from controller.domain.names import RecordingName
from controller.domain.records import SpanKind, SpanRecord
from lab.sweep import RATE, SWEEP_S, sweep

HOURS = 3
PIECE = 100_000
"""Bytes at once, as somebody may read them from a disk; no whole number of blocks."""
RECORDED_S = 600
PAUSED_S = 45
_FIRST = datetime(2026, 3, 2, 12, tzinfo=UTC)


def main(arguments: Sequence[str] | None = None) -> None:
    """Encode, draw, and say how long it took."""
    parser = argparse.ArgumentParser(prog="python -m lab.bench.audio", description="Measure what is done with audio.")
    parser.add_argument("--hours", type=float, default=HOURS, help="how long the recording is")
    minutes = round(parser.parse_args(arguments).hours * 60)
    minute = _minute()
    for work in (_mp3, _peaks, _stereo):
        work(minute, 1)  # what the libraries need once is not the price of a long recording
    _tell("WAV to MP3 of 32 kbit/s, with gaps", _mp3, minute, minutes)
    _tell("WAV to 800 peaks", _peaks, minute, minutes)
    _tell("two WAVs to stereo MP3 of 64 kbit/s", _stereo, minute, minutes)


def _tell(what: str, work: Callable[[bytes, int], int], minute: bytes, minutes: int) -> None:
    before = _highest_kib(anew=True)
    began = time.process_time()
    size = work(minute, minutes)
    took = time.process_time() - began
    print(
        f"{what}: {minutes / 60:g} h in {took:.1f} s of one core, {minutes * 60 / took:.0f} times real time; "
        f"{size} bytes; memory grew by {(_highest_kib() - before) / 1024:.1f} MiB"
    )


def _mp3(minute: bytes, minutes: int) -> int:
    reader = WavReader(_wav(minute, minutes))
    frames = minutes * 60 * RATE
    gaps = gaps_of(_spans(minutes), reader.format.milliseconds(frames))
    whole = frames_with(frames, gaps, GapStyle.TONE, reader.format)
    return _size(encoded(filled(reader, gaps, GapStyle.TONE, reader.format), reader.format, frames=whole))


def _peaks(minute: bytes, minutes: int) -> int:
    reader = WavReader(_wav(minute, minutes))
    return len(peaks_of(reader, reader.format).channels[0])


def _stereo(minute: bytes, minutes: int) -> int:
    sides = (WavReader(_wav(minute, minutes)), WavReader(_wav(minute, minutes)))
    return _size(encoded(interleaved(*sides), PcmFormat(channels=2), frames=minutes * 60 * RATE))


def _minute() -> bytes:
    """Return a minute of PCM that gives LAME more to do than a pure tone does: the sweep in noise."""
    noise = np.random.default_rng(1).normal(0, 0.02, round(SWEEP_S * RATE))
    return bytes(((sweep(level=0.3) + noise) * 32767).astype("<i2").tobytes())


def _wav(minute: bytes, minutes: int) -> Iterator[bytes]:
    """Give a file whose header says nothing of its length, as Asterisk writes it."""
    yield wav_header(0, RATE, 1)
    for _ in range(minutes):
        yield from (minute[at : at + PIECE] for at in range(0, len(minute), PIECE))


def _spans(minutes: int) -> list[SpanRecord]:
    """Return spans of a recording that is paused every ten minutes."""
    found: list[SpanRecord] = []
    begin = _FIRST
    for _ in range(0, minutes * 60, RECORDED_S):
        for kind, seconds in ((SpanKind.RECORDED, RECORDED_S), (SpanKind.PAUSED, PAUSED_S)):
            end = begin + timedelta(seconds=seconds)
            found.append(
                SpanRecord(recording=RecordingName("bench"), kind=kind, reason="payment", begin=begin, end=end)
            )
            begin = end
    return found


def _size(pieces: Iterable[bytes]) -> int:
    return sum(map(len, pieces))


def _highest_kib(*, anew: bool = False) -> int:
    """Return the most memory that was resident, since the last time that it was taken ``anew``."""
    if anew:
        Path("/proc/self/clear_refs").write_text("5")
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0])


if __name__ == "__main__":
    main()
