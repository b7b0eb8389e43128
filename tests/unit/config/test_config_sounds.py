"""What is said of sound files that Asterisk could not play, or that would prove nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.config.conftest import Place

Writer = Callable[..., None]
TOLD = "12: announcements.told.sound: SOUNDS/en/rc/told.wav"


def absent(file: Path, _: Writer) -> None:
    file.unlink()


def folder(file: Path, _: Writer) -> None:
    file.unlink()
    file.mkdir()


def stereo(file: Path, write: Writer) -> None:
    write(file, channels=2)


def wideband(file: Path, write: Writer) -> None:
    write(file, rate=16000)


def eight_bit(file: Path, write: Writer) -> None:
    write(file, width=1)


def silent(file: Path, write: Writer) -> None:
    write(file, seconds=0)


def endless(file: Path, write: Writer) -> None:
    write(file, seconds=601)


def cut_short(file: Path, write: Writer) -> None:
    write(file, seconds=2)
    file.write_bytes(file.read_bytes()[:-4000])


def text(file: Path, _: Writer) -> None:
    file.write_text("Hello")


def empty(file: Path, _: Writer) -> None:
    file.write_bytes(b"")


def rivalled(file: Path, _: Writer) -> None:
    file.with_suffix(".ulaw").write_bytes(b"")


Spoil = Callable[[Path, Writer], None]
SOUNDS: dict[Spoil, str] = {
    absent: "does not exist",
    folder: "does not exist",
    stereo: "must be mono, 16 bit, 8000 Hz; it has 2 channels, 16 bit, 8000 Hz",
    wideband: "must be mono, 16 bit, 8000 Hz; it has 1 channels, 16 bit, 16000 Hz",
    eight_bit: "must be mono, 16 bit, 8000 Hz; it has 1 channels, 8 bit, 8000 Hz",
    silent: "holds no sound, or less than it says",
    cut_short: "holds no sound, or less than it says",
    endless: "is longer than ten minutes",
    text: "is not a wav file",
    empty: "is not a wav file",
    rivalled: "has told.ulaw beside it, which Asterisk may play instead: what is heard must be proven",
}


@pytest.mark.parametrize("spoil", SOUNDS, ids=lambda spoil: spoil.__name__)
def test_sound_is_refused(spoil: Spoil, place: Place, sound_writer: Writer, faultless: str) -> None:
    spoil(place.sounds / "en" / "rc" / "told.wav", sound_writer)
    assert place.faults(faultless) == [f"{TOLD} {SOUNDS[spoil]}"]


def test_sound_that_differs_between_two_pbxs_is_refused(
    place: Place, sound_writer: Writer, changed: Callable[[Mapping[str, str]], str]
) -> None:
    for file in place.sounds.rglob("*.wav"):
        sound_writer(place.folder / "sounds-b" / file.relative_to(place.sounds))
    second = (
        '  - {name: b, ari: {url: "http://192.0.2.1/ari"}, fastagi_clients: [192.0.2.1], sounds: SOUNDS-b}\nagents:'
    )
    both = changed({"agents:": second})
    assert place.warnings(both) == []
    sound_writer(place.folder / "sounds-b" / "en" / "rc" / "told.wav", seconds=3)
    assert place.faults(both) == [
        (
            "13: announcements.told.sound: SOUNDS-b/en/rc/told.wav is not the same sound as in SOUNDS:"
            " one proof for all PBXs"
        )
    ]


def test_every_missing_sound_is_told(place: Place, faultless: str) -> None:
    for file in place.sounds.rglob("*.wav"):
        file.unlink()
    assert len(place.faults(faultless)) == 6
