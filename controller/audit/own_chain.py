"""Where the chain of this daemon ends, by its own word: kept outside the database, where nobody can add to it.

What is about to be written is noted first. So a daemon that was killed at any moment goes on where it was, and what
else stands at the end of its chain was put there by somebody else: then it begins another chain, and signs none of it.
"""

import os
import secrets
from collections.abc import Sequence
from pathlib import Path

import msgspec
import structlog

from controller.audit.checkpoints import CHECKPOINTS, copies
from controller.domain.chain import BEGINNING, Link

NAME = "writer"
"""The file with the name of the chain, in the state directory."""
ENDS = "chain-ends"
"""The file that says where it may end, beside it: one line, written over and over."""

_log = structlog.get_logger(__name__)

_Ends = tuple[str, list[tuple[int, str]]]
"""The name of the chain, and links: position, hash in hexadecimal."""


class OwnChain:
    """Our chain, as the state directory ``folder`` knows it. Making one blocks, and raises OSError."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(mode=0o711, parents=True, exist_ok=True)
        self._named = self.writer = _name(folder)
        self.ends: Sequence[Link] = _ends(folder, self.writer)
        """Where the chain may end by our doing, the last one last; one, unless nobody knows what came of a write."""
        self.left: list[tuple[str, Sequence[Link]]] = []
        """Chains that this process has left, and where they ended."""

    def expect(self, end: Link) -> None:
        """The chain may end here from now on; ``note`` that before it is written."""
        if end not in self.ends:
            self.ends = (*self.ends, end)

    def ended(self, end: Link) -> None:
        """The chain ends here, for sure."""
        self.ends = (end,)

    def stands(self, end: Link) -> bool:
        """Whether this end, found in the database, is our doing; what cannot be the end any more is forgotten."""
        if end not in self.ends:
            return False
        self.ends = tuple(other for other in self.ends if other.position >= end.position)
        return True

    def begin_anew(self) -> None:
        """Leave this chain to whoever has written to it."""
        self.left.append((self.writer, self.ends))
        self.writer, self.ends = _new_name(), (BEGINNING,)

    def note(self) -> None:
        """Keep all this for the next process. Blocking; what cannot be kept is logged.

        Written over in place, where no room is needed; not synced, since the end of a process loses nothing.
        """
        said: _Ends = (self.writer, [(end.position, end.hash.hex()) for end in self.ends])
        try:
            if self._named != self.writer:
                _keep_name(self._folder, self.writer)
                self._named = self.writer
            descriptor = os.open(self._folder / ENDS, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.pwrite(descriptor, msgspec.json.encode(said) + b"\n", 0)
            finally:
                os.close(descriptor)
        except OSError as error:
            _log.error("chain.end_not_noted", reason=error.strerror)


def _new_name() -> str:
    return f"daemon-{secrets.token_hex(4)}"


def _keep_name(folder: Path, name: str) -> None:
    (folder / NAME).write_text(f"{name}\n", encoding="ascii")


def _name(folder: Path) -> str:
    try:
        return (folder / NAME).read_text(encoding="ascii").strip()
    except FileNotFoundError:
        name = _new_name()
        _keep_name(folder, name)
        return name


def _ends(folder: Path, writer: str) -> Sequence[Link]:
    """Where the chain may end, by what was signed last and what was noted since."""
    signed = _signed(folder / CHECKPOINTS, writer)
    noted = _noted(folder / ENDS, writer)
    last = max((end.position for end in noted), default=0)
    return noted if last > signed.position else (signed,)


def _signed(file: Path, writer: str) -> Link:
    points = [point.head for point in copies(file) if point.writer == writer] if file.exists() else []
    return max(points, key=lambda head: head.position, default=BEGINNING)


def _noted(file: Path, writer: str) -> Sequence[Link]:
    try:
        text = file.read_bytes().partition(b"\n")[0]
        name, ends = msgspec.json.decode(text, type=_Ends)
        links = tuple(Link(position=position, hash=bytes.fromhex(digest)) for position, digest in ends)
    except (FileNotFoundError, msgspec.MsgspecError, ValueError):
        return ()
    return links if name == writer else ()
