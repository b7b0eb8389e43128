"""A place with sounds and a faultless file, in which each test breaks one thing."""

import wave
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pytest

from controller.config import ConfigurationFaults, Fault, Settings, load

FAULTLESS = (Path(__file__).parent / "faultless.yaml").read_text()
"""Line numbers in the tests count in here."""
TODAY = date(2026, 3, 1)
"""The day after the staff's representatives were consulted."""


def write_sound(file: Path, *, seconds: float = 1.0, channels: int = 1, width: int = 2, rate: int = 8000) -> None:
    """Write silence as a wav file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(file), "wb") as sound:
        sound.setnchannels(channels)
        sound.setsampwidth(width)
        sound.setframerate(rate)
        sound.writeframes(bytes(int(seconds * rate) * channels * width))


@dataclass(frozen=True)
class Place:
    folder: Path
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def sounds(self) -> Path:
        return self.folder / "sounds"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def secrets(self) -> Path:
        return self.state / "secrets"

    @property
    def file(self) -> Path:
        return self.folder / "cfg.yaml"

    def write(self, text: str | bytes) -> Path:
        data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
        self.file.write_bytes(
            data.replace(b"SOUNDS", str(self.sounds).encode()).replace(b"STATE", str(self.state).encode())
        )
        return self.file

    def load(self, text: str | bytes = FAULTLESS) -> Settings:
        return load(self.write(text), self.environ, today=TODAY)

    def faults(self, text: str | bytes) -> list[str]:
        """Load what is faulty; give ``LINE: path: message`` for each fault."""
        with pytest.raises(ConfigurationFaults) as caught:
            self.load(text)
        assert str(caught.value) == "\n".join(str(fault) for fault in caught.value.faults)
        return self.short(caught.value.faults)

    def warnings(self, text: str = FAULTLESS) -> list[str]:
        return self.short(self.load(text).warnings)

    def short(self, faults: tuple[Fault, ...]) -> list[str]:
        shown = (str(fault).replace(str(self.sounds), "SOUNDS") for fault in faults)
        return [text.removeprefix(f"{self.file}:") for text in shown]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    for language in ("fr", "en"):
        for name in ("told", "information", "choice"):
            write_sound(tmp_path / "sounds" / language / "rc" / f"{name}.wav")
    return Place(folder=tmp_path)


@pytest.fixture
def faultless() -> str:
    return FAULTLESS


@pytest.fixture
def sound_writer() -> Callable[..., None]:
    return write_sound


def replaced(text: str, changes: Mapping[str, str]) -> str:
    """Replace every left side, which must be there, by its right side."""
    for old, new in changes.items():
        assert old in text, f"the faultless file has no {old!r}"
        text = text.replace(old, new, 1)
    return text


@pytest.fixture
def changed() -> Callable[[Mapping[str, str]], str]:
    """Give the faultless file with some replacements."""
    return lambda changes: replaced(FAULTLESS, changes)
