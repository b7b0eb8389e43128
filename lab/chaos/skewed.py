"""The daemon with a wall clock that jumps: ``python -m lab.chaos.skewed run …``.

How far it is off, in seconds, stands in the file that ``RC_LAB_SKEW`` names. The daemon asks the time in one place
only, ``controller.runtime.clock``.
"""

import os
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

from controller.__main__ import main
from controller.runtime import clock

SKEW = "RC_LAB_SKEW"


class _Skewed(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        """The machine's time, and what it is off by."""
        return datetime.now(tz) + timedelta(seconds=float(Path(os.environ[SKEW]).read_text() or 0))


if __name__ == "__main__":
    clock.datetime = _Skewed  # type: ignore[attr-defined]
    main()
