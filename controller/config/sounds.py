"""The sound files: that they are there, that Asterisk can play them as they are, how long they are and their digest."""

import io
import wave
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from controller.config.draft import Draft, Finding
from controller.config.shape import AnnouncementShape
from controller.domain.policy import Prompt

RATE_HZ = 8000
_SAMPLE_BYTES = 2
_MOST_BYTES = 10 * 60 * RATE_HZ * _SAMPLE_BYTES
"""Ten minutes."""
_OTHER_ENDINGS = (
    *("WAV", "wav49", "wav16", "ulaw", "ul", "mu", "pcm", "ulw", "alaw", "al", "alw", "gsm", "g719", "g722", "g723"),
    *("g723sf", "g729", "ilbc", "sln", "slin", "raw", "sln12", "sln16", "sln24", "sln32", "sln44", "sln48", "sln96"),
    *("sln192", "siren7", "siren14", "ogg", "opus", "mp3", "vox"),
)
"""Forms in which Asterisk may find the same sound, and play that instead."""

Prompts = Mapping[str, Mapping[str, Prompt]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sound:
    milliseconds: int
    digest: str


def prompts_of(draft: Draft) -> tuple[Prompts, list[Finding]]:
    """Every prompt by name and language, and what is wrong with the sound files on any PBX."""
    findings: list[Finding] = []
    folders = sorted({Path(pbx.sounds) for pbx in draft.pbxs.values()})
    prompts: dict[str, dict[str, Prompt]] = {}
    for name, announcement in draft.announcements.items():
        prompts[name] = {}
        for language in announcement.text:
            found = _found(folders, name, announcement, language, findings)
            if found is not None:
                prompts[name][language] = _prompt(name, announcement, language, found)
    return prompts, findings


def _prompt(name: str, announcement: AnnouncementShape, language: str, sound: _Sound) -> Prompt:
    return Prompt(
        name=name,
        language=language,
        sound=announcement.sound,
        text=announcement.text[language],
        milliseconds=sound.milliseconds,
        digest=sound.digest,
    )


def _found(
    folders: list[Path], name: str, announcement: AnnouncementShape, language: str, findings: list[Finding]
) -> _Sound | None:
    """The sound, the same in every folder. Faults with the file are about ``sound``."""
    first: _Sound | None = None
    for folder in folders:
        file = folder / language / f"{announcement.sound}.wav"
        try:
            sound = _measured(file)
        except ValueError as error:
            findings.append(Finding(path=("announcements", name, "sound"), message=str(error)))
            continue
        if first is not None and sound != first:
            message = f"{file} is not the same sound as in {folders[0]}: one proof for all PBXs"
            findings.append(Finding(path=("announcements", name, "sound"), message=message))
        first = first or sound
    return first


def _measured(file: Path) -> _Sound:
    data = _bytes(file)
    try:
        with wave.open(io.BytesIO(data)) as sound:
            form = (sound.getnchannels(), sound.getsampwidth(), sound.getframerate())
            frames = sound.getnframes()
    except (wave.Error, EOFError):
        raise ValueError(f"{file} is not a wav file") from None
    if form != (1, _SAMPLE_BYTES, RATE_HZ):
        raise ValueError(
            f"{file} must be mono, 16 bit, 8000 Hz; it has {form[0]} channels, {form[1] * 8} bit, {form[2]} Hz"
        )
    if not 0 < frames * _SAMPLE_BYTES <= len(data):
        raise ValueError(f"{file} holds no sound, or less than it says")
    rival = next((r for ending in _OTHER_ENDINGS if (r := file.with_suffix(f".{ending}")).exists()), None)
    if rival is not None:
        raise ValueError(
            f"{file} has {rival.name} beside it, which Asterisk may play instead: what is heard must be proven"
        )
    return _Sound(milliseconds=frames * 1000 // RATE_HZ, digest=sha256(data).hexdigest())


def _bytes(file: Path) -> bytes:
    try:
        if not file.is_file():
            raise ValueError(f"{file} does not exist")
        with file.open("rb") as stream:
            data = stream.read(_MOST_BYTES + 1)
    except OSError as error:
        raise ValueError(f"{file} cannot be read: {error.strerror}") from None
    if len(data) > _MOST_BYTES:
        raise ValueError(f"{file} is longer than ten minutes")
    return data
