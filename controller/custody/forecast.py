"""How much of what is stored comes to its end when, as it stands now."""

from controller.custody.custody import Custody
from controller.db.ends import Ends, ends
from controller.runtime.clock import now

__all__ = ["Ends", "forecast"]


async def forecast(custody: Custody) -> list[Ends]:
    """By when and purpose, what is due first. Raises ``DatabaseAway``."""
    return await ends(custody.engine, at=now())
