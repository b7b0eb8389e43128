"""What everything that happens to a stored recording needs: where it lies, where it is decided, and by which policy.

Every change of what is kept is written with its decision, or neither is.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncEngine

from controller.config.settings import Settings, Storage
from controller.custody.erasures import ERASURES, Erasures
from controller.db.holdings import Holding
from controller.domain.decision import NO_FACTS, Decision, Fact, Kind, Reason, Verdict
from controller.domain.policy import Policy
from controller.domain.records import ErasureRecord, LifeRecord
from controller.errors import ConfigurationError
from controller.runtime.clock import new_token, now
from controller.runtime.ports import Ledger
from controller.store.keys import MasterKeys, new_master_key
from controller.store.objects import ObjectStore
from controller.store.vault import Vault
from controller.threads import off_the_loop

__all__ = ["Custody", "Holding", "custody_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Custody:
    """Frozen: the parts are shared by all that work with stored recordings in this process.

    ``erasures`` is the list of what was destroyed that is kept outside the database.
    """

    engine: AsyncEngine
    ledger: Ledger
    vault: Vault
    erasures: Erasures
    policy: Callable[[], Policy]
    storage: Storage
    numbers_key: bytes = field(repr=False)
    country: str
    renderings: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))
    """How many recordings are encoded at a time."""
    locks: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))
    """How many calls one is alone with at a time: each takes a connection, and those inside need some, too."""

    async def write(self, records: Sequence[LifeRecord], *decisions: Decision) -> None:
        """Write changes with the decisions behind them. Raises ``DatabaseAway``, ``DatabaseRefused``.

        What is erased stands in the file of erasures first; where it cannot, nothing is written and nothing is
        destroyed: ``ErasureNotKept``.
        """
        erased = [record for record in records if isinstance(record, ErasureRecord)]
        if erased:
            await off_the_loop(self.erasures.append, erased)
        await self.ledger.write([*records, *decisions])

    def about(
        self,
        holding: Holding,
        kind: Kind,
        verdict: Verdict,
        reason: Reason,
        *,
        actor: str,
        rule: str | None = None,
        facts: Mapping[str, Fact] = NO_FACTS,
    ) -> Decision:
        """A decision about one recording; its facts name it."""
        return Decision(
            token=new_token("custody"),
            at=now(),
            call_id=holding.call_id,
            pbx=holding.pbx,
            linkedid=holding.linkedid or None,
            kind=kind,
            verdict=verdict,
            reason=reason,
            rule=rule if rule is not None else f"purposes.{holding.purpose}",
            purpose=holding.purpose,
            policy_version=self.policy().version,
            actor=actor,
            facts={"recording": holding.name, **facts},
        )

    def in_general(
        self,
        kind: Kind,
        verdict: Verdict,
        reason: Reason,
        *,
        actor: str,
        facts: Mapping[str, Fact] = NO_FACTS,
    ) -> Decision:
        """A decision about no one recording."""
        return Decision(
            token=new_token("custody"),
            at=now(),
            call_id=None,
            pbx="",
            linkedid=None,
            kind=kind,
            verdict=verdict,
            reason=reason,
            rule=None,
            purpose=None,
            policy_version=self.policy().version,
            actor=actor,
            facts=dict(facts),
        )


def custody_of(settings: Settings, engine: AsyncEngine, ledger: Ledger, policy: Callable[[], Policy]) -> Custody:
    """What a configuration has recordings kept by. Makes the master key where there is none.

    Raises ``ConfigurationError``, also where recordings stay on the PBX.
    """
    if settings.storage is None:
        raise ConfigurationError("storage: is not given, so recordings stay on the PBX")
    secrets = settings.secrets
    former = secrets.former_master_key()
    masters = MasterKeys.read(secrets.master_key(new_master_key).reveal(), former.reveal() if former else None)
    return Custody(
        engine=engine,
        ledger=ledger,
        vault=Vault(ObjectStore(settings.storage.url, settings.storage.options), masters),
        erasures=Erasures(settings.state_directory / ERASURES),
        policy=policy,
        storage=settings.storage,
        numbers_key=secrets.numbers_key(),
        country=settings.country,
    )
