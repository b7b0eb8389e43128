"""When the callers' sound reached the PBX, frame by frame, by the kernel's own clock.

Owns a capture on loopback: the callers' RTP (headers only) and the PBX's answers to them, which tell whose RTP goes to
which port. The kernel keeps both until the load is over: nothing of ours runs beside it. Needs the right to capture
(CAP_NET_RAW), and IPv4 headers without options, as loopback has them. What the times mean is ``latency``'s.
"""

import ctypes
import mmap
import re
import socket
import struct
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.pbx import TRUNK_ADDRESS

FRAME_S = 0.02
FRAMES_A_SECOND = 50

_ETH_P_IP = 0x0800
_SOL_PACKET, _PACKET_RX_RING, _PACKET_VERSION, _TPACKET_V2 = 263, 5, 10, 1
_SO_ATTACH_FILTER, _SO_RCVBUFFORCE, _SO_TIMESTAMPNS = 26, 33, 35
_SLOT, _BLOCK = 256, 65536
_SNAP = 64
_ANSWERS_BYTES = 64 * 2**20
_ANSWER = re.compile(rb"SIP/2\.0 200 .*?\r\nFrom: <sip:(\d+)@.*?\r\nm=audio (\d+) ", re.DOTALL)

Instruction = tuple[int, int, int, int]
"""One instruction of classic BPF: code, jump if true, jump if false, operand (linux/filter.h)."""

_LOAD_BYTE, _LOAD_HALF, _LOAD_WORD, _AND, _EQUAL, _RETURN = 0x30, 0x28, 0x20, 0x54, 0x15, 0x06
_SOURCE, _DESTINATION = 12, 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One RTP frame that reached the PBX: where, of which stream, its number in it, and when (epoch seconds)."""

    port: int
    ssrc: int
    number: int
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The PBX answered a caller: from then on (epoch seconds) the caller's RTP goes to this port of the PBX."""

    caller: str
    port: int
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """One caller's RTP: when each frame reached the PBX, by its number; the sound begins with number 0."""

    arrivals: dict[int, float]


class Capture:
    """What was captured, once its block is left. ``missing`` says why there is nothing; empty where there is."""

    def __init__(self) -> None:
        self.missing = ""
        self._frames: dict[tuple[int, int], dict[int, float]] = {}
        self._answers: dict[str, list[Answer]] = {}

    def sound(self, caller: str) -> Sound | None:
        """The RTP of the latest call of this number; None where none was captured."""
        answers = self._answers.get(caller)
        if not answers:
            return None
        answer = answers[-1]
        # A port may have served a call before this one, so the stream is the first that began after the answer.
        begun = {min(a.values()): a for (port, _), a in self._frames.items() if port == answer.port and 0 in a}
        after = [at for at in sorted(begun) if at >= answer.at]
        return Sound(arrivals=begun[after[0]]) if after else None

    def took(self, frames: Sequence[Frame], answers: Sequence[Answer]) -> None:
        """Take in what was captured, in the order of time."""
        for frame in frames:
            self._frames.setdefault((frame.port, frame.ssrc), {}).setdefault(frame.number, frame.at)
        for answer in answers:
            known = self._answers.setdefault(answer.caller, [])
            if not known or known[-1].port != answer.port:  # else the same answer, sent again
                known.append(answer)


