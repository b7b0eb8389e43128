"""WAV files as Asterisk leaves them, whole and broken: every sample that is there is read."""

import io
import struct
import tracemalloc
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.audio.pcm import PcmFormat
from controller.audio.wav import WRITTEN_HEADER, WavReader, read_header, repaired, wav_header
from controller.errors import AudioUnreadable
from lab.sweep import RATE, moments, write_wav
from tests.unit.audio.sounds import FULL, cut, moment, sizes

SPOKEN = moment(20.0, 22.0)
UNKNOWN = 0xFFFFFFFF


def file_of(data: bytes, *, riff: int, said: int, before: bytes = b"") -> bytes:
    """A mono 8 kHz file whose header says what it is told to say."""
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE, 2 * RATE, 2, 16)
    return struct.pack("<4sI4s", b"RIFF", riff, b"WAVE") + before + form + struct.pack("<4sI", b"data", said) + data


SIZE = len(SPOKEN)
RIFF = SIZE + 36
NOTES = struct.pack("<4sI", b"LIST", 5) + b"INFO\1\0"
BROKEN = {
    "a whole file": (file_of(SPOKEN, riff=RIFF, said=SIZE), SIZE, False),
    "a whole file without samples": (file_of(b"", riff=36, said=0), 0, False),
    "a whole file with other chunks before": (
        file_of(SPOKEN, riff=RIFF + 14, said=SIZE, before=NOTES),
        SIZE,
        False,
    ),
    "a whole file with other chunks behind": (file_of(SPOKEN + NOTES, riff=RIFF + 14, said=SIZE), SIZE, False),
    "never closed: sizes of 0": (file_of(SPOKEN, riff=0, said=0), SIZE, True),
    "never closed, and nothing written": (file_of(b"", riff=0, said=0), 0, True),
    "only the samples' size is 0": (file_of(SPOKEN, riff=36, said=0), SIZE, True),
    "sizes of a stream": (file_of(SPOKEN, riff=UNKNOWN, said=UNKNOWN), SIZE, True),
    "only the file's size is that of a stream": (file_of(SPOKEN, riff=UNKNOWN, said=SIZE), SIZE, False),
    "the file's size is that of a stream, the samples' too small": (
        file_of(SPOKEN, riff=UNKNOWN, said=SIZE - 640),
        SIZE,
        True,
    ),
    "sizes too small, written in mid-call": (file_of(SPOKEN, riff=RIFF - 640, said=SIZE - 640), SIZE, True),
    "sizes too large, the end is missing": (file_of(SPOKEN[:-640], riff=RIFF, said=SIZE), SIZE - 640, True),
    "the file's size is smaller than the samples'": (file_of(SPOKEN, riff=100, said=SIZE), SIZE, True),
    "an odd byte at the end": (file_of(SPOKEN + b"\1", riff=RIFF, said=SIZE), SIZE, True),
    "an odd byte at the end, and counted": (file_of(SPOKEN + b"\1", riff=RIFF + 1, said=SIZE + 1), SIZE, True),
    "half a sample is missing": (file_of(SPOKEN[:-1], riff=RIFF, said=SIZE), SIZE - 2, True),
}


@pytest.mark.parametrize(("data", "size", "partial"), BROKEN.values(), ids=BROKEN)
def test_every_sample_is_read_whatever_the_header_says(data: bytes, size: int, partial: bool) -> None:  # noqa: FBT001
    reader = WavReader([data])
    assert (reader.rate, reader.channels) == (RATE, 1)
    assert b"".join(reader) == SPOKEN[:size]
    assert reader.partial is partial
    assert reader.header.fits(len(data)) is not partial
    assert reader.header.frames_in(len(data)) == size // 2


@pytest.mark.parametrize(("data", "size", "partial"), BROKEN.values(), ids=BROKEN)
def test_a_repaired_file_is_read_by_others(data: bytes, size: int, partial: bool) -> None:  # noqa: FBT001, ARG001
    whole = b"".join(repaired([data], len(data)))
    assert len(whole) == WRITTEN_HEADER + size
    assert read_header(whole).fits(len(whole))
    with wave.open(io.BytesIO(whole)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2)
        assert file.readframes(file.getnframes()) == SPOKEN[:size]


