"""Changes in the registers, made by people: each is written with its decision, or neither is.

For the command line and the HTTP API. What a caller or an agent does in a call is the core's business.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from controller.domain.decision import Decision, Fact, Kind, Reason, Verdict
from controller.domain.policy import Policy
from controller.domain.records import EVERY_PURPOSE, NoticeRecord, ObjectionRecord
from controller.errors import RegisterRefused
from controller.faults import NO_NUMBER, Code, Fault
from controller.numbers import hashed
from controller.runtime.clock import new_token, now
from controller.runtime.ports import Entry, Ledger, RegisterBook

AT_ONCE = 100
"""How many notices are written in one transaction: whatever else is to be written waits for it, and so does a call."""

Told = Callable[[], Awaitable[None]]
"""Called when the notice register has changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """How many notices were new, had another day before, or stood there already."""

    added: int
    corrected: int
    unchanged: int


async def _nobody_waits() -> None:
    return


class Registration:
    """Both registers, for people.

    ``numbers_key`` and ``country`` are those by which the daemon hashes and reads numbers. Every method raises
    ``DatabaseAway``, and ``RegisterRefused`` where it is asked for something that cannot be.
    """

    def __init__(
        self,
        *,
        ledger: Ledger,
        book: RegisterBook,
        policy: Callable[[], Policy],
        numbers_key: bytes,
        country: str,
        notices_changed: Told = _nobody_waits,
    ) -> None:
        self._ledger = ledger
        self._book = book
        self._policy = policy
        self._numbers_key = numbers_key
        self._country = country
        self._notices_changed = notices_changed

    async def notices(self) -> list[NoticeRecord]:
        """Who has been informed, by version and agent."""
        return await self._book.notices()

    async def notices_before(self, before: datetime | None, id_: str, *, limit: int) -> list[NoticeRecord]:
        """Who has been informed, the newest first; see ``RegisterBook``."""
        return await self._book.notices_before(before.date() if before else None, id_, limit=limit)

    async def informed(self) -> int:
        """How many agents have been informed by the notice that is in force."""
        return len(await self._book.informed(self.notice))

    @property
    def notice(self) -> str:
        """The version of the notice that is in force: who was informed by another does not count."""
        return self._policy().notice

    async def import_notices(self, notices: Sequence[NoticeRecord], *, actor: str) -> Imported:
        """Put notices on file, ``AT_ONCE`` at a time; what stands there already is left alone.

        Where the database goes away in the middle, what was written until then stays, and is left alone the next time.
        """
        added = corrected = 0
        try:
            for begin in range(0, len(notices), AT_ONCE):
                some = notices[begin : begin + AT_ONCE]
                known = _days(await self._book.notices({notice.agent for notice in some}))
                changes = [notice for notice in some if known.get((notice.agent, notice.version)) != notice.informed_at]
                there = sum((notice.agent, notice.version) in known for notice in changes)
                await self._write_notices(changes, known, reason=Reason.AGENT_INFORMED, actor=actor)
                added, corrected = added + len(changes) - there, corrected + there
        finally:
            if added or corrected:
                await self._notices_changed()
        return Imported(added=added, corrected=corrected, unchanged=len(notices) - added - corrected)

    async def withdraw_notices(self, agent: str, version: str | None, *, actor: str) -> list[NoticeRecord]:
        """Say that an agent was not informed after all, or that the extension is somebody else's now.

        ``version`` None: of no version. Returns what stood there.
        """
        found = [notice for notice in await self._book.notices({agent}) if version in {None, notice.version}]
        known = _days(found)
        changes = [replace(notice, informed_at=None) for notice in found]
        await self._write_notices(changes, known, reason=Reason.NOTICE_WITHDRAWN, actor=actor)
        if changes:
            await self._notices_changed()
        return found

    async def objections(self) -> list[ObjectionRecord]:
        """Objections that hold now, the oldest first."""
        return await self._book.objections_on_file()

    async def objections_before(
        self, before: datetime | None, id_: str, *, scopes: Collection[str] | None, limit: int
    ) -> list[ObjectionRecord]:
        """Those to these scopes (None: to all), the newest first; see ``RegisterBook``."""
        return await self._book.objections_before(before, id_, scopes=scopes, limit=limit)

    def customer(self, number: str) -> bytes:
        """What stands for a customer's number."""
        found = hashed(number, country=self._country, key=self._numbers_key)
        if found is None:
            raise RegisterRefused(NO_NUMBER)
        return found

    @property
    def refusable(self) -> list[str]:
        """The purposes that may be refused."""
        return [name for name, known in self._policy().purposes.items() if known.may_be_refused]

    async def add_objection(
        self, number: str, purpose: str | None, until: datetime | None, *, actor: str
    ) -> ObjectionRecord:
        """Note that a customer objects to a purpose (None: to every one), outside a call.

        ``until`` None: as long as the policy remembers objections.
        """
        policy, at = self._policy(), now()
        if purpose is not None and purpose not in self.refusable:
            choice = ", ".join(self.refusable)
            words = f"must be one that may be refused: {choice}"
            raise RegisterRefused(Fault(Code.NOT_REFUSABLE, words, of="purpose", choice=choice))
        if until is not None and until <= at:
            raise RegisterRefused(Fault(Code.PAST, "must lie in the future", of="until"))
        objection = ObjectionRecord(
            customer_hash=self.customer(number),
            scope=purpose or EVERY_PURPOSE,
            at=at,
            until=until or policy.objections.remember.after(at),
        )
        decision = self._about(objection, at, Verdict.REFUSED, Reason.OBJECTION_ADDED, actor)
        await self._ledger.write([objection, decision])
        return objection

    async def end_objections(self, customer: bytes, purpose: str | None, *, actor: str) -> list[ObjectionRecord]:
        """End what a customer objects to: for one purpose, or (None) altogether. Returns what held until then."""
        found = [o for o in await self._book.objections_on_file(customer) if purpose in {None, o.scope}]
        entries: list[Entry] = []
        for objection in found:
            # Of two the later one wins, so this must not seem earlier, whatever the clock of another daemon says.
            at = max(now(), objection.at)
            entries.append(replace(objection, at=at, until=at))
            entries.append(self._about(objection, at, Verdict.APPLIED, Reason.OBJECTION_ENDED, actor))
        await self._ledger.write(entries)
        return found

    async def _write_notices(
        self,
        changes: Sequence[NoticeRecord],
        known: dict[tuple[str, str], date | None],
        *,
        reason: Reason,
        actor: str,
    ) -> None:
        if not changes:
            return
        entries: list[Entry] = []
        for notice in changes:
            before = known.get((notice.agent, notice.version))
            facts: dict[str, Fact] = {"agent": notice.agent, "version": notice.version}
            facts |= {"informed_at": _day(notice.informed_at), "informed_at_before": _day(before)}
            entries += [notice, self._decision(now(), Kind.CONFIG, Verdict.APPLIED, reason, actor, facts=facts)]
        await self._ledger.write(entries)

    def _about(
        self, objection: ObjectionRecord, at: datetime, verdict: Verdict, reason: Reason, actor: str
    ) -> Decision:
        """The decision about an objection names no customer: it outlives what is known of them."""
        purpose = None if objection.scope == EVERY_PURPOSE else objection.scope
        facts: dict[str, Fact] = {
            "scope": objection.scope,
            "raised_at": objection.at.isoformat(timespec="milliseconds"),
            "until": objection.until.isoformat(timespec="milliseconds"),
        }
        return self._decision(at, Kind.CONSENT, verdict, reason, actor, purpose=purpose, facts=facts)

    def _decision(
        self,
        at: datetime,
        kind: Kind,
        verdict: Verdict,
        reason: Reason,
        actor: str,
        *,
        facts: dict[str, Fact],
        purpose: str | None = None,
    ) -> Decision:
        return Decision(
            token=new_token("register"),
            at=at,
            call_id=None,
            pbx="",
            linkedid=None,
            kind=kind,
            verdict=verdict,
            reason=reason,
            rule=None,
            purpose=purpose,
            policy_version=self._policy().version,
            actor=actor,
            facts=facts,
        )


def _days(notices: Iterable[NoticeRecord]) -> dict[tuple[str, str], date | None]:
    return {(notice.agent, notice.version): notice.informed_at for notice in notices}


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None
