"""What a round does: calls with payments, and faults in between. Data made from a seed: a round can be played again."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random

FAULTS_IN_A_ROUND = 3


class Fault(StrEnum):
    """What is done to the daemon, to what it depends on, or to the wire between it and the PBX."""

    KILL_DAEMON = "kill-daemon"
    RESTART_DAEMON = "restart-daemon"
    FREEZE_DAEMON = "freeze-daemon"
    FREEZE_DATABASE = "freeze-database"
    KILL_DATABASE = "kill-database"
    CUT_WIRE = "cut-wire"
    SILENCE_WIRE = "silence-wire"
    BREAK_WIRE = "break-wire"


_LASTING = {
    Fault.KILL_DAEMON: (0.1, 3.0),
    Fault.RESTART_DAEMON: (0.0, 0.0),
    Fault.FREEZE_DAEMON: (0.05, 2.0),
    Fault.FREEZE_DATABASE: (0.05, 3.0),
    Fault.KILL_DATABASE: (0.1, 1.0),
    Fault.CUT_WIRE: (0.0, 0.0),
    Fault.SILENCE_WIRE: (0.2, 5.0),
    Fault.BREAK_WIRE: (0.2, 3.0),
}
"""Between how many and how many seconds each lasts; a daemon that is killed is started again after so long."""


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
    """A fault, ``after_s`` into the round."""

    fault: Fault
    after_s: float
    lasts_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """Callers who speak at once, each with their payment or none, and what happens meanwhile."""

    number: int
    payments: Sequence[Payment | None]
    blows: Sequence[Blow]
    talk_s: float


def planned(seed: int, number: int) -> Round:
    """The round of this number; the same again for the same seed."""
    dice = Random(f"{seed}:{number}")
    talk_s = dice.uniform(6.0, 9.0)
    payments = [_payment(dice) if dice.random() < 0.8 else None for _ in range(dice.randint(1, 3))]
    faults = [dice.choice(list(Fault)) for _ in range(dice.randint(1, FAULTS_IN_A_ROUND))]
    blows = []
    at = dice.uniform(0.5, 2.0)
    for fault in faults:
        lasts_s = dice.uniform(*_LASTING[fault])
        blows.append(Blow(fault=fault, after_s=at, lasts_s=lasts_s))
        at += lasts_s + dice.uniform(0.2, 2.0)
    return Round(number=number, payments=payments, blows=blows, talk_s=talk_s)


def _payment(dice: Random) -> Payment:
    return Payment(after_s=dice.uniform(0.5, 3.0), lasts_s=dice.uniform(1.0, 2.5), by=dice.choice(list(By)))
