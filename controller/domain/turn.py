"""A step of a call in the making: the call as changed so far, and the commands so far."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from controller.domain.call import Call, Track
from controller.domain.commands import Command, Log, SetTimer, Store
from controller.domain.decision import NO_FACTS, Decision, Fact, Kind, Reason, Verdict
from controller.domain.names import Token
from controller.domain.records import CallRecord

_NAMES = tuple(one.name for one in fields(Call))
_FACTS = attrgetter(*_NAMES)


@dataclass(slots=True)
class Turn:
    """Built for one event, read by ``advance``, then thrown away: the only thing here that changes in place."""

    call: Call
    at: datetime
    late: timedelta = timedelta()
    """How long after it happened this event was read."""
    commands: list[Command] = field(default_factory=list)

    def change(self, **facts: Any) -> None:  # noqa: ANN401 - whatever Call's own fields are
        """Replace some facts of the call, all the time: ``dataclasses.replace`` takes twice as long."""
        self.call = Call(**{**dict(zip(_NAMES, _FACTS(self.call), strict=True)), **facts})

    def put(self, track: Track) -> None:
        """Replace the track for the same purpose."""
        self.change(tracks=tuple(track if t.purpose is track.purpose else t for t in self.call.tracks))

    def do(self, command: Command) -> None:
        """Command something."""
        self.commands.append(command)

    def token(self) -> Token:
        """A token that this call has not used yet, whoever kept it before."""
        self.change(tokens=self.call.tokens + 1)
        keeper = f"{self.call.keeper}:" if self.call.keeper else ""
        return Token(f"{self.call.id}:{keeper}{self.call.tokens}")

    def timer(self, seconds: float) -> Token:
        """Set a timer; its token."""
        token = self.token()
        self.do(SetTimer(token=token, seconds=seconds))
        return token

    def decision(
        self,
        kind: Kind,
        verdict: Verdict,
        reason: Reason,
        *,
        purpose: str | None = None,
        actor: str = "policy",
        facts: Mapping[str, Fact] = NO_FACTS,
    ) -> Decision:
        """A decision about this call, taken now.

        What is written of an excluded call names nobody (Cass. soc. 2004, n° 02-40.498). Nor does a decision about
        consent, which is taken before anybody knows who will answer: the row of its call says which call it was.
        """
        token, call = self.token(), self.call
        neutral = call.excluded is not None
        return Decision(
            token=token,
            at=self.at,
            call_id=call.id,
            pbx=call.pbx,
            linkedid=None if neutral or kind is Kind.CONSENT else call.linkedid,
            kind=kind,
            verdict=verdict,
            reason=reason,
            rule=f"routes.{call.route.name}" if call.route and not neutral else None,
            purpose=purpose,
            policy_version=call.policy.version,
            actor=actor.partition(":")[0] if neutral else actor,
            facts=facts,
        )

    def log(self, decision: Decision) -> None:
        """Write down a decision that nothing waits for."""
        self.do(Log(decision=decision))

    def store_call(self) -> None:
        """Keep what is known of the call now; of an excluded call, only that there was one."""
        call = self.call
        record = CallRecord(
            id=call.id,
            pbx=call.pbx,
            linkedid=call.linkedid,
            direction=call.direction,
            queue=call.queue,
            language=call.language,
            route=call.route.name if call.route else None,
            agent=call.agent,
            customer_hash=call.customer_hash,
            customer_sealed=call.customer_sealed,
            started_at=call.began_at,
            answered_at=call.answered_at,
            ended_at=call.ended_at,
        )
        if call.excluded is not None:
            record = replace(
                record, linkedid="", queue="", route=None, agent=None, customer_hash=None, customer_sealed=None
            )
        self.do(Store(record=record))
