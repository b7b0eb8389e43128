"""What is done about a call as a whole: alone with it, and with decisions that name it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace

from controller.custody.custody import Custody
from controller.db.locks import locked
from controller.db.on_file import CallOnFile, call_on_file
from controller.db.queries import recordings
from controller.domain.decision import NO_FACTS, Decision, Fact, Kind, Reason, Verdict
from controller.domain.names import CallId
from controller.domain.records import CallRecord
from controller.errors import RegisterRefused
from controller.faults import Code, Fault

NOT_ON_FILE = Fault(Code.CALL_UNKNOWN, "no such call is on file", of="call")


@asynccontextmanager
async def alone_with(custody: Custody, call_id: CallId) -> AsyncIterator[None]:
    """Nobody else destroys anything of the call, or decides how long it is kept, until the block ends.

    A legal hold is placed in here, and whoever destroys looks again in here: so nothing is destroyed that is held.
    Raises ``DatabaseAway``.
    """
    async with custody.locks, locked(custody.engine, f"call/{call_id}"):
        yield


async def known_call(custody: Custody, call_id: CallId) -> CallOnFile:
    """A call that there was. Raises ``RegisterRefused``, ``DatabaseAway``."""
    found = await call_on_file(custody.engine, call_id)
    if found is None:
        raise RegisterRefused(NOT_ON_FILE)
    return found


async def purposes_of(custody: Custody, call_id: CallId) -> frozenset[str]:
    """The purposes for which a call was recorded. Raises ``DatabaseAway``."""
    async with aclosing(recordings(custody.engine, call=call_id)) as found:
        return frozenset([one.recording.purpose async for one in found])


def about_call(
    custody: Custody,
    call: CallRecord | CallOnFile,
    kind: Kind,
    verdict: Verdict,
    reason: Reason,
    *,
    actor: str,
    purpose: str | None = None,
    facts: Mapping[str, Fact] = NO_FACTS,
) -> Decision:
    """A decision about a call, or about something of it that is not in the object store."""
    general = custody.in_general(kind, verdict, reason, actor=actor, facts=facts)
    return replace(general, call_id=call.id, pbx=call.pbx, linkedid=call.linkedid or None, purpose=purpose)
