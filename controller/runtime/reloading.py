"""A new policy while the daemon runs: read from the file again, kept, and put in force for the calls that begin then.

A faulty file changes nothing. Calls under way keep the policy that they began with. What is no policy (PBXs, ports,
the database) takes effect at the next start, and it is said so.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import Final, Protocol

import structlog

from controller.config import ConfigurationFaults, Settings, load
from controller.domain.decision import Decision, Kind, Reason, Verdict
from controller.domain.policy import Policy
from controller.errors import PbxError
from controller.runtime.clock import new_token, now
from controller.runtime.writer import Writer

AT_THE_NEXT_START: Final = {
    "pbxs": "pbxs",
    "fastagi": "fastagi",
    "http": "http",
    "http.openid_connect": "openid_connect",
    "http.embedded_by": "embedded_by",
    "mqtt": "mqtt",
    "webhooks": "webhooks",
    "limits": "most_calls",
    "journal": "most_journal_bytes",
    "audit": "sign_every_s",
    "database": "database",
    "storage": "storage",
    "state_directory": "state_directory",
    "secrets_directory": "secrets.directory",
    "country": "country",
    "data_controller": "data_controller",
    "on_shutdown": "on_shutdown",
}
"""The settings that a daemon that runs does not change, as the file and as ``Settings`` name them."""

Keep = Callable[[Settings], Awaitable[None]]
"""Keeps the text of a policy, that decisions name by its version. Raises ``DatabaseError``."""

InForce = Callable[[], Awaitable[None]]
"""Called once a new policy is in force."""

_log = structlog.get_logger(__name__)


class DecidesByPolicy(Protocol):
    """What is needed of a PBX."""

    name: str

    async def decide_by(self, policy: Policy) -> None:
        """Decide by this policy from now on. Raises PbxError where the PBX cannot be told."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Reloaded:
    """What came of it: the policy in force, the one before, and which settings of the file wait for the next start."""

    version: str
    former: str
    at_the_next_start: tuple[str, ...]


class Reloading:
    """The settings in force. One reload after the other."""

    def __init__(
        self,
        settings: Settings,
        *,
        links: Callable[[], Iterable[DecidesByPolicy]],
        writer: Writer,
        keep: Keep,
        in_force: InForce,
    ) -> None:
        self.settings = settings
        """Those of the file as it was read last."""
        self._began_with = settings
        self._links = links
        self._writer = writer
        self._keep = keep
        self._in_force = in_force
        self._one = asyncio.Lock()

    async def reload(self, *, actor: str) -> Reloaded:
        """Read the file again.

        Raises ``ConfigurationFaults`` or ``DatabaseError``: then nothing has changed.
        """
        async with self._one:
            try:
                settings = await asyncio.to_thread(load, self.settings.file)
            except ConfigurationFaults as error:
                self._log(Verdict.REFUSED, Reason.POLICY_FAULTY, actor, {"faults": len(error.faults)})
                raise
            former = self.settings
            # A sound may be another one though the file is the same.
            changed = settings.policy != former.policy
            if changed:
                await self._keep(settings)
                await self._put_in_force(settings)
                self._log(Verdict.APPLIED, Reason.POLICY_LOADED, actor, {"former": former.policy.version})
            waiting = tuple(name for name, of in AT_THE_NEXT_START.items() if self._waits(attrgetter(of), settings))
            return Reloaded(version=settings.policy.version, former=former.policy.version, at_the_next_start=waiting)

    def _waits(self, of: Callable[[Settings], object], settings: Settings) -> bool:
        return of(settings) != of(self._began_with)

    async def _put_in_force(self, settings: Settings) -> None:
        self.settings = settings
        for link in self._links():
            try:
                await link.decide_by(settings.policy)
            except PbxError as error:  # the events that it wants are asked for again with the next connection
                _log.warning("reload.pbx_not_told", pbx=link.name, reason=type(error).__name__)
        await self._in_force()

    def _log(self, verdict: Verdict, reason: Reason, actor: str, facts: dict[str, str | int]) -> None:
        decision = Decision(
            token=new_token("config"),
            at=now(),
            call_id=None,
            pbx="",
            linkedid=None,
            kind=Kind.CONFIG,
            verdict=verdict,
            reason=reason,
            rule=None,
            purpose=None,
            policy_version=self.settings.policy.version,
            actor=actor,
            facts=facts,
        )
        self._writer.log(decision)
