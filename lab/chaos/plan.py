"""What a round does: calls with payments, and faults in between. Data made from a seed: a round can be played again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random

FAULTS_IN_A_ROUND = 3


class Fault(StrEnum):
    """What is done to the daemon, to what it depends on, to the PBX, or to the wire between the two."""

    KILL_DAEMON = "kill-daemon"
    RESTART_DAEMON = "restart-daemon"
    FREEZE_DAEMON = "freeze-daemon"
    FREEZE_DATABASE = "freeze-database"
    KILL_DATABASE = "kill-database"
    FREEZE_PBX = "freeze-pbx"
    KILL_PBX = "kill-pbx"
    CUT_WIRE = "cut-wire"
    SILENCE_WIRE = "silence-wire"
    BREAK_WIRE = "break-wire"
    SLOW_WIRE = "slow-wire"
    FILL_DISK = "fill-disk"
    JUMP_CLOCK = "jump-clock"


_LASTING: Mapping[Fault, tuple[float, float]] = {
    Fault.KILL_DAEMON: (0.1, 12.0),
    Fault.RESTART_DAEMON: (0.0, 0.0),
    Fault.FREEZE_DAEMON: (0.05, 2.0),
    Fault.FREEZE_DATABASE: (0.05, 3.0),
    Fault.KILL_DATABASE: (0.1, 1.0),
    Fault.FREEZE_PBX: (0.05, 2.0),
    Fault.KILL_PBX: (0.1, 1.0),
    Fault.CUT_WIRE: (0.0, 0.0),
    Fault.SILENCE_WIRE: (0.2, 5.0),
    Fault.BREAK_WIRE: (0.2, 3.0),
    Fault.SLOW_WIRE: (0.3, 3.0),
    Fault.FILL_DISK: (0.3, 3.0),
    Fault.JUMP_CLOCK: (0.1, 2.0),
}
"""Between how many and how many seconds each lasts; what is killed is started again after so long."""

_SELDOM = frozenset({Fault.KILL_PBX})
"""They end every call of a round, so that nothing else happens in it: a third as often as the others."""

LATE_S = (0.02, 0.06, 0.12, 0.4)
"""How late each piece of what a slow wire carries may come."""
JUMPS_S = (-7200.0, -30.0, -1.0, 1.0, 45.0, 7200.0)
"""How far the wall clock may jump."""


class By(StrEnum):
    """How a payment is told to the daemon."""

    KEYS = "keys"
    API = "api"


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """A pause that somebody asks for ``after_s`` into the conversation, and its end ``lasts_s`` later."""

    after_s: float
    lasts_s: float
    by: By


@dataclass(frozen=True, slots=True, kw_only=True)
class Blow:
    """A fault, ``after_s`` into the round; ``by_s`` is how late a slow wire is, or how far the clock jumps."""

    fault: Fault
    after_s: float
    lasts_s: float
    by_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """Callers who speak at once, each with their payment or none, and what happens meanwhile.

    ``passing_s`` is when somebody more calls, and is asked, while it does.
    """

    number: int
    payments: Sequence[Payment | None]
    blows: Sequence[Blow]
    talk_s: float
    passing_s: float


def planned(seed: int, number: int) -> Round:
    """The round of this number; the same again for the same seed."""
    dice = Random(f"{seed}:{number}")
    talk_s = dice.uniform(6.0, 9.0)
    payments = [_payment(dice) if dice.random() < 0.8 else None for _ in range(dice.randint(1, 3))]
    weights = [1 if fault in _SELDOM else 3 for fault in Fault]
    faults = dice.choices(list(Fault), weights, k=dice.randint(1, FAULTS_IN_A_ROUND))
    blows = []
    at = dice.uniform(0.5, 2.0)
    for fault in faults:
        blow = Blow(fault=fault, after_s=at, lasts_s=dice.uniform(*_LASTING[fault]), by_s=_by(dice, fault))
        blows.append(blow)
        at += blow.lasts_s + dice.uniform(0.2, 2.0)
        if blow.fault is Fault.KILL_DAEMON:  # so long that nobody's hanging up ends what must end by itself
            talk_s = max(talk_s, at)
    passing_s = dice.uniform(0.0, blows[0].after_s + blows[0].lasts_s)
    return Round(number=number, payments=payments, blows=blows, talk_s=talk_s, passing_s=passing_s)


def _payment(dice: Random) -> Payment:
    return Payment(after_s=dice.uniform(0.5, 3.0), lasts_s=dice.uniform(1.0, 2.5), by=dice.choice(list(By)))


def _by(dice: Random, fault: Fault) -> float:
    match fault:
        case Fault.SLOW_WIRE:
            return dice.choice(LATE_S)
        case Fault.JUMP_CLOCK:
            return dice.choice(JUMPS_S)
        case _:
            return 0.0
