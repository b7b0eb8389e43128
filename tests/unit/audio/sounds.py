"""What the tests of audio share: PCM from samples and back, pieces of any size, MP3 decoded, spans."""

import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import soundfile
from hypothesis import strategies as st

from controller.domain.names import RecordingName
from controller.domain.records import SpanKind, SpanRecord
from lab.sweep import RATE, Samples, sweep

FULL = sweep()
BEGAN = datetime(2026, 3, 2, 12, tzinfo=UTC)


def moment(begin_s: float, end_s: float) -> bytes:
    """The sweep from one of its seconds to another, as PCM."""
    return pcm(FULL[round(begin_s * RATE) : round(end_s * RATE)])


def pcm(samples: Samples) -> bytes:
    return bytes(np.rint(samples * 32767).astype("<i2").tobytes())


def samples_of(pieces: Iterable[bytes], channels: int = 1) -> Samples:
    """All samples of PCM pieces; of more than one channel, a row a frame."""
    flat = np.frombuffer(b"".join(pieces), dtype="<i2").astype(np.float64) / 32768
    return flat if channels == 1 else flat.reshape(-1, channels)


def decoded(pieces: Iterable[bytes], rate: int = RATE) -> Samples:
    """What a decoder makes of MP3; of stereo, a row a frame."""
    samples, found = soundfile.read(io.BytesIO(b"".join(pieces)))
    assert found == rate
    return np.asarray(samples, dtype=np.float64)


def cut(data: bytes, sizes: Sequence[int]) -> list[bytes]:
    """The data in pieces of these sizes, and the rest."""
    borders = [0, *np.cumsum(sizes, dtype=int).tolist(), len(data)]
    return [data[begin:end] for begin, end in zip(borders, [*borders[1:], len(data)], strict=True)]


def sizes() -> st.SearchStrategy[list[int]]:
    """Sizes of pieces, none and odd ones among them."""
    return st.lists(st.one_of(st.integers(0, 9), st.integers(0, 70_000)), max_size=12)


def spans(*stretches: tuple[str, float]) -> list[SpanRecord]:
    """Spans one after the other: a kind (or ``kind:reason``), and how many seconds."""
    found: list[SpanRecord] = []
    begin = BEGAN
    for name, seconds in stretches:
        kind, _, reason = name.partition(":")
        end = begin + timedelta(seconds=seconds)
        recording = RecordingName("rec")
        found.append(SpanRecord(recording=recording, kind=SpanKind(kind), reason=reason, begin=begin, end=end))
        begin = end
    return found
