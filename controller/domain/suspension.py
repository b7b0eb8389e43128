"""Why nothing may be recorded just now. A suspension belongs to the call, so it holds for all its recordings.

Reasons overlap: recording goes on only when none is left. None ends by itself (PCI: a pause must not end while
digits may still be spoken).
"""

from dataclasses import dataclass

from controller.domain.decision import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspension:
    """A pause that somebody asked for.

    The same ``cause`` from the same ``origin`` (an agent by whatever means, the dialplan) counts once, and the same
    two end it.
    """

    cause: Reason
    origin: str
    actor: str


Suspensions = tuple[Suspension, ...]


def suspended(suspensions: Suspensions, new: Suspension) -> Suspensions:
    """With one more; the one that stands already keeps its place."""
    return suspensions if _find(suspensions, new.cause, new.origin) else (*suspensions, new)


def released(suspensions: Suspensions, *, cause: Reason, origin: str) -> Suspensions:
    """With one less, where it stood."""
    found = _find(suspensions, cause, origin)
    return tuple(s for s in suspensions if s is not found)


def _find(suspensions: Suspensions, cause: Reason, origin: str) -> Suspension | None:
    return next((s for s in suspensions if s.cause is cause and s.origin == origin), None)