@contextmanager
def capturing(*, sip_port: int, frames: int) -> Iterator[Capture]:
    """Capture up to so many RTP frames within the block; where that is not allowed, say so in ``missing``."""
    capture = Capture()
    with ExitStack() as stack:
        try:
            audio = stack.enter_context(_tap(_from_callers()))
            signalling = stack.enter_context(_tap(_to_callers(sip_port)))
        except PermissionError:
            capture.missing = "capturing on loopback is not allowed here (CAP_NET_RAW)"
            yield capture
            return
        slots = -(-frames // (_BLOCK // _SLOT)) * (_BLOCK // _SLOT)
        ring = struct.pack("IIII", _BLOCK, slots * _SLOT // _BLOCK, _SLOT, slots)
        audio.setsockopt(_SOL_PACKET, _PACKET_VERSION, _TPACKET_V2)
        audio.setsockopt(_SOL_PACKET, _PACKET_RX_RING, ring)
        memory = stack.enter_context(mmap.mmap(audio.fileno(), slots * _SLOT))
        signalling.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _ANSWERS_BYTES)
        signalling.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        for tap in (audio, signalling):
            tap.bind(("lo", _ETH_P_IP))
        yield capture
        capture.took(frames_in(memory.read(slots * _SLOT)), list(_answers(signalling)))


def frames_in(ring: bytes) -> list[Frame]:
    """Read the kernel's ring (linux/if_packet.h, tpacket2_hdr) of RTP packets, up to the first slot that is free."""
    slots: NDArray[np.uint8] = np.frombuffer(ring, dtype=np.uint8).reshape(-1, _SLOT)
    used = slots[:, :4].copy().view("<u4")[:, 0] != 0
    count = len(slots) if used.all() else int(np.argmin(used))
    found = []
    for slot in range(0, count * _SLOT, _SLOT):
        _, _, _, _, network, seconds, nanoseconds = struct.unpack_from("=IIIHHII", ring, slot)
        port = struct.unpack_from("!H", ring, slot + network + 22)[0]
        number, _, ssrc = struct.unpack_from("!HII", ring, slot + network + 30)
        found.append(Frame(port=port, ssrc=ssrc, number=number, at=seconds + nanoseconds / 1e9))
    return found


def answer_in(packet: bytes, at: float) -> Answer | None:
    """Read an IPv4 packet of the PBX's; None for all but an answer with a port for RTP."""
    told = _ANSWER.match(packet[28:])
    return Answer(caller=told[1].decode(), port=int(told[2]), at=at) if told else None


def _answers(signalling: socket.socket) -> Iterator[Answer]:
    while True:
        try:
            packet, about, _, _ = signalling.recvmsg(4096, 64, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        for level, kind, data in about:
            if (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS):
                seconds, nanoseconds = struct.unpack("qq", data[:16])
                answer = answer_in(packet, seconds + nanoseconds / 1e9)
                if answer is not None:
                    yield answer


def _tap(program: Sequence[Instruction]) -> socket.socket:
    """A socket that will see those IPv4 packets that the filter lets through. Raises PermissionError."""
    tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *instruction) for instruction in program))
    tap.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HL", len(program), ctypes.addressof(code)))
    return tap


def _from_callers() -> list[Instruction]:
    """RTP (version 2) from the callers' address; the headers suffice."""
    return [
        (_LOAD_BYTE, 0, 0, 9),
        (_EQUAL, 0, 6, socket.IPPROTO_UDP),
        (_LOAD_WORD, 0, 0, _SOURCE),
        (_EQUAL, 0, 4, _number(TRUNK_ADDRESS)),
        (_LOAD_BYTE, 0, 0, 28),
        (_AND, 0, 0, 0xC0),
        (_EQUAL, 0, 1, 0x80),
        (_RETURN, 0, 0, _SNAP),
        (_RETURN, 0, 0, 0),
    ]


def _to_callers(sip_port: int) -> list[Instruction]:
    """What the PBX's SIP port sends to the callers' address."""
    return [
        (_LOAD_BYTE, 0, 0, 9),
        (_EQUAL, 0, 5, socket.IPPROTO_UDP),
        (_LOAD_WORD, 0, 0, _DESTINATION),
        (_EQUAL, 0, 3, _number(TRUNK_ADDRESS)),
        (_LOAD_HALF, 0, 0, 20),
        (_EQUAL, 0, 1, sip_port),
        (_RETURN, 0, 0, 65535),
        (_RETURN, 0, 0, 0),
    ]


def _number(address: str) -> int:
    return int.from_bytes(socket.inet_aton(address), "big")
