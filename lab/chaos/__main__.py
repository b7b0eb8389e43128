"""``make chaos``: rounds of random calls and faults. Exits with 1 where anything that must hold did not."""

import argparse
import asyncio
import sys
from collections import Counter
from collections.abc import Sequence

from lab.chaos.judge import judged
from lab.chaos.plan import Round, planned
from lab.chaos.play import Stage
from lab.phones import Phones
from lab.world import World, record_every_call, shorten


def main(arguments: Sequence[str] | None = None) -> None:
    """Play as many rounds as the command line says; the last line sums up."""
    parser = argparse.ArgumentParser(prog="python -m lab.chaos", description="Random faults during random calls.")
    parser.add_argument("--rounds", type=int, default=20, help="how many rounds")
    parser.add_argument("--seed", type=int, default=1, help="what the rounds are made from")
    parser.add_argument("--first", type=int, default=0, help="the number of the first round, to play one again")
    chosen = parser.parse_args(arguments)
    print(f"seed {chosen.seed}", flush=True)
    rounds = [planned(chosen.seed, chosen.first + place) for place in range(chosen.rounds)]
    violations = asyncio.run(play(rounds))
    blows = Counter(blow.fault.value for round_ in rounds for blow in round_.blows)
    print(", ".join(f"{fault} {count}" for fault, count in sorted(blows.items())))
    print(f"rounds {len(rounds)}, faults {sum(blows.values())}, violations {len(violations)}")
    sys.exit(1 if violations else 0)


async def play(rounds: Sequence[Round]) -> list[str]:
    """Play these rounds in one lab; every violation, in words."""
    violations: list[str] = []
    with World.running(shorten, record_every_call, daemon=False) as world:
        async with Stage(world) as stage:
            for plan in rounds:
                found = await _round(stage, plan)
                for violation in found:
                    print(f"VIOLATION in round {plan.number}: {violation}\n  {plan}", flush=True)
                violations += found
    return violations


async def _round(stage: Stage, plan: Round) -> list[str]:
    async with Phones.of(stage.world.phones) as phones:
        speakers = await stage.play(phones, plan)
    found = await asyncio.to_thread(judged, stage, speakers)
    told, untold = sum(len(s.silent) for s in speakers), sum(s.untold for s in speakers)
    faults = " ".join(f"{blow.fault}({blow.lasts_s:.2f})" for blow in plan.blows)
    print(f"round {plan.number}: {len(speakers)} calls, pauses {told} told {untold} not; {faults}", flush=True)
    return found


if __name__ == "__main__":
    main()
