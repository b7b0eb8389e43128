"""Why nothing may be recorded just now. A suspension belongs to the call, so it holds for all its recordings.

Reasons overlap: recording goes on only when none is left. None ends by itself (PCI: a pause must not end while
digits may still be spoken).
"""

from dataclasses import dataclass

from controller.domain.decision import Reason
from controller.domain.names import ChannelId


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspension:
    """A pause that somebody asked for.

    The same ``cause`` from the same ``origin`` (an agent by whatever means, the dialplan) counts once for each
    ``actor``, and for each ``leg`` in whose dialplan it was asked for. Whoever has asked ends their own; whoever has
    not may end somebody else's, as after a transfer.
    """

    cause: Reason
    origin: str
    actor: str
    leg: ChannelId | None = None


Suspensions = tuple[Suspension, ...]


def suspended(suspensions: Suspensions, new: Suspension) -> Suspensions:
    """With one more; the one that stands already keeps its place."""
    return suspensions if new in suspensions else (*suspensions, new)


def released(suspensions: Suspensions, over: Suspension) -> Suspensions:
    """With one less, where it stood."""
    found = [s for s in suspensions if s.cause is over.cause and s.origin == over.origin]
    ended = over if over in found else next(iter(found), None)
    return tuple(s for s in suspensions if s != ended)
