"""What processes cost: CPU-seconds as Linux counts them, threads included.

Owns the reading of /proc. A family counts with those of its children that have ended and were waited for.
"""

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """CPU-seconds of one process: its own, and those of children that it has waited for."""

    own_s: float
    waited_for_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cpu:
    """CPU-seconds of the three programs that matter, since some moment."""

    asterisk_s: float
    daemon_s: float = 0.0
    postgres_s: float = 0.0

    @property
    def all_s(self) -> float:
        """All three together."""
        return self.asterisk_s + self.daemon_s + self.postgres_s

    def since(self, before: "Cpu") -> "Cpu":
        """What was spent since ``before``."""
        return Cpu(
            asterisk_s=self.asterisk_s - before.asterisk_s,
            daemon_s=self.daemon_s - before.daemon_s,
            postgres_s=self.postgres_s - before.postgres_s,
        )


def times(stat: str) -> Times:
    """Read a /proc/PID/stat; the program's name in it may hold anything, so what follows its last bracket counts."""
    fields = stat.rpartition(")")[2].split()
    user, system, children_user, children_system = (int(ticks) for ticks in fields[11:15])
    return Times(own_s=(user + system) / _TICKS, waited_for_s=(children_user + children_system) / _TICKS)


def parent(stat: str) -> int:
    """The parent's process id, from a /proc/PID/stat."""
    return int(stat.rpartition(")")[2].split()[1])


def of_process(pid: int) -> float:
    """CPU-seconds of one process with all its threads, without its children."""
    return times((_PROC / str(pid) / "stat").read_text()).own_s


def of_family(pid: int) -> float:
    """CPU-seconds of a process, its living children, and those that have ended."""
    first = times((_PROC / str(pid) / "stat").read_text())
    spent = first.own_s + first.waited_for_s
    for entry in _PROC.iterdir():
        stat = _stat(entry)
        if stat and parent(stat) == pid:
            spent += times(stat).own_s
    return spent


def of_machine() -> float:
    """CPU-seconds that all programs and the kernel have spent since the machine was started."""
    return busy((_PROC / "stat").read_text())


def busy(stat: str) -> float:
    """Read a /proc/stat: what programs and the kernel used; the rest is idle, or not this machine's."""
    user, nice, system, _idle, _waiting, interrupts, soft = map(int, stat.split("\n", 1)[0].split()[1:8])
    return (user + nice + system + interrupts + soft) / _TICKS


def of_us() -> float:
    """CPU-seconds of this program, and of those that it has started and waited for."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def resident_bytes(pid: int) -> int:
    """How much of a process is in memory."""
    pages = int((_PROC / str(pid) / "statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _stat(entry: Path) -> str:
    """Empty for what is no process, or is none any more."""
    if not entry.name.isdecimal():
        return ""
    try:
        return (entry / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
