"""Commands, run as people run them."""

import json
import subprocess
from collections.abc import Callable
from typing import Any

Done = subprocess.CompletedProcess[str]
Run = Callable[..., Done]


def rows(done: Done) -> list[dict[str, Any]]:
    """What was printed as JSON, line by line, without a fault."""
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(line) for line in done.stdout.splitlines()]


def said(done: Done) -> str:
    """What was printed, without a fault."""
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout
