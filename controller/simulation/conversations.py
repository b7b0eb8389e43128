"""From the legs of a call log to conversations between a customer and somebody of the company.

What a call log does not say is taken from the dialplan's habits, which are options: docs/reference/command-line.md
has every rule.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase

from controller.domain.names import ChannelId
from controller.domain.parties import STAFF, is_machinery, party
from controller.domain.policy import Asked, Direction, Policy
from controller.numbers import canonical, spellings
from controller.simulation.call_log import Leg


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """What the call log does not say. ``inbound`` are patterns of contexts, ``queues`` the queue of a context.

    Without ``inbound`` a call comes from outside unless its first channel is one of the company's. ``country`` tells
    how national numbers are read.
    """

    country: str
    inbound: tuple[str, ...] = ()
    queues: dict[str, str] = field(default_factory=dict)
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A customer and the first channel of the company that answered. ``number`` is the customer's, in one spelling."""

    line: int
    call: str
    asked: Asked
    number: str
    company: str
    start: datetime
    answer: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Unplayed:
    """A call of which nothing is decided, and why: nobody answered, or no customer took part."""

    line: int
    call: str
    why: str


UNANSWERED, INTERNAL = "unanswered", "internal"


def conversations(legs: Iterable[Leg], policy: Policy, habits: Habits) -> list[Conversation | Unplayed]:
    """Every call of a log, in the order in which they were answered; those that were not where they began."""
    calls: dict[str, list[Leg]] = {}
    behind: dict[str, str] = {}
    for leg in legs:
        if is_machinery(leg.channel):
            behind[leg.channel] = leg.other_channel
        else:
            calls.setdefault(leg.call, []).append(leg)
    found = [_conversation(of_call, behind, policy, habits) for of_call in calls.values()]
    return [one for _, one in sorted(found, key=lambda pair: pair[0])]


def _conversation(
    legs: list[Leg], behind: dict[str, str], policy: Policy, habits: Habits
) -> tuple[datetime, Conversation | Unplayed]:
    first = min(legs, key=lambda leg: (leg.start, leg.line))
    talks = sorted(_talks(legs), key=lambda pair: (pair[0], pair[1].line))
    if not talks:
        return first.start, Unplayed(line=first.line, call=first.call, why=UNANSWERED)
    answer, leg = talks[0]
    other = _person(leg.other_channel, behind)
    inbound = _comes_in(leg, policy, habits)
    company, customer = (other, leg.channel) if inbound else (leg.channel, other)
    if _of_company(customer, policy):
        return answer, Unplayed(line=leg.line, call=leg.call, why=INTERNAL)
    number = leg.source if inbound else leg.destination
    asked = Asked(
        direction=Direction.INBOUND if inbound else Direction.OUTBOUND,
        queue=_queue(leg, habits),
        language=habits.language,
        called=spellings(leg.destination, habits.country),
        calling=spellings(leg.source, habits.country),
        context=leg.context,
    )
    return answer, Conversation(
        line=leg.line,
        call=leg.call,
        asked=asked,
        number=canonical(number, habits.country),
        company=company,
        start=first.start,
        answer=answer,
        end=max(one.end for one in legs),
    )


def _talks(legs: Iterable[Leg]) -> Iterator[tuple[datetime, Leg]]:
    """The legs in which two channels talked, and since when."""
    for leg in legs:
        if leg.answer is not None and leg.other_channel:
            yield leg.answer, leg


def _comes_in(leg: Leg, policy: Policy, habits: Habits) -> bool:
    if habits.inbound:
        return any(fnmatchcase(leg.context, pattern) for pattern in habits.inbound)
    return not _of_company(leg.channel, policy)


def _of_company(channel: str, policy: Policy) -> bool:
    return party(ChannelId(channel), channel, policy).role in STAFF


def _person(channel: str, behind: dict[str, str]) -> str:
    """The channel itself, or the one that a ``Local`` channel leads to by its other half."""
    seen: set[str] = set()
    while channel.endswith(";1") and channel not in seen:
        seen.add(channel)
        channel = behind.get(f"{channel.removesuffix(';1')};2", channel)
    return channel


def _queue(leg: Leg, habits: Habits) -> str:
    """The name of ``Queue(NAME,...)``; else what the options say of the context, or the context itself."""
    if leg.application == "Queue":
        return leg.arguments.replace("|", ",").partition(",")[0]
    return habits.queues.get(leg.context, leg.context)
