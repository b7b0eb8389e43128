"""The chain of decisions: each one's hash covers all that it says and the hash of the one before it.

Whoever changes, removes, inserts or reorders a decision breaks every hash after it. ``docs/reference/audit.md`` says
the form byte by byte, so that an auditor can recompute it with other tools.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

from controller.domain.decision import Decision, Fact

DECISION: Final = "recording-controller/decision/1"
CHECKPOINT: Final = "recording-controller/checkpoint/1"
_CANONICAL: Final = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_WRITTEN_OUT_FROM: Final = 1e16
"""PostgreSQL writes a number out that Python would write with an exponent from here on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The place of a decision in the chain of its writer: ``position`` counts from 1, ``hash`` has 32 bytes."""

    position: int
    hash: bytes


BEGINNING: Final = Link(position=0, hash=bytes(32))
"""What the first decision of a writer follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """A decision and its place."""

    decision: Decision
    link: Link


def chained(writer: str, head: Link, decisions: Iterable[Decision]) -> list[Linked]:
    """These decisions in their order, after ``head``."""
    linked = []
    for decision in decisions:
        head = Link(position=head.position + 1, hash=digest(writer, head, said(decision)))
        linked.append(Linked(decision=decision, link=head))
    return linked


Said = tuple[str | int | Mapping[str, Fact] | None, ...]
"""What ``said`` gives."""


def said(decision: Decision) -> Said:
    """What a decision says, in the order in which it is hashed; its moment in microseconds."""
    return (
        decision.token,
        microseconds(decision.at),
        decision.call_id,
        decision.pbx,
        decision.linkedid,
        str(decision.kind),
        str(decision.verdict),
        str(decision.reason),
        decision.rule,
        decision.purpose,
        decision.policy_version,
        decision.actor,
        decision.facts,
    )


def microseconds(at: datetime) -> int:
    """A moment as whole microseconds since 1970."""
    return (at - _EPOCH) // _MICROSECOND


def digest(writer: str, before: Link, content: Said) -> bytes:
    """The hash of the decision that follows ``before`` and says this."""
    *words, facts = content
    assert isinstance(facts, Mapping)  # noqa: S101 - tells mypy what stands last
    plain = {name: _plain(fact) for name, fact in facts.items()}
    return _sum([DECISION, writer, before.position + 1, before.hash.hex(), *words, plain])


def checkpoint(writer: str, head: Link, at: datetime, before: bytes) -> bytes:
    """What is signed: that the chain of a writer ended so at this moment; ``before`` is the signature before."""
    signed = sha256(before).hexdigest() if before else None
    return _canonical([CHECKPOINT, writer, head.position, head.hash.hex(), microseconds(at), signed])


def _plain(fact: Fact) -> Fact:
    """A number as PostgreSQL gives it back."""
    if isinstance(fact, float) and fact.is_integer() and abs(fact) >= _WRITTEN_OUT_FROM:
        return int(fact)
    return fact


def _sum(content: list[object]) -> bytes:
    return sha256(_canonical(content)).digest()


def _canonical(content: list[object]) -> bytes:
    return _CANONICAL.encode(content).encode(errors="surrogatepass")  # half a character is PostgreSQL's to refuse
