"""The lab's ruler: a sound whose frequency tells the time, and the reader of what a recording holds of it.

Owns the sweep (how it is written) and its reading back out of a recorded file. Does not play or record it.

The sound. From 300 to 3300 Hz, rising evenly, its phase never jumping: at second `s` of a 60 s sweep it is at
300 + 50 s Hz, so that any piece of it says by itself from when it comes.

The reading, in five steps:

1. Windows of 128 ms, one each 10 ms. Each is turned against the known rise, which makes the sweep a steady
   tone in it, and its spectrum's highest peaks are taken, each interpolated to a fraction of a bin. A
   frequency is a sweep time; less the time in the file it is an *offset*, and the offset is the same all
   along an uninterrupted stretch. Anything else (a steady tone, a click) changes its offset from window to window.
2. Peaks of neighbouring windows that agree on the offset within 6 ms make a chain. What makes no chain of
   80 ms is not the sweep. So a tone louder than the sweep does no harm, unless it is within 30 Hz of it.
3. Along a chain the sweep's own loudness is measured each 10 ms; where it falls silent for 30 ms or more, the
   chain is split.
4. Where a piece ends, the samples decide: the sweep as it must go on from the left, silence, and the sweep
   as it must come from the right are fitted to the file by least squares, and the two borders between them
   are put where the sum of squares is smallest. That finds a cut far more sharply than a window could.
5. Neighbours between which less than `tolerance_s` is missing, skipped or silent, are one stretch: a lost RTP
   frame is no pause. A frame lost within 0.1 s of a cut may move that cut by as much.
"""

import wave
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from controller.errors import ConfigurationError

Samples = NDArray[np.float64]

RATE = 8000
"""Samples a second, everywhere in the lab: what ulaw carries."""
LOWEST_HZ = 300.0
HIGHEST_HZ = 3300.0
SWEEP_S = 60.0
WAV_HEADER = 44
"""Bytes before the samples, in a file that Asterisk writes."""

_WINDOW = 1024
_HOP = 80
_FFT = 4096
_PEAKS = 3
_SHARE = 0.02
_AGREE_S = 0.006
_SILENT_HOPS = 12
_LEAST_WINDOWS = 8
_FIT = 800
_LEAST_PIECE = 480
_LEAST_SETTLED = 320


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """An uninterrupted piece of the sweep: its times in the sweep, and where it is in the file; seconds."""

    begin_s: float
    end_s: float
    at_s: float

    @property
    def seconds(self) -> float:
        """How much of the sweep it holds."""
        return self.end_s - self.begin_s


Spans = list[Stretch]
"""In the order of the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Moments of the sweep that are not in the file, and where in the file they are missing; seconds."""

    begin_s: float
    end_s: float
    at_s: float

    @property
    def seconds(self) -> float:
        """How much of the sweep is missing; negative where the sweep went back (was played again)."""
        return self.end_s - self.begin_s


@dataclass(slots=True, kw_only=True)
class _Chain:
    """Windows that agree on one offset; file positions in windows."""

    hops: list[int] = field(default_factory=list)
    offsets: list[float] = field(default_factory=list)

    @property
    def offset(self) -> float:
        return float(np.median(self.offsets[-31:]))


@dataclass(slots=True, kw_only=True)
class _Piece:
    """A chain with its borders; file positions in samples, offsets (sweep time less file time) in seconds."""

    first: int
    last: int
    offset_first: float
    offset_last: float


def read_wav(path: Path) -> Samples:
    """Read an 8 kHz mono 16 bit WAV, as -1 to 1. Raises ConfigurationError for any other format."""
    with wave.open(str(path), "rb") as file:
        if (file.getframerate(), file.getnchannels(), file.getsampwidth()) != (RATE, 1, 2):
            raise ConfigurationError(f"{path}: not an 8 kHz mono 16 bit WAV")
        return np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(np.float64) / 32768.0


def write_wav(path: Path, samples: Samples) -> None:
    """Write an 8 kHz mono 16 bit WAV; `samples` from -1 to 1, clipped beyond."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(_pcm(samples).astype("<i2").tobytes())


def sweep(seconds: float = SWEEP_S, *, level: float = 0.5) -> Samples:
    """Return the sweep's first `seconds` (at most 60); the rise is the same whatever the length."""
    if not 0 < seconds <= SWEEP_S:
        raise ConfigurationError(f"a sweep lasts more than 0 and at most {SWEEP_S:g} s, not {seconds:g}")
    return level * np.sin(_phase(np.arange(round(seconds * RATE)) / RATE))


