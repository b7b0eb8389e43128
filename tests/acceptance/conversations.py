"""What the acceptance tests say about a call that is over, in their own words."""

import asyncio
from collections.abc import Sequence
from typing import Any

from lab.stories import written
from lab.sweep import Gap, Stretch, missing, moments
from lab.world import World

Decided = tuple[str, str, str]
"""Kind, verdict, reason."""


async def decided(world: World, number: str) -> list[Decided]:
    """What was decided about the call of this number, in order."""
    return [(d["kind"], d["verdict"], d["reason"]) for d in await decisions(world, number)]


async def decisions(world: World, number: str) -> list[dict[str, Any]]:
    """The decisions about the call of this number, in order, once it is over."""
    call = await written(world.daemon, number)
    return world.daemon.decisions(call["id"])


async def audio(world: World, number: str) -> list[list[Stretch]]:
    """What of the caller's sweep is in each file of the call of this number."""
    call = await written(world.daemon, number)
    names = [r["name"] for r in world.daemon.recordings(call["id"]) if r["state"] == "ended"]
    return [list(await asyncio.to_thread(moments, world.recording_file(name))) for name in names]


def gaps(stretches: Sequence[Stretch], *, longer_than_s: float = 0.5) -> list[Gap]:
    """The moments that are missing between the first and the last that are there."""
    return [gap for gap in missing(list(stretches)) if gap.end_s - gap.begin_s > longer_than_s]


def seconds(stretches: Sequence[Stretch]) -> float:
    """How much of the sweep there is."""
    return sum(stretch.seconds for stretch in stretches)
