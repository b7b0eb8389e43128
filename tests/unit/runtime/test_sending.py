"""What the packets that go out to a channel say of the audio in them."""

import pytest

from controller.runtime.sending import Count, packet_time, sent_between


def count(packets: int, asked_at: float, answered_at: float | None = None) -> Count:
    return Count(packets=packets, asked_at=asked_at, answered_at=asked_at if answered_at is None else answered_at)


@pytest.mark.parametrize(
    ("packets", "each"),
    [
        pytest.param(0, None, id="nothing"),
        pytest.param(1, None, id="what keeps a way open"),
        pytest.param(3, None, id="comfort noise"),
        *(pytest.param(packets, 0.06, id=f"60 ms: {packets}") for packets in (4, 5, 6)),
        *(pytest.param(packets, 0.04, id=f"40 ms: {packets}") for packets in (7, 8)),
        *(pytest.param(packets, 0.03, id=f"30 ms: {packets}") for packets in (9, 10, 11)),
        *(pytest.param(packets, 0.02, id=f"20 ms: {packets}") for packets in (14, 15, 16)),
        *(pytest.param(packets, 0.01, id=f"10 ms: {packets}") for packets in (29, 30, 31)),
    ],
)
def test_how_much_audio_a_packet_carries_by_what_goes_out_in_three_tenths_of_a_second(
    packets: int, each: float | None
) -> None:
    assert packet_time(count(100, 0.0), count(100 + packets, 0.3)) == each


def test_an_evenly_sent_second_has_no_silence() -> None:
    sent = sent_between(count(0, 0.0), count(50, 1.0), each_s=0.02)
    assert (sent.audio_s, sent.silent_s) == (1.0, 0.0)


def test_what_was_not_sent_is_silence() -> None:
    sent = sent_between(count(0, 0.0), count(30, 1.0), each_s=0.02)
    assert sent.silent_s == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("first", "then"),
    [
        pytest.param(count(0, 0.0, 0.5), count(30, 1.0), id="the first answer"),
        pytest.param(count(0, 0.0), count(30, 0.5, 1.0), id="the last answer"),
    ],
)
def test_where_an_answer_takes_time_nothing_is_taken_to_have_been_sent_in_it(first: Count, then: Count) -> None:
    assert sent_between(first, then, each_s=0.02).silent_s == pytest.approx(0.4)
