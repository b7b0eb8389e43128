"""A small disk that can be filled: a tmpfs, mounted over a folder for a while."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_ROOT = [] if os.getuid() == 0 else ["sudo", "-n"]
_FILLER = "filler"
_PAGE = 4096


@contextmanager
def small_disk(folder: Path, *, kibibytes: int) -> Iterator["Disk"]:
    """Mount an empty disk of this size over a folder, which is made where it is missing, until the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    had = folder.stat()
    options = f"size={kibibytes}k,mode={had.st_mode & 0o7777:o},uid={had.st_uid},gid={had.st_gid}"
    subprocess.run([*_ROOT, "mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)
    try:
        yield Disk(folder)
    finally:
        subprocess.run([*_ROOT, "umount", "--lazy", str(folder)], check=True)


class Disk:
    """Whatever is written to a disk that is full fails with ``ENOSPC``."""

    def __init__(self, folder: Path) -> None:
        self._filler = folder / _FILLER

    def fill(self) -> None:
        """Take all that is left."""
        with self._filler.open("ab", buffering=0) as file, suppress(OSError):
            free = os.statvfs(file.fileno())
            os.posix_fallocate(file.fileno(), 0, free.f_bavail * free.f_frsize)
            while True:  # what others give back meanwhile
                file.write(bytes(_PAGE))

    def relieve(self) -> None:
        """Give it back; harmless where nothing was taken."""
        self._filler.unlink(missing_ok=True)
