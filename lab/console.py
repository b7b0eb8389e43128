"""Asterisk's command line, over its control socket.

Owns the few bytes of that protocol. Does not know what Asterisk it talks to.
"""

import socket
import struct
from pathlib import Path

_CHUNK = 65536


def run_command(socket_path: Path, command: str, *, patience: float = 10.0) -> str:
    """Run one command of Asterisk's CLI and return what it prints.

    ``patience`` is in seconds. Raises OSError where nobody listens or nobody answers in that time.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as console:
        # A socket with Python's own timeout does not wait for a place among those who connect, and fails at once.
        console.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", int(patience), 0))
        console.connect(str(socket_path))
        console.settimeout(patience)
        console.recv(_CHUNK)  # HOST/PID/VERSION
        # "quit after" makes Asterisk close the console once it has answered.
        console.sendall(b"cli quit after " + command.encode() + b"\0")
        answer = bytearray()
        while chunk := console.recv(_CHUNK):
            answer += chunk
    return answer.replace(b"\0", b"").decode(errors="replace").strip()