def write_sweep(path: Path, seconds: float = SWEEP_S) -> None:
    """Write the sweep as a WAV that Asterisk plays."""
    write_wav(path, sweep(seconds))


def write_ulaw(path: Path, seconds: float = SWEEP_S) -> None:
    """Write the sweep as bare G.711 u-law bytes, for SIPp's `rtp_stream` (payload 0)."""
    path.write_bytes(ulaw(sweep(seconds)))


def write_alaw(path: Path, seconds: float = SWEEP_S) -> None:
    """Write the sweep as bare G.711 A-law bytes, for SIPp's `rtp_stream` (payload 8)."""
    path.write_bytes(alaw(sweep(seconds)))


def ulaw(samples: Samples) -> bytes:
    """Encode as ITU-T G.711 u-law: sign, 3 bits of segment, 4 of step, all inverted."""
    pcm = _pcm(samples)
    magnitude = np.minimum(np.abs(pcm), 32635) + 132
    segment = np.floor(np.log2(magnitude)).astype(np.int64) - 7
    sign = np.where(pcm < 0, 0x80, 0)
    code: NDArray[np.int64] = (segment << 4) | ((magnitude >> (segment + 3)) & 0x0F) | sign
    return (~code & 0xFF).astype(np.uint8).tobytes()


def from_ulaw(data: bytes) -> Samples:
    """Decode G.711 u-law."""
    code = ~np.frombuffer(data, dtype=np.uint8).astype(np.int64) & 0xFF
    magnitude = ((((code & 0x0F) << 3) + 132) << ((code >> 4) & 7)) - 132
    return np.where(code & 0x80, -magnitude, magnitude) / 32768.0


def alaw(samples: Samples) -> bytes:
    """Encode as ITU-T G.711 A-law: like u-law, but 13 bits, and every other bit inverted."""
    pcm = _pcm(samples) >> 3
    negative = pcm < 0
    magnitude = np.where(negative, -pcm - 1, pcm)
    segment = np.maximum(np.floor(np.log2(np.maximum(magnitude, 1))).astype(np.int64) - 4, 0)
    step = magnitude >> np.maximum(segment, 1) & 0x0F
    code: NDArray[np.int64] = (segment << 4) | step | np.where(negative, 0, 0x80)
    return (code ^ 0x55).astype(np.uint8).tobytes()


