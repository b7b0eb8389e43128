"""What it costs to keep a recording: read, sealed and stored; opened, made into MP3, and that sealed and stored.

Measured on a recording of hours, in a folder, without a PBX or a database: CPU of all threads, and the memory that the
process grew by, which must not depend on the length.
"""

import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from controller.audio.mp3 import encoded
from controller.audio.wav import WRITTEN_HEADER, WavReader, wav_header
from controller.domain.records import StoredRecord, StoredState
from controller.store.keys import MasterKeys, new_key, new_master_key
from controller.store.objects import ObjectStore
from controller.store.vault import Vault, derived_name
from lab.sweep import RATE, SWEEP_S, sweep

HOURS = 3.0
NAME = "quality/2026/03/02/rc-bench.age"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step: seconds of CPU, and MiB that the process grew by."""

    what: str
    cpu_s: float
    grew_mib: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """All steps for a recording of so many seconds."""

    seconds: float
    steps: tuple[Step, ...]

    @property
    def times(self) -> float:
        """How many times faster than real time all of it is, on one core."""
        return self.seconds / sum(step.cpu_s for step in self.steps)


def measure(hours: float = HOURS) -> Keeping:
    """Keep one recording of so many hours."""
    seconds = round(hours * 3600)
    with tempfile.TemporaryDirectory(prefix="rc-bench-") as folder:
        vault = Vault(ObjectStore((Path(folder) / "recordings").as_uri()), MasterKeys.read(new_master_key()))
        key = new_key()
        wrapped = vault.masters.wrap(key)
        stored = StoredRecord(
            recording="rc-bench",
            state=StoredState.STORED,
            object=NAME,
            sealed_key=wrapped.sealed,
            master=wrapped.master,
        )
        vault.put("warm.age", _wav(10), key)  # what the libraries need once is not the price of a long recording

        def mp3() -> None:
            reader = WavReader(vault.pieces(stored))
            frames = reader.header.frames_in(WRITTEN_HEADER + seconds * RATE * 2)
            vault.put(derived_name("rc-bench", "silence.mp3"), encoded(reader, reader.format, frames=frames), key)

        steps = (
            _step("read, sealed, stored and read back", lambda: vault.put(NAME, _wav(seconds), key)),
            _step("opened, made into MP3, sealed, stored and read back", mp3),
        )
    return Keeping(seconds=seconds, steps=steps)


def _step(what: str, work: Callable[[], object]) -> Step:
    before, began = _most_kib(), time.process_time()
    work()
    return Step(what=what, cpu_s=time.process_time() - began, grew_mib=(_most_kib() - before) / 1024)


def _most_kib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _wav(seconds: int) -> Iterator[bytes]:
    """A file as Asterisk leaves it: the sweep in noise, which gives LAME more to do than a pure tone."""
    noise = np.random.default_rng(1).normal(0, 0.02, round(SWEEP_S * RATE))
    piece = bytes(((sweep(level=0.3) + noise) * 32767).astype("<i2").tobytes())
    yield wav_header(seconds * RATE, RATE, 1)
    left = seconds * RATE * 2
    while left > 0:
        yield piece[:left]
        left -= len(piece)


def main() -> None:
    """Measure, and say what came of it."""
    found = measure()
    for step in found.steps:
        print(f"{found.seconds / 3600:g} h {step.what}: {step.cpu_s:.1f} s of CPU, grew by {step.grew_mib:.1f} MiB")
    print(f"{found.times:.0f} times real time on one core")


if __name__ == "__main__":
    main()
