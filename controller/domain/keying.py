"""What an agent has begun to dial in mid-call.

Remembers no digit that is not the beginning of one of the agent's own codes, and that for three seconds: what else
somebody types is nobody's business (PCI DSS 3.3.1).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

BETWEEN_DIGITS = timedelta(seconds=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyed:
    """A beginning of a code, and when its last digit came."""

    digits: str
    at: datetime


def press(keyed: Keyed | None, digit: str, at: datetime, codes: tuple[str, ...]) -> tuple[Keyed | None, str | None]:
    """One more digit. Returns what to remember, and the code that it completes, if any."""
    fresh = keyed is not None and at - keyed.at <= BETWEEN_DIGITS
    typed = (keyed.digits if keyed and fresh else "") + digit
    for ending in (typed[start:] for start in range(len(typed))):
        if ending in codes:
            return None, ending
        if any(code.startswith(ending) for code in codes):
            return Keyed(digits=ending, at=at), None
    return None, None
