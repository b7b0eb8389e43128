"""Frames and answers as the kernel gives them, and whose sound is whose."""

import struct

from lab.bench.capture import Answer, Capture, Frame, answer_in, frames_in

SLOT = 256
NETWORK = 66
"""Where the kernel puts the IPv4 header in a slot."""


def slot(*, port: int, number: int, ssrc: int, seconds: int, nanoseconds: int) -> bytes:
    head = struct.pack("=IIIHHII", 1, 64, 64, NETWORK, NETWORK, seconds, nanoseconds)
    ip = bytes(20)
    udp = struct.pack("!HHHH", 20_000, port, 180, 0)
    rtp = struct.pack("!BBHII", 0x80, 0, number, 160 * number, ssrc)
    return (head.ljust(NETWORK, b"\0") + ip + udp + rtp).ljust(SLOT, b"\0")


def frame(port: int, number: int, at: float, ssrc: int = 1) -> Frame:
    return Frame(port=port, ssrc=ssrc, number=number, at=at)


def told(frames: list[Frame], answers: list[Answer]) -> Capture:
    capture = Capture()
    capture.took(frames, answers)
    return capture


def test_frames_are_read_up_to_the_first_free_slot() -> None:
    taken = slot(port=16_400, number=7, ssrc=99, seconds=1_700_000_000, nanoseconds=250_000_000)
    assert frames_in(taken + bytes(SLOT) + taken) == [frame(16_400, 7, 1_700_000_000.25, ssrc=99)]


def test_a_full_ring_is_read_to_its_end_and_an_empty_one_holds_nothing() -> None:
    taken = slot(port=16_400, number=7, ssrc=99, seconds=1, nanoseconds=0)
    assert len(frames_in(taken * 3)) == 3
    assert frames_in(bytes(SLOT * 3)) == []


def test_an_answer_tells_whose_sound_goes_to_which_port() -> None:
    head = b"SIP/2.0 200 OK\r\nVia: x\r\nFrom: <sip:06399801@127.0.0.3:5060>;tag=1\r\nTo: y\r\n\r\n"
    said = head + b"v=0\r\nm=audio 16402 RTP/AVP 0\r\n"
    assert answer_in(bytes(28) + said, 5.0) == Answer(caller="06399801", port=16_402, at=5.0)


def test_what_is_no_answer_with_sound_tells_nothing() -> None:
    assert answer_in(bytes(28) + b"SIP/2.0 100 Trying\r\nFrom: <sip:06399801@127.0.0.3>\r\n", 5.0) is None
    assert answer_in(bytes(28) + b"SIP/2.0 200 OK\r\nFrom: <sip:06399801@127.0.0.3>\r\n\r\n", 5.0) is None


def test_a_callers_sound_is_what_came_to_the_port_after_the_answer() -> None:
    capture = told(
        [frame(16_400, 0, 1.0, ssrc=1), frame(16_400, 0, 3.0, ssrc=2), frame(16_400, 1, 3.02, ssrc=2)],
        [Answer(caller="06399801", port=16_400, at=2.0)],
    )
    sound = capture.sound("06399801")
    assert sound is not None
    assert sound.arrivals == {0: 3.0, 1: 3.02}


def test_an_answer_that_is_sent_again_changes_nothing() -> None:
    once = Answer(caller="06399801", port=16_400, at=2.0)
    capture = told([frame(16_400, 0, 2.1)], [once, Answer(caller="06399801", port=16_400, at=2.5)])
    sound = capture.sound("06399801")
    assert sound is not None
    assert sound.arrivals == {0: 2.1}


def test_a_frame_that_comes_twice_counts_when_it_came_first() -> None:
    capture = told([frame(16_400, 0, 2.1), frame(16_400, 0, 2.2)], [Answer(caller="06399801", port=16_400, at=2.0)])
    sound = capture.sound("06399801")
    assert sound is not None
    assert sound.arrivals == {0: 2.1}


def test_a_caller_who_was_not_answered_or_not_heard_has_no_sound() -> None:
    capture = told([frame(16_400, 0, 1.0)], [Answer(caller="06399801", port=16_400, at=2.0)])
    assert capture.sound("06399801") is None
    assert capture.sound("06399802") is None
