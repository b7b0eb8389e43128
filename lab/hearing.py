"""What was heard: whether, when and how much of an announcement reached an ear.

Owns the comparison of what a telephone recorded with the announcement itself. Records nothing, knows no call.

The method. The announcement is taken in blocks of a quarter second. Each that is not silent is slid along the
recording (normalised cross-correlation, by FFT), which says for each place how alike the two are, whatever
the loudness. The place of the whole is where the blocks agree best, each being allowed 30 ms of its own for
what a jitter buffer does; where the machine stood still in the middle, blocks that are surely the same may be
up to a second earlier or later. From the best block outwards, blocks count as heard as long as they are
alike; after a hole, once they surely are again: what lacks frames in its middle is not over. The last border
is then put to the sample where the sum of squares between recording and announcement is smallest: that is
where it was cut short.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lab.sweep import RATE, Samples, read_wav

_BLOCK = RATE // 4
_SLIP = RATE * 3 // 100
_STOOD_STILL = RATE
_ALIKE = 0.6
# Two vowels of two texts may be alike by 0.7; the same one, through ulaw, is so by more than 0.95.
_SURE = 0.85
_QUIET = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What of an announcement was heard.

    `begin_s`: where in the recording what was heard begins; `seconds`: how long it lasts; `share`: of the
    announcement without the silence at its ends, from 0 (not heard at all) to 1.
    """

    begin_s: float
    seconds: float
    share: float

    @property
    def at_all(self) -> bool:
        """Whether any of it was heard."""
        return self.share > 0


