"""``make chaos``: rounds of random calls and faults. Exits with 1 where anything that must hold did not."""

import argparse
import asyncio
import multiprocessing
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Self

from lab.chaos.judge import judged, recorded_s
from lab.chaos.plan import Round, planned
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


def main(arguments: Sequence[str] | None = None) -> None:
    """Play as many rounds as the command line says; the last line sums up."""
    parser = argparse.ArgumentParser(prog="python -m lab.chaos", description="Random faults during random calls.")
    parser.add_argument("--rounds", type=int, default=20, help="how many rounds")
    parser.add_argument("--seed", type=int, default=1, help="what the rounds are made from")
    parser.add_argument("--first", type=int, default=0, help="the number of the first round, to play one again")
    parser.add_argument("--labs", type=int, default=1, help="in how many labs rounds are played at the same time")
    chosen = parser.parse_args(arguments)
    print(f"seed {chosen.seed}", flush=True)
    rounds = [planned(chosen.seed, chosen.first + place) for place in range(chosen.rounds)]
    came_to = Sum.of(_beside(rounds, chosen.labs))
    blows = Counter(blow.fault.value for round_ in rounds for blow in round_.blows)
    print(", ".join(f"{fault} {count}" for fault, count in sorted(blows.items())))
    print(came_to)
    print(f"rounds {len(rounds)}, faults {sum(blows.values())}, violations {len(came_to.violations)}")
    sys.exit(1 if came_to.violations or came_to.empty else 0)


def _in_stereo_too(config: dict[str, Any]) -> None:
    """Each call has two recordings, one of them with two sides."""
    config["purposes"]["sides"] = config["purposes"]["every"] | {"channels": "stereo"}
    config["routes"][0]["purposes"].append("sides")


def _beside(rounds: Sequence[Round], labs: int) -> list[Sum]:
    """Play these rounds in so many labs, each in a process of its own."""
    shares = [share for place in range(labs) if (share := rounds[place::labs])]
    with ProcessPoolExecutor(labs, mp_context=multiprocessing.get_context("spawn")) as processes:
        return list(processes.map(_played, shares))


def _played(rounds: Sequence[Round]) -> Sum:
    return asyncio.run(play(rounds))


async def play(rounds: Sequence[Round]) -> Sum:
    """Play these rounds in one lab."""
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


if __name__ == "__main__":
    main()