def read_torn_wav(path: Path) -> Samples:
    """Read all that is in such a file, whatever its header says of the length: who wrote it may have been killed."""
    data = path.read_bytes()[WAV_HEADER:]
    return np.frombuffer(data, dtype="<i2", count=len(data) // 2).astype(np.float64) / 32768.0


def moments(wav_path: Path, tolerance_s: float = 0.05) -> Spans:
    """Read which moments of the sweep are in a recorded file.

    Cuts and ends are read to a few ms (the tests give the distribution). `tolerance_s`: less than this
    missing, skipped or silent, does not split a stretch. Stretches under 0.1 s are not seen.
    Raises ConfigurationError when the file is no 8 kHz mono 16 bit WAV.
    """
    return moments_in(read_wav(wav_path), tolerance_s)


def moments_in(samples: Samples, tolerance_s: float = 0.05) -> Spans:
    """Read samples as `moments` reads a file."""
    pieces = [piece for chain in _chains(samples) for piece in _sounding(samples, _piece(chain))]
    for left, right in zip([None, *pieces], [*pieces, None], strict=True):
        _settle(samples, left, right)
    return _stretches([piece for piece in pieces if piece.last - piece.first >= _LEAST_SETTLED], tolerance_s)


def missing(stretches: Sequence[Stretch]) -> list[Gap]:
    """List what is missing between the stretches (not before the first or after the last)."""
    return [Gap(begin_s=left.end_s, end_s=right.begin_s, at_s=right.at_s) for left, right in pairwise(stretches)]


def _pcm(samples: Samples) -> NDArray[np.int64]:
    return np.clip(np.rint(samples * 32768.0), -32768, 32767).astype(np.int64)


def _rise() -> float:
    """How fast the sweep rises, in Hz a second."""
    return (HIGHEST_HZ - LOWEST_HZ) / SWEEP_S


def _phase(seconds: Samples) -> Samples:
    return 2 * np.pi * (LOWEST_HZ * seconds + _rise() / 2 * seconds**2)


def _chains(samples: Samples) -> list[_Chain]:
    """Take steps 1 and 2: the chains of windows that agree on an offset, in the order of the file."""
    ended: list[_Chain] = []
    live: list[_Chain] = []
    for hop, offsets in enumerate(_offsets(samples)):
        ended += [chain for chain in live if hop - chain.hops[-1] > _SILENT_HOPS]
        live = [chain for chain in live if hop - chain.hops[-1] <= _SILENT_HOPS]
        for offset in offsets:
            _join(live, hop, offset)
    found = [chain for chain in ended + live if len(chain.hops) >= _LEAST_WINDOWS]
    return sorted(_apart(found), key=lambda chain: chain.hops[0])


def _join(live: list[_Chain], hop: int, offset: float) -> None:
    """Put a window's offset into the chain that agrees with it, or begin one."""
    near = [chain for chain in live if abs(chain.offset - offset) < _AGREE_S and chain.hops[-1] < hop]
    chain = min(near, key=lambda each: abs(each.offset - offset)) if near else _Chain()
    if not near:
        live.append(chain)
    chain.hops.append(hop)
    chain.offsets.append(offset)


def _apart(chains: list[_Chain]) -> list[_Chain]:
    """Keep the longest chains; one that lies mostly within those kept is a side lobe or chance."""
    kept: list[_Chain] = []
    taken: set[int] = set()
    for chain in sorted(chains, key=lambda each: len(each.hops), reverse=True):
        own = [hop for hop in chain.hops if hop not in taken]
        if len(own) * 2 >= len(chain.hops):
            kept.append(chain)
            taken.update(range(chain.hops[0], chain.hops[-1] + 1))
    return kept


def _offsets(samples: Samples) -> list[list[float]]:
    """Return for each window (one each 10 ms, centred on it) the offsets of its highest peaks, in seconds."""
    padded = np.pad(samples, _WINDOW // 2 + _HOP)[_HOP:]
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP]
    around = (np.arange(_WINDOW) - _WINDOW // 2) / RATE
    steady = np.hanning(_WINDOW) * np.exp(-1j * np.pi * _rise() * around**2)
    return [
        offsets
        for block in range(0, len(windows), 500)
        for offsets in _peaks(windows[block : block + 500] * steady, block)
    ]


def _peaks(turned: NDArray[np.complex128], first_hop: int) -> list[list[float]]:
    """Return the offsets of the highest peaks of each turned window; the loudest first."""
    power = np.abs(np.fft.fft(turned, _FFT)[:, : _FFT // 2]) ** 2
    whole = power.sum(axis=1)
    rows = np.arange(len(power))
    found: list[list[float]] = [[] for _ in rows]
    log = np.log(power + 1e-12)
    near = np.arange(-3 * _FFT // _WINDOW, 3 * _FFT // _WINDOW + 1)
    for _ in range(_PEAKS):
        top = np.clip(power.argmax(axis=1), 1, _FFT // 2 - 2)
        around = np.clip(top[:, None] + near, 0, _FFT // 2 - 1)
        share = power[rows[:, None], around].sum(axis=1) / np.maximum(whole, 1e-9)
        low, mid, high = (log[rows, top + step] for step in (-1, 0, 1))
        curve = np.minimum(low - 2 * mid + high, -1e-12)
        hertz = (top + (low - high) / (2 * curve)) * RATE / _FFT
        at = (hertz - LOWEST_HZ) / _rise()
        heard = (whole > 1e-3) & (share > _SHARE) & (at > -0.1) & (at < SWEEP_S + 0.1)
        for row in rows[heard]:
            found[row].append(float(at[row]) - (first_hop + int(row)) * _HOP / RATE)
        power[rows[:, None], around] = 0
    return found


def _piece(chain: _Chain) -> _Piece:
    inner = slice(2, -2) if len(chain.offsets) > 12 else slice(None)
    offsets = chain.offsets[inner]
    return _Piece(
        first=chain.hops[0] * _HOP,
        last=chain.hops[-1] * _HOP,
        offset_first=float(np.median(offsets[:15])),
        offset_last=float(np.median(offsets[-15:])),
    )


def _sounding(samples: Samples, piece: _Piece) -> list[_Piece]:
    """Step 3: split a piece where the sweep itself is silent in it for 30 ms or more."""
    begin, end = max(piece.first - _WINDOW // 2, 0), min(piece.last + _WINDOW // 2, len(samples))
    count = (end - begin) // _HOP
    place = np.arange(begin, begin + count * _HOP)
    turned = samples[place] * np.exp(-1j * _phase(place / RATE + piece.offset_first))
    loud = np.abs(turned.reshape(count, _HOP).mean(axis=1))
    low = np.flatnonzero(loud < 0.3 * np.quantile(loud, 0.8))
    holes = [run for run in np.split(low, np.flatnonzero(np.diff(low) > 1) + 1) if len(run) >= 3]
    firsts = [begin, *(begin + int(hole[-1] + 1) * _HOP for hole in holes)]
    lasts = [*(begin + int(hole[0]) * _HOP for hole in holes), begin + count * _HOP]
    return [
        replace(piece, first=first, last=last)
        for first, last in zip(firsts, lasts, strict=True)
        if last - first >= _LEAST_PIECE
    ]


def _settle(samples: Samples, left: _Piece | None, right: _Piece | None) -> None:
    """Step 4: put the end of `left` and the beginning of `right` where the samples fit best."""
    ends = ([left.last] if left else []) + ([right.first] if right else [])
    if not ends:
        return
    begin, end = max(min(ends) - _WINDOW, 0), min(max(ends) + _WINDOW, len(samples))
    if left:
        begin = max(begin, min(left.first + _HOP, left.last - _HOP))
    if right:
        end = min(end, max(right.last - _HOP, right.first + _HOP))
    begin, end = min(begin, end), max(begin, end)
    place = np.arange(begin, end)
    silence = samples[place] ** 2
    none = np.zeros(len(place))
    fit_left = silence - _misfit(samples, place, left.offset_last, left.last, -1) if left else none
    fit_right = silence - _misfit(samples, place, right.offset_first, right.first, 1) if right else none
    gain_left = np.concatenate([[0.0], np.cumsum(fit_left)])
    gain_right = np.concatenate([np.cumsum(fit_right[::-1])[::-1], [0.0]])
    # For each place where the right could begin, the best end of the left that is not after it.
    best = np.maximum.accumulate(gain_left)
    start = int(np.argmax(best + gain_right)) if right else len(place)
    stop = int(np.argmax(gain_left[: start + 1]))
    if left:
        left.last = begin + stop
    if right:
        right.first = begin + start


def _misfit(samples: Samples, place: NDArray[np.int64], offset: float, border: int, away: int) -> Samples:
    """Return the squared error, sample by sample, of the sweep as one side of a border says that it goes on.

    `away` is where that side lies from the border (-1: before it, 1: after it). Loudness and phase are fitted
    to 100 ms of it that no window beyond the border has touched.
    """
    near = border + away * _WINDOW // 2
    known = np.arange(max(min(near, near + away * _FIT), 0), min(max(near, near + away * _FIT), len(samples)))
    model = np.exp(-1j * _phase(known / RATE + offset))
    swing = 2 * np.mean(samples[known] * model) if len(known) else 0j
    told = np.real(swing * np.exp(1j * _phase(place / RATE + offset)))
    squares: Samples = (samples[place] - told) ** 2
    return squares


def _stretches(pieces: list[_Piece], tolerance_s: float) -> Spans:
    """Step 5: one stretch for neighbours between which next to nothing is missing."""
    spans: Spans = []
    before: _Piece | None = None
    for piece in pieces:
        begin_s = max(piece.first / RATE + piece.offset_first, 0.0)
        end_s = min(piece.last / RATE + piece.offset_last, SWEEP_S)
        skipped = abs(begin_s - spans[-1].end_s) if spans else np.inf
        silent = (piece.first - before.last) / RATE if before else np.inf
        if skipped < tolerance_s and silent < tolerance_s:
            spans[-1] = Stretch(begin_s=spans[-1].begin_s, end_s=end_s, at_s=spans[-1].at_s)
        else:
            spans.append(Stretch(begin_s=begin_s, end_s=end_s, at_s=piece.first / RATE))
        before = piece
    return spans
