"""Builds the lab's announcements: a robot's voice for a text, as the WAV that Asterisk plays.

Owns the calls of espeak-ng and the way down to 8 kHz. Does not own the texts: they are handed in, or taken from a
configuration (``python -m lab.prompts CONFIG FOLDER``). On a user's PBX a recorded human voice takes these files'
places.
"""

import hashlib
import os
import re
import subprocess
import sys
import tempfile
import wave
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from controller.errors import ConfigurationError
from lab.sweep import RATE, Samples, write_wav

RECIPE = "1"
"""Part of each digest: raise it when the same text should sound otherwise."""
VOICES = {"fr": "fr", "en": "en"}
WORDS_A_MINUTE = 165

_PEAK = 0.7
_PASS_HZ = 3400.0
_STOP_HZ = 3900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SpokenText:
    """A text to be spoken: `sound` as Asterisk names it (no extension), `language` as the channel has it."""

    sound: str
    language: str
    text: str


def build(prompts: Iterable[SpokenText], directory: Path) -> list[Path]:
    """Speak each text to DIRECTORY/LANGUAGE/SOUND.wav, unless it is there already with the same text.

    Return the files that were written anew. A digest of text and voice beside each (SOUND.digest) tells
    whether it is current. Raises ConfigurationError for a language without a voice, a name that leaves the folder, or
    a machine without espeak-ng.
    """
    return [written for prompt in prompts if (written := _build(prompt, directory)) is not None]


def texts_of(config: Mapping[str, Any]) -> list[SpokenText]:
    """All that a configuration has spoken, in every language that it gives."""
    return [
        SpokenText(sound=announcement["sound"], language=language, text=text)
        for announcement in config["announcements"].values()
        for language, text in announcement["text"].items()
    ]


def resample(samples: Samples, rate: int) -> Samples:
    """Bring `samples` at `rate` to 8 kHz, faded out from 3.4 to 3.9 kHz so that nothing folds back."""
    whole = rate * RATE // np.gcd(rate, RATE)
    step = whole // RATE
    # Half a second of silence keeps the spectrum's wrap-around out; whole steps keep the ratio exact.
    padded = np.pad(samples, (0, rate // 2 + -(len(samples) + rate // 2) % step))
    length = len(padded) * RATE // rate
    spectrum = np.fft.rfft(padded)
    hertz = np.arange(len(spectrum)) * rate / len(padded)
    fade = np.clip((_STOP_HZ - hertz) / (_STOP_HZ - _PASS_HZ), 0, 1)
    kept = (spectrum * np.sin(np.pi / 2 * fade) ** 2)[: length // 2 + 1]
    narrow = np.fft.irfft(np.pad(kept, (0, length // 2 + 1 - len(kept))), length) * (length / len(padded))
    return np.asarray(narrow[: round(len(samples) * RATE / rate)])


def _build(prompt: SpokenText, directory: Path) -> Path | None:
    target = _target(prompt, directory)
    voice = VOICES.get(re.split("[_-]", prompt.language)[0])
    if voice is None:
        raise ConfigurationError(f"{prompt.sound}: no voice for the language {prompt.language!r}")
    told = "\n".join((RECIPE, voice, str(WORDS_A_MINUTE), prompt.text))
    digest = hashlib.sha256(told.encode()).hexdigest()
    beside = target.with_suffix(".digest")
    if target.exists() and beside.exists() and beside.read_text(encoding="ascii") == digest:
        return None
    target.parent.mkdir(parents=True, exist_ok=True)
    samples, rate = _speak(prompt.text, voice)
    narrow = resample(samples, rate)
    # The sound first, in one step; the digest last: a broken-off build is built again.
    beside.unlink(missing_ok=True)
    half = target.with_suffix(f".{os.getpid()}.part")  # another build may be at it
    write_wav(half, narrow * (_PEAK / max(float(np.abs(narrow).max(initial=0)), 1e-6)))
    half.replace(target)
    beside.write_text(digest, encoding="ascii")
    return target


def _target(prompt: SpokenText, directory: Path) -> Path:
    parts = (prompt.language, *prompt.sound.split("/"))
    if not all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", part) for part in parts):
        raise ConfigurationError(f"{prompt.language}/{prompt.sound}: not a sound's name")
    return directory.joinpath(*parts[:-1], f"{parts[-1]}.wav")


def _speak(text: str, voice: str) -> tuple[Samples, int]:
    """Return what espeak-ng makes of the text: samples from -1 to 1, and their rate."""
    with tempfile.TemporaryDirectory() as folder:
        spoken = Path(folder) / "spoken.wav"
        command = ["espeak-ng", "-v", voice, "-s", str(WORDS_A_MINUTE), "-w", str(spoken), "--stdin"]
        try:
            subprocess.run(command, input=text.encode(), check=True, capture_output=True, timeout=60)
        except FileNotFoundError as error:
            raise ConfigurationError("espeak-ng is not installed: apt-get install espeak-ng") from error
        except subprocess.CalledProcessError as error:
            raise ConfigurationError(f"espeak-ng: {error.stderr.decode(errors='replace').strip()}") from error
        with wave.open(str(spoken), "rb") as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
            return samples.astype(np.float64) / 32768.0, file.getframerate()


if __name__ == "__main__":
    for written in build(texts_of(yaml.safe_load(Path(sys.argv[1]).read_text("utf-8"))), Path(sys.argv[2])):
        print(written)
