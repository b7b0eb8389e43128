"""A daemon that keeps recordings, and what is on its PBX, held against what it has decided: all of it real."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from lab.phones import Phones
from lab.stories import Staff, converse, written
from lab.world import World, record_every_call, shorten


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """A lab whose daemon has an object store."""

    def with_storage(config: dict[str, Any]) -> None:
        config["storage"] = {}

    with World.running(shorten, record_every_call, with_storage) as running:
        yield running


def reconciled(world: World) -> list[dict[str, str]]:
    """What the command says, beside the daemon that runs."""
    words = ["reconcile", "--config", str(world.daemon.config), "--format", "jsonl"]
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "controller", *words],
        env=world.daemon.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == (1 if found else 0), done.stderr
    return found


async def test_after_a_real_call_nothing_differs_and_a_file_of_somebody_else_does(
    world: World, phones: Phones, staff: Staff
) -> None:
    number = "0639980790"
    talk = await converse(phones, staff, world.daemon, caller=number)
    await asyncio.sleep(2)
    await talk.caller.hang_up()
    await written(world.daemon, number)
    assert await asyncio.to_thread(reconciled, world) == []
    (world.pbx.recordings / "somebody-else.wav").write_bytes(b"RIFF")
    assert await asyncio.to_thread(reconciled, world) == [
        {"difference": "file-unknown", "what": "somebody-else", "detail": "lab"}
    ]
