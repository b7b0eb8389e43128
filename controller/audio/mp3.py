"""MP3 out of PCM, piece by piece, at a constant bit rate, by LAME.

An encoder of MP3 puts some silence before the audio: at 8 kHz a player would be 0.14 s behind the timeline. So the
first frame here is the "Info" frame that players know: it holds no audio, and says what they have to leave out.

Owns the encoding. ``lameenc`` computes without the interpreter's lock: other threads go on meanwhile.
"""

import struct
from collections.abc import Iterable, Iterator

import lameenc

from controller.audio.pcm import PcmFormat, blocks
from controller.errors import AudioUnreadable, ConfigurationError

BIT_RATES = (8, 16, 24, 32, 40, 48, 56, 64)
"""The kbit/s that MP3 has at 8 kHz."""
MONO_KBPS = 32
STEREO_KBPS = 64

_QUALITY = 5
"""LAME's own default: 0 takes the most time, 9 the least."""
_FRAME = 576
"""Samples a frame, at both rates."""
_DELAY = 576
"""Samples that LAME puts before the audio; what a decoder adds, it knows by itself."""
_VERSIONS = {8000: 0b00, 16000: 0b10}
"""MPEG 2.5 and MPEG 2 (ISO/IEC 13818-3), whose third sampling rates these are."""
_THIRD_RATE = 0b10
_LAYER_III = 0b01
_SIDE_INFORMATION = {1: 9, 2: 17}
_STEREO, _MONO = 0b01, 0b11
_LOWPASS_UNKNOWN = 0
_CONSTANT = 0x01
_EVERY_FIELD = 0x0F


def encoded(
    pieces: Iterable[bytes], form: PcmFormat, kbps: int | None = None, frames: int | None = None
) -> Iterator[bytes]:
    """Give PCM of 8 or 16 kHz, mono or stereo, as MP3; by default at ``MONO_KBPS`` or ``STEREO_KBPS``.

    ``frames``: how many will come, if that is known. Then players know the length and leave out the silence at the end,
    too. Raises AudioUnreadable for another format, ConfigurationError for a bit rate that is none of ``BIT_RATES``.
    """
    if form.rate not in _VERSIONS or form.channels not in _SIDE_INFORMATION:
        raise AudioUnreadable(f"no MP3 is made of {form.channels} channels at {form.rate} Hz")
    rate = kbps or (MONO_KBPS if form.channels == 1 else STEREO_KBPS)
    if rate not in BIT_RATES:
        raise ConfigurationError(f"{rate} kbit/s is none of {', '.join(map(str, BIT_RATES))}")
    return _encoded(pieces, form, rate, frames)


def _encoded(pieces: Iterable[bytes], form: PcmFormat, kbps: int, frames: int | None) -> Iterator[bytes]:
    encoder = lameenc.Encoder()
    encoder.silence()
    encoder.set_bit_rate(kbps)
    encoder.set_in_sample_rate(form.rate)
    encoder.set_out_sample_rate(form.rate)
    encoder.set_channels(form.channels)
    encoder.set_quality(_QUALITY)
    any_audio = False
    for block in blocks(pieces, form.frame_bytes):
        if not any_audio:
            yield _info(form, kbps, frames)
            any_audio = True
        yield bytes(encoder.encode(block))
    if any_audio:  # an encoder that has begun nothing cannot end it
        yield bytes(encoder.flush())


def _info(form: PcmFormat, kbps: int, frames: int | None) -> bytes:
    """Return the frame that says how the others are to be read: the "Info" of Xing with what LAME has added to it."""
    side = bytes(_SIDE_INFORMATION[form.channels])
    size = 4 + len(side) + _tag_bytes()
    # It has the bit rate of the others unless it does not fit into one of them.
    own = next(each for each in BIT_RATES if each >= kbps and _frame_bytes(form, each) >= size)
    padding, count = _padding(frames), _count(frames)
    length = _frame_bytes(form, own) + count * _frame_bytes(form, kbps)
    known = frames is not None
    text = b"".join(
        [
            _frame_header(form, own),
            side,
            struct.pack(">4sI", b"Info", _EVERY_FIELD if known else 0),
            struct.pack(">II100sI", count, length, bytes(place * 256 // 100 for place in range(100)), 0)
            if known
            else b"",
            struct.pack(">9sBBIHHBB", b"LAME3.100", _CONSTANT, _LOWPASS_UNKNOWN, 0, 0, 0, 0, kbps),
            (_DELAY << 12 | padding).to_bytes(3, "big"),
            struct.pack(">BBHIH", 0, 0, 0, length if known else 0, 0),
        ]
    )
    return (text + _checksum(text).to_bytes(2, "big")).ljust(_frame_bytes(form, own), b"\0")


def _tag_bytes() -> int:
    return struct.calcsize(">4sIII100sI") + struct.calcsize(">9sBBIHHBB") + 3 + struct.calcsize(">BBHIH") + 2


def _frame_header(form: PcmFormat, kbps: int) -> bytes:
    """Return the four bytes of ISO/IEC 11172-3, 2.4.1.3: no checksum, no padding, not a copy, no emphasis."""
    mode = _MONO if form.channels == 1 else _STEREO
    return bytes(
        [
            0xFF,
            0xE0 | _VERSIONS[form.rate] << 3 | _LAYER_III << 1 | 1,
            (BIT_RATES.index(kbps) + 1) << 4 | _THIRD_RATE << 2,
            mode << 6 | 0b0100,
        ]
    )


def _frame_bytes(form: PcmFormat, kbps: int) -> int:
    return _FRAME // 8 * kbps * 1000 // form.rate


def _padding(frames: int | None) -> int:
    """Return how many samples LAME puts behind the audio: at least a frame, so that the last is heard whole."""
    if frames is None:
        return 0
    short = _FRAME - (frames + _DELAY) % _FRAME
    return short if short >= _FRAME else short + _FRAME


def _count(frames: int | None) -> int:
    return 0 if frames is None else (frames + _DELAY + _padding(frames)) // _FRAME


def _checksum(text: bytes) -> int:
    """Return the CRC-16 (0x8005, low bit first) that LAME has at the end of its part."""
    crc = 0
    for byte in text:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc
