"""What is wrong with a configuration, and where; and the error that carries all of it."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from controller.errors import ConfigurationError

Path = tuple[str | int, ...]
"""Where in the file: keys and positions from the top, ``("routes", 0, "purposes", 1)``."""

_LONGEST_SHOWN = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong, or worth a warning. ``line`` counts from 1; 0 where there is no file to point into."""

    file: str
    line: int
    path: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.path}: {self.message}"


class ConfigurationFaults(ConfigurationError):  # noqa: N818 - it carries many
    """The configuration cannot be used; ``faults`` has every reason, in the order of the file."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults: tuple[Fault, ...] = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


def dotted(path: Path) -> str:
    """A path as a reader writes it: ``routes[0].purposes[1]``; ``file`` for the whole file."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{_shown(part)}" for part in path)
    return text.removeprefix(".") or "file"


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """The end of a message about an unknown word; empty where nothing known is near."""
    near = difflib.get_close_matches(word[:_LONGEST_SHOWN], known, n=1)
    return f" (did you mean {near[0]}?)" if near else ""


def _shown(key: str) -> str:
    """A key from the file, safe on one line of a terminal."""
    shown = key if key.isprintable() and key else ascii(key)
    return shown if len(shown) <= _LONGEST_SHOWN else f"{shown[:_LONGEST_SHOWN]}…"
