"""Other proof of what was recorded as evidence: then the recording is not kept (CNIL, 25 April 2022)."""

from controller.custody.calls import alone_with
from controller.custody.custody import Custody
from controller.custody.destroying import destroy
from controller.db.holdings import Holding, holding
from controller.domain.decision import Reason
from controller.domain.policy import Basis
from controller.domain.records import StoredState
from controller.errors import NotForYou, ObjectGone
from controller.runtime.clock import now


async def proven_otherwise(custody: Custody, name: str, *, actor: str) -> None:
    """Destroy a stored recording that was to prove a contract, since something else does.

    Raises ``ObjectGone`` where there is none; ``NotForYou`` where it is no evidence, a legal hold stands, or
    its customer has had processing restricted; ``StoreError``, ``DatabaseError``.
    """
    found = await _stored(custody, name)
    async with alone_with(custody, found.call_id):
        found = await _stored(custody, name)
        purpose = custody.policy().purposes.get(found.purpose)
        if found.is_document or purpose is None or purpose.basis is not Basis.CONTRACT:
            raise NotForYou("it is no evidence of a contract, so other proof changes nothing")
        if found.held:
            raise NotForYou("a legal hold stands: nothing of the call is destroyed")
        if found.restricted:
            raise NotForYou("it is only stored: its customer has had processing restricted (GDPR art. 18)")
        await destroy(custody, found, Reason.OTHER_PROOF, actor=actor)


async def _stored(custody: Custody, name: str) -> Holding:
    found = await holding(custody.engine, name, at=now())
    if found is None or found.stored.state is not StoredState.STORED:
        raise ObjectGone("no such recording is stored")
    return found
