"""Whether an announcement reached an ear, on synthesized speech: where, how much, and not at all."""

import numpy as np
import pytest

from lab.hearing import NOTHING, heard, heard_in
from lab.prompts import SpokenText, build
from lab.sweep import RATE, Samples, from_ulaw, read_wav, sweep, ulaw

FRENCH = "Bonjour. Cet appel peut être enregistré. Pour vous y opposer, appuyez sur la touche un."
ENGLISH = "Good morning. This call may be recorded. To object to it, press one at any time."


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Samples]:
    """Two announcements, spoken by espeak-ng."""
    folder = tmp_path_factory.mktemp("sounds")
    texts = [SpokenText(sound="notice", language=each, text=text) for each, text in (("fr", FRENCH), ("en", ENGLISH))]
    return {path.parent.name: read_wav(path) for path in build(texts, folder)}


def carried(*parts: Samples, level: float = 0.7) -> Samples:
    return from_ulaw(ulaw(level * np.concatenate(parts)))


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * RATE))


def sounding(prompt: Samples) -> tuple[float, float]:
    """Where in the file the voice begins and ends, in seconds."""
    loud = np.flatnonzero(np.abs(prompt) > 0.02 * np.abs(prompt).max())
    return float(loud[0]) / RATE, float(loud[-1] + 1) / RATE


def test_a_whole_announcement_is_heard_where_it_was_played(spoken: dict[str, Samples]) -> None:
    prompt = spoken["fr"]
    begin_s, end_s = sounding(prompt)
    found = heard_in(carried(silence(1.3), prompt, silence(2)), prompt)
    assert found.share == pytest.approx(1.0, abs=0.02)
    assert found.begin_s == pytest.approx(1.3 + begin_s, abs=0.005)
    assert found.seconds == pytest.approx(end_s - begin_s, abs=0.1)


@pytest.mark.parametrize("after_s", [0.4, 1.1, 2.0, 3.3])
def test_an_announcement_cut_short_is_heard_up_to_the_cut(spoken: dict[str, Samples], after_s: float) -> None:
    prompt = spoken["fr"]
    begin_s, end_s = sounding(prompt)
    cut = prompt[: round((begin_s + after_s) * RATE)]
    found = heard_in(carried(silence(0.5), cut, silence(3)), prompt)
    # What cannot be told from silence at the cut is a pause between words.
    assert found.seconds == pytest.approx(after_s, abs=0.15)
    assert found.share == pytest.approx(after_s / (end_s - begin_s), abs=0.05)


def test_a_cut_followed_by_another_announcement_is_still_a_cut(spoken: dict[str, Samples]) -> None:
    prompt = spoken["fr"]
    begin_s, _ = sounding(prompt)
    cut = prompt[: round((begin_s + 2.0) * RATE)]
    found = heard_in(carried(silence(0.5), cut, spoken["en"]), prompt)
    assert found.seconds == pytest.approx(2.0, abs=0.15)


def test_another_announcement_is_not_this_one(spoken: dict[str, Samples]) -> None:
    assert heard_in(carried(silence(1), spoken["en"], silence(1)), spoken["fr"]) == NOTHING


@pytest.mark.parametrize("recording", [silence(8), silence(0), from_ulaw(ulaw(sweep(20)))])
def test_what_holds_no_voice_holds_no_announcement(spoken: dict[str, Samples], recording: Samples) -> None:
    assert not heard_in(recording, spoken["fr"]).at_all


def test_noise_holds_no_announcement(spoken: dict[str, Samples]) -> None:
    assert not heard_in(np.random.default_rng(3).normal(0, 0.2, 9 * RATE), spoken["fr"]).at_all


def test_a_recording_that_began_late_holds_the_rest(spoken: dict[str, Samples]) -> None:
    prompt = spoken["fr"]
    begin_s, end_s = sounding(prompt)
    found = heard_in(carried(prompt[round((begin_s + 1.5) * RATE) :], silence(1)), prompt)
    assert found.begin_s == pytest.approx(0.0, abs=0.15)
    assert found.seconds == pytest.approx(end_s - begin_s - 1.5, abs=0.15)


def test_a_lost_frame_does_not_end_an_announcement(spoken: dict[str, Samples]) -> None:
    prompt = spoken["fr"]
    recording = carried(silence(0.5), prompt, silence(1))
    lost = 2 * RATE
    recording = np.concatenate([recording[:lost], recording[lost + RATE // 50 :]])
    assert heard_in(recording, prompt).share == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize("still_s", [0.1, 0.3, 0.7])
def test_a_machine_that_stood_still_does_not_end_an_announcement(spoken: dict[str, Samples], still_s: float) -> None:
    prompt = spoken["fr"]
    for middle in (round(1.6 * RATE), round(3.1 * RATE)):
        recording = carried(silence(0.5), prompt[:middle], silence(still_s), prompt[middle:], silence(1))
        assert heard_in(recording, prompt).share == pytest.approx(1.0, abs=0.03)


def test_nor_does_one_that_stands_still_for_a_frame_now_and_then(spoken: dict[str, Samples]) -> None:
    prompt = spoken["fr"]
    frames = [prompt[at : at + RATE * 4 // 10] for at in range(0, len(prompt), RATE * 4 // 10)]
    recording = carried(silence(0.5), *(part for frame in frames for part in (frame, silence(0.02))), silence(1))
    assert heard_in(recording, prompt).share == pytest.approx(1.0, abs=0.05)


def test_what_was_lost_of_its_middle_is_not_its_end(spoken: dict[str, Samples]) -> None:
    prompt = spoken["fr"]
    middle = 2 * RATE
    recording = carried(silence(0.5), prompt[:middle], prompt[middle + RATE * 3 // 10 :], silence(1))
    assert heard_in(recording, prompt).share == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize("hole_s", [0.7, 1.0])
def test_what_was_not_heard_of_its_middle_is_no_part_of_the_share(spoken: dict[str, Samples], hole_s: float) -> None:
    prompt, middle, hole = spoken["fr"], 2 * RATE, round(hole_s * RATE)
    begin_s, end_s = sounding(prompt)
    found = heard_in(carried(silence(0.5), prompt[:middle], silence(hole_s), prompt[middle + hole :]), prompt)
    assert found.begin_s + found.seconds == pytest.approx(0.5 + end_s, abs=0.1)
    assert found.share == pytest.approx(1 - hole_s / (end_s - begin_s), abs=0.1)


def test_loudness_does_not_matter(spoken: dict[str, Samples]) -> None:
    prompt = spoken["en"]
    assert heard_in(carried(silence(1), prompt, level=0.1), prompt).share == pytest.approx(1.0, abs=0.02)


def test_the_longest_of_several_is_reported(spoken: dict[str, Samples]) -> None:
    prompt = spoken["fr"]
    begin_s, _ = sounding(prompt)
    found = heard_in(carried(prompt[: 2 * RATE], silence(2), prompt), prompt)
    assert found.share == pytest.approx(1.0, abs=0.02)
    assert found.begin_s == pytest.approx(4.0 + begin_s, abs=0.005)


def test_files_are_compared_like_samples(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("files")
    (path,) = build([SpokenText(sound="notice", language="fr", text=FRENCH)], folder)
    assert heard(path, path).share == pytest.approx(1.0, abs=0.02)