@given(name=st.sampled_from(sorted(BROKEN)), sizes=sizes())
def test_it_does_not_matter_in_which_pieces_a_file_comes(name: str, sizes: list[int]) -> None:
    data, size, partial = BROKEN[name]
    reader = WavReader(cut(data, sizes))
    assert b"".join(reader) == SPOKEN[:size]
    assert reader.partial is partial
    assert b"".join(repaired(cut(data, sizes), len(data))) == wav_header(size // 2, RATE, 1) + SPOKEN[:size]


def test_a_repaired_file_holds_the_same_moments(tmp_path: Path) -> None:
    path = tmp_path / "torn.wav"
    write_wav(path, FULL[10 * RATE : 20 * RATE])
    torn = path.read_bytes()[:4] + bytes(4) + path.read_bytes()[8:40] + bytes(4) + path.read_bytes()[44:-1001]
    path.write_bytes(b"".join(repaired([torn], len(torn))))
    (stretch,) = moments(path)
    assert stretch.begin_s == pytest.approx(10, abs=0.005)
    assert stretch.end_s == pytest.approx(20 - 1002 / 2 / RATE, abs=0.005)


@pytest.mark.parametrize("length", range(WRITTEN_HEADER))
def test_a_file_that_is_cut_within_its_header_is_unreadable(length: int) -> None:
    whole = file_of(SPOKEN, riff=RIFF, said=SIZE)
    with pytest.raises(AudioUnreadable, match="cut within"):
        WavReader([whole[:length]])


def described(coding: int, channels: int, rate: int, bits: int) -> bytes:
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, coding, channels, rate, 0, 0, bits)
    return struct.pack("<4sI4s", b"RIFF", 36, b"WAVE") + form + struct.pack("<4sI", b"data", 0)


UNREADABLE = {
    "no WAV": (b"\xff\xe3" * 40, "no RIFF/WAVE"),
    "another kind of RIFF": (b"RIFF\0\0\0\0AVI " + bytes(40), "no RIFF/WAVE"),
    "u-law": (described(7, 1, 8000, 8), "not PCM"),
    "8 bit": (described(1, 1, 8000, 8), "not PCM"),
    "no channel": (described(1, 0, 8000, 16), "not PCM"),
    "no rate": (described(1, 1, 0, 16), "not PCM"),
    "a format that is too short": (b"RIFF\0\0\0\0WAVEfmt \x04\0\0\0\1\0\1\0data\0\0\0\0", "within its format"),
    "samples before their format": (b"RIFF\0\0\0\0WAVEdata\0\0\0\0", "before their format"),
    "no samples": (b"RIFF\0\0\0\0WAVE" + NOTES * 400, "no samples"),
}


@pytest.mark.parametrize(("data", "text"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_is_no_recording_is_unreadable(data: bytes, text: str) -> None:
    with pytest.raises(AudioUnreadable, match=text):
        WavReader([data])


def test_a_file_that_turns_out_shorter_is_not_repaired() -> None:
    data = file_of(SPOKEN, riff=0, said=0)
    with pytest.raises(AudioUnreadable, match="2 bytes shorter"):
        list(repaired([data], len(data) + 2))


def test_a_file_that_has_grown_is_repaired_as_long_as_it_was() -> None:
    data = file_of(SPOKEN, riff=0, said=0)
    assert b"".join(repaired([data, SPOKEN], len(data))) == wav_header(SIZE // 2, RATE, 1) + SPOKEN


@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (16000, 1), (8000, 2)])
def test_a_header_that_is_written_is_read(rate: int, channels: int) -> None:
    header = read_header(wav_header(10, rate, channels))
    assert header.format == PcmFormat(rate=rate, channels=channels)
    assert header.fits(WRITTEN_HEADER + 20 * channels)


def test_what_is_beyond_4_gib_is_said_to_be_unknown() -> None:
    header = read_header(wav_header(1 << 33, RATE, 1))
    assert (header.data_bytes, header.riff_end) == (UNKNOWN, UNKNOWN + 8)


def test_a_long_file_takes_no_more_memory_than_a_short_one() -> None:
    def file(minutes: int) -> Iterator[bytes]:
        yield wav_header(0, RATE, 1)
        piece = np.zeros(RATE, dtype="<i2").tobytes()
        yield from (piece for _ in range(minutes * 60))

    def peak(minutes: int) -> int:
        tracemalloc.start()
        assert sum(map(len, WavReader(file(minutes)))) == minutes * 60 * RATE * 2
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(60) < peak(1) + 10_000
