"""On what machine something was measured."""

import os
import platform
import re
from dataclasses import dataclass
from pathlib import Path

_GIB = 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The machine, the versions of what ran on it, and its niceness: what else ran had another one.

    ``kernel`` is its first two numbers: what a distributor or a host adds tells whose machine it is.
    """

    cores: int
    processor: str
    memory_gib: float
    kernel: str
    python: str
    asterisk: str
    niceness: int


def this_machine(asterisk: str) -> Machine:
    """The machine that we run on; ``asterisk`` is what ``core show version`` says."""
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        processor=processor(Path("/proc/cpuinfo").read_text()),
        memory_gib=os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / _GIB,
        kernel=kernel(platform.release()),
        python=platform.python_version(),
        asterisk=asterisk.partition(" built by ")[0],
        niceness=os.getpriority(os.PRIO_PROCESS, 0),
    )


def kernel(release: str) -> str:
    """The version of a kernel, from what ``uname -r`` says."""
    found = re.match(r"\d+\.\d+", release)
    return found[0] if found else ""


def processor(cpuinfo: str) -> str:
    """The processor's name, from a /proc/cpuinfo; its architecture where that does not tell."""
    for line in cpuinfo.splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()
