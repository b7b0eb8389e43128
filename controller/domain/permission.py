"""Whether a call may be recorded for each of its purposes: asked once it is answered, or triggered."""

from collections.abc import Mapping
from dataclasses import replace

from controller.domain.call import Permission, Ticket, Track
from controller.domain.commands import Commit, CommitSampled, TellAgain
from controller.domain.consent import Heard, facts_of_prompt
from controller.domain.decision import NO_FACTS, Decision, Fact, Kind, Reason, Verdict
from controller.domain.events import DecisionCommitted, DecisionLost
from controller.domain.parties import PRIVATE, STAFF
from controller.domain.policy import Basis, Sampling, Start, StratumPart
from controller.domain.should import refusal
from controller.domain.turn import Turn

RETRY_S = 2.0
"""How long to wait before a resume whose decision could not be made durable is asked for again."""

_WITHOUT_SAMPLE = frozenset({Reason.LEGAL_OBLIGATION, Reason.EVERY_CALL, Reason.TRIGGER})
"""Why a call may be recorded, as far as the sample has no say."""


def answer(turn: Turn) -> None:
    """Somebody of the company and the customer can hear each other for the first time."""
    turn.change(answered_at=turn.at)
    call = turn.call
    private = next((reason for role, reason in PRIVATE.items() if call.has(role)), None)
    if call.excluded is not None:
        turn.store_call()
        return
    if private is not None:
        exclude(turn, private)
        return
    turn.change(agent=next(party.extension for party in call.parties if party.role in STAFF))
    turn.store_call()
    if not call.tracks:
        reason = Reason.NO_MATCHING_ROUTE if call.asked else Reason.NOT_ASKED
        turn.log(turn.decision(Kind.RECORD, Verdict.REFUSED, reason))
    for track in call.tracks:
        if track.purpose.start is Start.ON_ANSWER and track.permission is Permission.OPEN:
            _ask(turn, track, _reason_without_sample(track), actor="policy")


def exclude(turn: Turn, reason: Reason) -> None:
    """Nothing of this call is recorded, and what is written of it says only that (Cass. soc. 2004, n° 02-40.498)."""
    turn.change(excluded=reason, customer_hash=None, customer_sealed=None)
    turn.store_call()
    for track in turn.call.tracks:
        turn.put(replace(track, permission=Permission.REFUSED))
    turn.log(turn.decision(Kind.RECORD, Verdict.REFUSED, reason))


def trigger(turn: Turn, purpose: str | None, actor: str) -> None:
    """Somebody says that what the purpose is about begins now (CNIL: evidence only from that moment)."""
    for track in turn.call.tracks:
        waiting = track.purpose.start is Start.ON_TRIGGER and track.permission is Permission.OPEN
        if waiting and purpose in {None, track.purpose.name} and turn.call.answered_at is not None:
            _tell_again(turn, replace(track, trigger=actor))


def _tell_again(turn: Turn, track: Track) -> None:
    """Where the policy wants it, the customer hears first that a recording begins."""
    call, notice = turn.call, track.purpose.notice
    if notice is None or refusal(call, track.purpose) is not None:
        _ask(turn, track, Reason.TRIGGER, actor=track.trigger)
        return
    turn.put(replace(track, permission=Permission.TELLING))
    prompt = call.policy.prompt(notice, call.language)
    turn.do(TellAgain(channel=call.customer, purpose=track.purpose.name, prompt=prompt))


def told(turn: Turn, purpose: str, heard: Heard) -> None:
    """The customer has been told again, or not: then nothing begins, and somebody may trigger it once more."""
    for track in turn.call.tracks:
        if track.purpose.name != purpose or track.permission is not Permission.TELLING:
            continue
        facts = facts_of_prompt(heard, turn.call.language)
        if heard.whole:
            _ask(turn, track, Reason.TRIGGER, actor=track.trigger, notice=facts)
            continue
        turn.put(replace(track, permission=Permission.OPEN))
        reason, actor = Reason.ANNOUNCEMENT_INCOMPLETE, track.trigger
        turn.log(turn.decision(Kind.RECORD, Verdict.REFUSED, reason, purpose=purpose, actor=actor, facts=facts))