NOTHING = Heard(begin_s=0.0, seconds=0.0, share=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Block:
    """A sounding block: where in the announcement, how alike, and where in the recording; samples."""

    start: int
    alike: float
    at: int


def heard(recording: Path, prompt: Path) -> Heard:
    """Find the announcement `prompt` in `recording` (both 8 kHz mono 16 bit WAV); `NOTHING` if it is not there.

    Where it was played several times, the best of them. Under about 0.25 s of it is not found.
    Raises ConfigurationError for another format.
    """
    return heard_in(read_wav(recording), read_wav(prompt))


def heard_in(recording: Samples, prompt: Samples) -> Heard:
    """Compare samples as `heard` compares files."""
    sounding = _trimmed(prompt)
    if len(sounding) < _BLOCK or len(recording) < _BLOCK:
        return NOTHING
    blocks = _blocks(recording, sounding)
    run = _run(blocks)
    if not run:
        return NOTHING
    first, last = run[0], run[-1]
    begin = _border(recording, sounding, first, -1) if first is not blocks[0] else 0
    end = _border(recording, sounding, last, 1)
    if begin < 0 or end <= begin:
        return NOTHING
    return Heard(
        begin_s=max(first.at - first.start + begin, 0) / RATE,
        seconds=(end - begin) / RATE,
        share=min((end - begin - _BLOCK * _in_holes(run)) / len(sounding), 1.0),
    )


def _trimmed(prompt: Samples) -> Samples:
    """Cut the silence off both ends."""
    loud = np.flatnonzero(np.abs(prompt) > _QUIET * np.abs(prompt).max(initial=0))
    return prompt[loud[0] : loud[-1] + 1] if len(loud) else prompt[:0]


def _blocks(recording: Samples, prompt: Samples) -> list[_Block]:
    """Return the sounding blocks, each where it fits the recording best near the common place."""
    starts = [*range(0, len(prompt) - _BLOCK, _BLOCK), len(prompt) - _BLOCK]
    quiet = _QUIET * np.sqrt(np.mean(prompt**2)) * np.sqrt(_BLOCK) * 5
    starts = [start for start in starts if np.linalg.norm(prompt[start : start + _BLOCK]) > quiet]
    # Room on both sides: the announcement may have begun before the recording, or go on after it.
    room = np.pad(recording, (len(prompt), len(prompt)))
    likeness = _likeness(room, prompt, starts)
    places = len(room) - len(prompt) + 1
    votes = np.zeros(places)
    for start, curve in zip(starts, likeness, strict=True):
        votes += np.where(curve[start : start + places] > _ALIKE, _spread(curve)[start : start + places], 0)
    place = int(votes.argmax())
    return [_fit(start, curve, place, len(prompt)) for start, curve in zip(starts, likeness, strict=True)]


def _fit(start: int, curve: Samples, place: int, lead: int) -> _Block:
    near = _best(start, curve, place, lead, slip=_SLIP)
    if near.alike >= _ALIKE:
        return near
    farther = _best(start, curve, place, lead, slip=_STOOD_STILL)
    return farther if farther.alike >= _SURE else near


def _best(start: int, curve: Samples, place: int, lead: int, *, slip: int) -> _Block:
    """Return the block at the most alike of the places around."""
    first = max(start + place - slip, 0)
    window = curve[first : start + place + slip + 1]
    best = int(window.argmax())
    return _Block(start=start, alike=float(window[best]), at=first + best - lead)


def _spread(curve: Samples) -> Samples:
    """Let each place have the best of the 30 ms around it."""
    width = 2 * _SLIP + 1
    padded = np.pad(curve, _SLIP)
    # The running maximum by doubling: each pass looks twice as far.
    reach, best = 1, padded
    while reach * 2 <= width:
        best = np.maximum(best[:-reach], best[reach:])
        reach *= 2
    rest = width - reach
    return np.asarray(np.maximum(best[: len(best) - rest], best[rest:]))


def _likeness(room: Samples, prompt: Samples, starts: list[int]) -> list[NDArray[np.float64]]:
    """Return the normalised cross-correlation of each block with each place of the recording."""
    size = 1 << (len(room) + _BLOCK - 1).bit_length()
    spectrum = np.fft.rfft(room, size)
    places = len(room) - _BLOCK + 1
    energy = np.concatenate([[0.0], np.cumsum(room**2)])
    around = np.sqrt(np.maximum(energy[_BLOCK:] - energy[:-_BLOCK], 1e-3))
    curves = []
    for start in starts:
        block = prompt[start : start + _BLOCK]
        product = np.fft.irfft(spectrum * np.conj(np.fft.rfft(block, size)), size)[:places]
        curves.append(product / (around * np.linalg.norm(block)))
    return curves


def _run(blocks: list[_Block]) -> list[_Block]:
    """Return the blocks from the first to the last that was heard, the best one among them."""
    if not blocks:
        return []
    best = max(range(len(blocks)), key=lambda index: blocks[index].alike)
    if blocks[best].alike < _SURE:
        return []
    return [*_onward(blocks[:best][::-1])[::-1], blocks[best], *_onward(blocks[best + 1 :])]


def _onward(blocks: list[_Block]) -> list[_Block]:
    """Return the blocks up to the last that is alike next to one that is, or surely so like the one before it.

    One that is by chance alike after the end is neither.
    """
    count = 0
    for index, block in enumerate(blocks):
        goes_on = block.alike >= _ALIKE and index - count <= 1
        again = index > 0 and min(block.alike, blocks[index - 1].alike) >= _SURE
        if goes_on or again:
            count = index + 1
    return blocks[:count]


def _in_holes(run: list[_Block]) -> int:
    """Return how many blocks were not heard; one alone between two that were has slipped by less than itself."""
    absent = [block.alike < _ALIKE for block in run]
    beside = zip([False, *absent], absent, [*absent[1:], False], strict=False)
    return sum(here and (before or after) for before, here, after in beside)


def _border(recording: Samples, prompt: Samples, block: _Block, way: int) -> int:
    """Return where in the announcement it was cut, near `block`; `way`: 1 for the end, -1 for the beginning.

    It stopped where the model (the announcement, as loud as in that block) stops lowering the sum of squares.
    """
    shift = block.at - block.start
    first, last = max(block.start - 2 * _BLOCK, 0), min(block.start + 3 * _BLOCK, len(prompt))
    first, last = (block.start, last) if way > 0 else (first, block.start + _BLOCK)
    first, last = max(first, -shift), min(last, len(recording) - shift)
    if last <= first:
        return -1
    known = slice(max(block.start, -shift), min(block.start + _BLOCK, len(recording) - shift))
    spoken, caught = prompt[known], recording[known.start + shift : known.stop + shift]
    gain = float(spoken @ caught) / max(float(spoken @ spoken), 1e-9)
    model = gain * prompt[first:last]
    better = recording[first + shift : last + shift] ** 2 - (recording[first + shift : last + shift] - model) ** 2
    if way > 0:
        return first + int(np.argmax(np.concatenate([[0.0], np.cumsum(better)])))
    return last - int(np.argmax(np.concatenate([[0.0], np.cumsum(better[::-1])])))
