"""Until when a recording is kept, as it is stored: by the policy that it was made by, which its customer was told of.

What is changed later, by a new policy or by what came of the call, is not decided here.
"""

from contextlib import aclosing
from datetime import datetime

from controller.config.past import terms_of
from controller.custody.custody import Custody
from controller.db import intake
from controller.db.holdings import Holding
from controller.domain import retention
from controller.domain.retention import Terms


async def due_at(custody: Custody, holding: Holding) -> datetime | None:
    """When its time is over; None where no policy that ever was in force says anything of its purpose.

    By the policy of the decision that had it recorded. Where that says nothing of the purpose, by the present one;
    where that does not either, by whichever former one keeps longest: nothing is destroyed early for want of a text.
    Raises ``DatabaseAway``.
    """
    end = holding.ended_at or holding.started_at
    if end is None:
        return None
    found = await _terms(custody, holding)
    return max((terms.period(holding.outcome).after(end) for terms in found), default=None)


async def _terms(custody: Custody, holding: Holding) -> list[Terms]:
    policy = custody.policy()
    version = await intake.policy_of(custody.engine, holding.call_id, holding.purpose)
    if version is not None and version != policy.version:
        text = await intake.policy_text(custody.engine, version)
        terms = terms_of(text, holding.purpose) if text is not None else None
        if terms is not None:
            return [terms]
    purpose = policy.purposes.get(holding.purpose)
    if purpose is not None:
        return [retention.terms_of(purpose)]
    async with aclosing(intake.policy_texts(custody.engine)) as texts:
        return [terms async for text in texts if (terms := terms_of(text, holding.purpose)) is not None]