def committed(turn: Turn, event: DecisionCommitted) -> None:
    """A decision is durable: what waited for it may go on."""
    for track in turn.call.tracks:
        if track.asked == event.token:
            chosen = event.draw is None or event.draw.chosen
            permission = Permission.GRANTED if chosen else Permission.REFUSED
            ticket = Ticket(token=event.token, held=True) if chosen else None
            why = event.draw.reason if event.draw and track.why in _WITHOUT_SAMPLE else track.why
            turn.put(replace(track, permission=permission, why=why, asked=None, ticket=ticket))
        elif track.ticket is not None and track.ticket.token == event.token:
            turn.put(replace(track, ticket=replace(track.ticket, held=True)))


def lost(turn: Turn, event: DecisionLost) -> None:
    """A decision is not durable: no recording. A resume is tried again, a first start is not."""
    for track in turn.call.tracks:
        if track.asked == event.token:
            turn.put(replace(track, permission=Permission.REFUSED, why=Reason.DECISION_NOT_LOGGED, asked=None))
            refused = turn.decision(
                Kind.RECORD,
                Verdict.REFUSED,
                Reason.DECISION_NOT_LOGGED,
                purpose=track.purpose.name,
                actor="daemon",
            )
            turn.log(refused)
        elif track.ticket is not None and track.ticket.token == event.token:
            turn.put(replace(track, ticket=Ticket(token=turn.timer(RETRY_S), held=False)))


def _ask(turn: Turn, track: Track, reason: Reason, *, actor: str, notice: Mapping[str, Fact] = NO_FACTS) -> None:
    refused = refusal(turn.call, track.purpose)
    question = turn.decision(
        Kind.RECORD,
        Verdict.REFUSED if refused else Verdict.ALLOWED,
        refused or reason,
        purpose=track.purpose.name,
        actor=actor,
        facts={**_facts(turn, track), **{f"notice.{name}": fact for name, fact in notice.items()}},
    )
    sampling = track.purpose.sampling
    if refused and sampling is None:
        turn.log(question)
        turn.put(replace(track, permission=Permission.REFUSED, why=refused))
        return
    token = question.token
    turn.put(replace(track, permission=Permission.ASKED, why=question.reason, asked=token))
    if sampling is None:
        turn.do(Commit(token=token, decision=question))
    else:
        _draw(turn, track.purpose.name, sampling, question)


def _draw(turn: Turn, purpose: str, sampling: Sampling, question: Decision) -> None:
    turn.do(
        CommitSampled(
            token=question.token,
            question=question,
            purpose=purpose,
            stratum=_stratum(turn, sampling),
            sampling=sampling,
            eligible=question.verdict is Verdict.ALLOWED,
        )
    )


def _stratum(turn: Turn, sampling: Sampling) -> str:
    names = {StratumPart.QUEUE: turn.call.queue, StratumPart.AGENT: turn.call.agent}
    return ",".join(f"{part.value}={names[part]}" for part in sampling.strata)


def _facts(turn: Turn, track: Track) -> Mapping[str, Fact]:
    call = turn.call
    facts: dict[str, Fact] = {
        "direction": call.direction.value,
        "queue": call.queue,
        "agent": call.agent,
        "basis": track.purpose.basis.value,
        "consent": call.dialogue.answer.value if call.dialogue and call.dialogue.answer else None,
    }
    if track.purpose.sampling is not None:
        facts["stratum"] = _stratum(turn, track.purpose.sampling)
    return facts


def _reason_without_sample(track: Track) -> Reason:
    legal = track.purpose.basis is Basis.LEGAL_OBLIGATION
    return Reason.LEGAL_OBLIGATION if legal else Reason.EVERY_CALL
