"""``make chaos``: rounds of random calls and faults. Exits with 1 where anything that must hold did not."""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence

from lab.chaos.plan import planned
from lab.chaos.rounds import play_beside


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
    came_to = play_beside(rounds, labs=chosen.labs)
    blows = Counter(blow.fault.value for round_ in rounds for blow in round_.blows)
    print(", ".join(f"{fault} {count}" for fault, count in sorted(blows.items())))
    print(came_to)
    print(f"rounds {len(rounds)}, faults {sum(blows.values())}, violations {len(came_to.violations)}")
    sys.exit(1 if came_to.violations or came_to.empty else 0)


if __name__ == "__main__":
    main()
