"""Where a waveform and its stretches are drawn."""

import re

from controller.audio.timeline import Entry
from controller.web.pages.waveform import HALF, waveform


def entry(kind: str, begin_ms: int, end_ms: int) -> Entry:
    return Entry(kind=kind, reason="payment" if kind == "paused" else "sampled", begin_ms=begin_ms, end_ms=end_ms)


def test_stretches_lie_where_they_are_in_time_and_pauses_are_counted() -> None:
    times = [("recorded", 0, 2000), ("paused", 2000, 3500), ("recorded", 3500, 9900), ("paused", 9900, 10_000)]
    drawn = waveform({"duration_ms": 10_000, "channels": [[0] * 10]}, [entry(*one) for one in times])
    assert [(one.left, one.width, one.number) for one in drawn.stretches] == [
        (0, 20, None),
        (20, 15, 1),
        (35, 64, None),
        (99, 1, 2),
    ]
    assert [one.middle for one in drawn.stretches] == [10, 27.5, 67, 99.5]
    assert [one.roomy for one in drawn.stretches] == [True, False, True, False]


def heights(path: str) -> list[int]:
    return [int(bottom) - HALF for bottom in re.findall(r"V(\d+)", path)]


def test_the_loudest_reaches_the_edge_and_silence_is_a_line() -> None:
    drawn = waveform({"duration_ms": 4000, "channels": [[0, 30, 60, 0]]}, [entry("recorded", 0, 4000)])
    assert heights(drawn.paths[0]) == [1, 24, 48, 1]
    assert drawn.buckets == 4


def test_what_is_hardly_heard_is_not_drawn_as_if_it_were_loud() -> None:
    drawn = waveform({"duration_ms": 4000, "channels": [[1, 2, 3]]}, [entry("recorded", 0, 4000)])
    assert max(heights(drawn.paths[0])) == 6


def test_each_side_has_a_picture_of_its_own_on_the_same_scale() -> None:
    drawn = waveform({"duration_ms": 4000, "channels": [[60, 0], [0, 30]]}, [entry("recorded", 0, 4000)])
    assert [heights(path) for path in drawn.paths] == [[48, 1], [1, 24]]


def test_nothing_at_all_is_drawn_too() -> None:
    drawn = waveform({"duration_ms": 0, "channels": []}, [])
    assert (drawn.duration_ms, drawn.paths, drawn.stretches) == (1, (), ())
