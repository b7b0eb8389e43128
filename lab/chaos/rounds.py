"""Plays rounds, in one lab or in several at the same time, and adds up what they came to."""

import asyncio
import multiprocessing
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Self

from lab.chaos.judge import judged, recorded_s
from lab.chaos.plan import Round
from lab.chaos.play import DIALPLAN, Stage
from lab.pbx import PbxOptions
from lab.phones import Phones
from lab.world import World, record_every_call, shorten


@dataclass(slots=True)
class Sum:
    """What many rounds came to."""

    violations: list[str] = field(default_factory=list)
    calls: int = 0
    told: int = 0
    untold: int = 0
    recorded_s: float = 0.0

    @classmethod
    def of(cls, parts: Iterable["Sum"]) -> Self:
        """Return what all of these came to."""
        whole = cls()
        for part in parts:
            whole.add(part)
        return whole

    def add(self, part: "Sum") -> None:
        """Count these too."""
        self.violations += part.violations
        self.calls += part.calls
        self.told += part.told
        self.untold += part.untold
        self.recorded_s += part.recorded_s

    @property
    def empty(self) -> bool:
        """Whether nothing was tried: no pause that anybody was told of, or nothing recorded."""
        return not self.told or not self.recorded_s

    def __str__(self) -> str:
        return (
            f"calls {self.calls}, recorded {self.recorded_s:.0f} s, "
            f"pauses {self.told} told of and {self.untold} not confirmed"
        )


def play_beside(rounds: Sequence[Round], *, labs: int) -> Sum:
    """Play these rounds in so many labs, each in a process of its own."""
    shares = [share for place in range(labs) if (share := rounds[place::labs])]
    with ProcessPoolExecutor(labs, mp_context=multiprocessing.get_context("spawn")) as processes:
        return Sum.of(processes.map(play, shares))


def play(rounds: Sequence[Round]) -> Sum:
    """Play these rounds in one lab."""
    return asyncio.run(_play(rounds))


def _in_stereo_too(config: dict[str, Any]) -> None:
    """Each call has two recordings, one of them with two sides."""
    config["purposes"]["sides"] = config["purposes"]["every"] | {"channels": "stereo"}
    config["routes"][0]["purposes"].append("sides")


async def _play(rounds: Sequence[Round]) -> Sum:
    came_to = Sum()
    options = PbxOptions(dialplan=DIALPLAN)
    with World.running(shorten, record_every_call, _in_stereo_too, options=options, daemon=False) as world:
        async with Stage(world) as stage:
            for plan in rounds:
                await _round(stage, plan, came_to)
    return came_to


async def _round(stage: Stage, plan: Round, came_to: Sum) -> None:
    async with Phones.of(stage.world.phones) as phones:
        played = await stage.play(phones, plan)
    found = await asyncio.to_thread(judged, stage, played)
    told, untold = sum(len(s.silent) for s in played.speakers), sum(s.untold for s in played.speakers)
    seconds = recorded_s(stage, played)
    faults = " ".join(f"{blow.fault}({blow.lasts_s:.2f})" for blow in plan.blows)
    waited = "nobody passed" if played.waited_s is None else f"waited {played.waited_s:.1f} s"
    print(
        f"round {plan.number}: {len(played.speakers)} calls, {seconds:.0f} s, pauses {told} told {untold} not, "
        f"{waited}; {faults}",
        flush=True,
    )
    for violation in found:
        print(f"VIOLATION in round {plan.number}: {violation}\n  {plan}", flush=True)
    calls = len(played.speakers)
    came_to.add(Sum(violations=found, calls=calls, told=told, untold=untold, recorded_s=seconds))
