"""The lab's announcements: spoken once, kept as long as the text is the same, in the form that Asterisk plays."""

from pathlib import Path

import numpy as np
import pytest

from controller.errors import ConfigurationError
from lab.prompts import SpokenText, build, resample, texts_of
from lab.sweep import RATE, read_wav

QUALITY = SpokenText(sound="recording-controller/quality", language="fr", text="Cet appel peut être enregistré.")


def test_a_text_becomes_a_sound_where_asterisk_looks_for_it(tmp_path: Path) -> None:
    assert build([QUALITY], tmp_path) == [tmp_path / "fr/recording-controller/quality.wav"]
    samples = read_wav(tmp_path / "fr/recording-controller/quality.wav")
    assert 1.0 < len(samples) / RATE < 5.0
    assert np.abs(samples).max() == pytest.approx(0.7, abs=0.01)


def test_a_configuration_is_spoken_in_every_language_that_it_gives() -> None:
    config = {"announcements": {"quality": {"sound": "rc/quality", "text": {"fr": "Bonjour.", "en": "Hello."}}}}
    assert texts_of(config) == [
        SpokenText(sound="rc/quality", language="fr", text="Bonjour."),
        SpokenText(sound="rc/quality", language="en", text="Hello."),
    ]


def test_a_sound_with_the_same_text_is_not_spoken_again(tmp_path: Path) -> None:
    build([QUALITY], tmp_path)
    assert build([QUALITY], tmp_path) == []


def test_a_new_text_is_spoken_again(tmp_path: Path) -> None:
    (path,) = build([QUALITY], tmp_path)
    before = path.read_bytes()
    changed = SpokenText(sound=QUALITY.sound, language="fr", text="Un tout autre texte.")
    assert build([changed], tmp_path) == [path]
    assert path.read_bytes() != before


def test_a_sound_that_was_deleted_is_spoken_again(tmp_path: Path) -> None:
    (path,) = build([QUALITY], tmp_path)
    path.unlink()
    assert build([QUALITY], tmp_path) == [path]


def test_a_regional_language_has_its_languages_voice(tmp_path: Path) -> None:
    regional = SpokenText(sound="hello", language="fr_CA", text="Bonjour.")
    assert build([regional], tmp_path) == [tmp_path / "fr_CA/hello.wav"]


def test_a_text_that_looks_like_an_option_is_spoken(tmp_path: Path) -> None:
    assert build([SpokenText(sound="odd", language="en", text="--help me")], tmp_path)


@pytest.mark.parametrize("sound", ["../outside", "/etc/passwd", "", "a//b", "-x"])
def test_a_name_that_leaves_the_folder_is_refused(tmp_path: Path, sound: str) -> None:
    with pytest.raises(ConfigurationError, match="not a sound's name"):
        build([SpokenText(sound=sound, language="fr", text="Bonjour.")], tmp_path)


def test_a_language_without_a_voice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no voice for the language 'xx'"):
        build([SpokenText(sound="hello", language="xx", text="Bonjour.")], tmp_path)


@pytest.mark.parametrize("rate", [16000, 22050, 44100])
def test_resampling_keeps_pitch_and_length(rate: int) -> None:
    narrow = resample(np.sin(2 * np.pi * 1000 * np.arange(2 * rate) / rate), rate)
    expected = np.sin(2 * np.pi * 1000 * np.arange(2 * RATE) / RATE)
    assert len(narrow) == 2 * RATE
    assert np.abs(narrow - expected)[400:-400].max() < 0.01


def test_resampling_lets_nothing_fold_back() -> None:
    high = np.sin(2 * np.pi * 5000 * np.arange(2 * 22050) / 22050)
    assert np.abs(resample(high, 22050))[400:-400].max() < 0.01
