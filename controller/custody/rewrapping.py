"""Wraps every key by the current master, a few at a time; no audio is touched, and nobody notices.

Where it ends in the middle it is begun again: what is wrapped already is left alone.
"""

from dataclasses import dataclass, field

from controller.custody.custody import Custody
from controller.db.wrapping import last_rewrapped_by, replace_keys, wrapped_by_others
from controller.domain.decision import Fact, Kind, Reason, Verdict
from controller.domain.records import WrappedKey
from controller.errors import SealBroken
from controller.store.keys import MasterKeys
from controller.threads import off_the_loop

AT_ONCE = 200

Change = tuple[str, WrappedKey, WrappedKey]
"""The name, the key as it was wrapped, and as it is to be."""


@dataclass(slots=True, kw_only=True)
class Rewrapped:
    """How many keys were wrapped anew, and whose key no master opens."""

    keys: int = 0
    unopened: list[str] = field(default_factory=list)


async def rewrap(custody: Custody, *, actor: str) -> Rewrapped:
    """Wrap anew what another master wraps. A decision says so, once nothing is left. Raises ``DatabaseError``."""
    done = Rewrapped()
    while await _pass(custody, done):
        done.unopened.clear()
    if not done.unopened and (done.keys or await _untold(custody)):
        facts: dict[str, Fact] = {"keys": done.keys, "master": custody.vault.masters.public}
        decision = custody.in_general(Kind.CONFIG, Verdict.APPLIED, Reason.KEYS_REWRAPPED, actor=actor, facts=facts)
        await custody.write([], decision)
    return done


async def _pass(custody: Custody, done: Rewrapped) -> int:
    """Go through all of them once, by name; how many were wrapped anew. A daemon may add some meanwhile."""
    masters, engine = custody.vault.masters, custody.engine
    count, after = 0, ""
    while some := await wrapped_by_others(engine, masters.public, after=after, limit=AT_ONCE):
        changes = await off_the_loop(_anew, masters, some, done.unopened)
        count += await replace_keys(engine, changes)
        after, _ = some[-1]
    done.keys += count
    return count


async def _untold(custody: Custody) -> bool:
    """Whether one that was killed has wrapped the last key and not said so."""
    masters = custody.vault.masters
    return len(masters.publics) > 1 and await last_rewrapped_by(custody.engine) != masters.public


def _anew(masters: MasterKeys, some: list[tuple[str, WrappedKey]], unopened: list[str]) -> list[Change]:
    changes = []
    for name, old in some:
        try:
            changes.append((name, old, masters.wrap(masters.unwrap(old))))
        except SealBroken:
            unopened.append(name)
    return changes
