"""Asterisk's console, as a listener that is slow to take its visitors in."""

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from lab.console import run_command

VISITORS = 8


@contextmanager
def console(path: Path, taking_in: threading.Event) -> Iterator[None]:
    """Answer each visitor with what they asked, once it is time to take them in."""

    def serve() -> None:
        taking_in.wait(10)
        with suppress(TimeoutError):
            for _ in range(VISITORS):
                visitor, _address = listener.accept()
                with visitor:
                    visitor.sendall(b"lab/1/22")
                    visitor.sendall(visitor.recv(100))

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen(0)
        listener.settimeout(2)
        thread = threading.Thread(target=serve)
        thread.start()
        yield
        thread.join(10)


def test_more_visitors_than_there_are_places_wait_for_their_turn(tmp_path: Path) -> None:
    taking_in = threading.Event()
    with console(tmp_path / "ctl", taking_in), ThreadPoolExecutor(VISITORS) as pool:
        visits = [pool.submit(run_command, tmp_path / "ctl", f"visit {number}") for number in range(VISITORS)]
        time.sleep(0.1)
        taking_in.set()
        answers = [visit.result(10) for visit in visits]
    assert answers == [f"cli quit after visit {number}" for number in range(VISITORS)]


def test_where_nobody_listens_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        run_command(tmp_path / "ctl", "core show uptime")
