"""How long to wait before a connection is tried again. Owns the one rule that every reconnecting adapter follows."""

from typing import Final

FIRST_DELAY_S: Final = 0.1
LONGEST_DELAY_S: Final = 5.0


def back_off_s(attempt: int, sample: float, *, longest_s: float = LONGEST_DELAY_S) -> float:
    """Seconds to wait after so many failures: doubled each time, bounded, spread over its upper half.

    `attempt` counts from 0, `sample` is a number in [0, 1).
    """
    longest = min(longest_s, FIRST_DELAY_S * 2.0 ** min(attempt, 16))
    return longest * (0.5 + sample / 2)
