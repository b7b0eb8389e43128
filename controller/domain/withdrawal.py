"""Why a purpose is not recorded any more in a call, and what becomes of what was recorded.

An objection takes back what exists (GDPR art. 17(1)(c), 21), and so does a private call; a mere stop keeps it. What is
to be discarded is written down as such at once, so that it stays so whatever becomes of this daemon; deleted on the
PBX once Asterisk has closed the file; and logged once it is gone.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from controller.domain import keeping
from controller.domain.call import Call, Permission, Track, Withdrawal
from controller.domain.commands import Discard, Quarantine, Store
from controller.domain.decision import Kind, Reason, Verdict
from controller.domain.events import Discarded, PrivateRequested, ProofExists, Quarantined, StopRequested
from controller.domain.permission import exclude
from controller.domain.policy import Basis, ConsentMode, ObjectionScope, Purpose, Start
from controller.domain.records import EVERY_PURPOSE, ObjectionRecord, RecordingRecord, RecordingState
from controller.domain.turn import Turn


def stop(turn: Turn, event: StopRequested) -> None:
    """What was recorded is kept."""
    withdrawal = Withdrawal(reason=Reason.AGENT_REQUEST, actor=event.actor)
    _withdraw(turn, withdrawal, lambda track: event.purpose in {None, track.purpose.name})


def proven(turn: Turn, event: ProofExists) -> None:
    """Evidence is not kept where there is other proof, for instance a written confirmation (CNIL, 25 April 2022)."""
    withdrawal = Withdrawal(reason=Reason.OTHER_PROOF, actor=event.actor, discard=True)
    _withdraw(
        turn,
        withdrawal,
        lambda track: track.purpose.start is Start.ON_TRIGGER and event.purpose in {None, track.purpose.name},
    )


def objected(turn: Turn, actor: str) -> None:
    """Nothing of what was recorded with the customer's leave is kept (GDPR art. 17(1)(c), 21)."""
    withdrawal = Withdrawal(reason=Reason.OPTED_OUT, actor=actor, discard=True)
    _withdraw(turn, withdrawal, lambda track: track.purpose.may_be_refused)


def private(turn: Turn, event: PrivateRequested) -> None:
    """The call is the agent's own business (CNIL): nothing of it is kept but what a law demands."""
    if turn.call.excluded is not None:
        return
    withdrawal = Withdrawal(reason=Reason.PRIVATE_CALL, actor=event.actor, discard=True)
    if any(track.purpose.basis is Basis.LEGAL_OBLIGATION for track in turn.call.tracks):
        _withdraw(turn, withdrawal, lambda track: track.purpose.basis is not Basis.LEGAL_OBLIGATION)
        return
    exclude(turn, Reason.PRIVATE_CALL)  # first, so that what is written of the rest names nobody either
    _withdraw(turn, withdrawal, lambda _: True)


def objected_to(call: Call) -> frozenset[str]:
    """What the customer objects to when this call goes on as another, whether or not their number is known."""
    answer = call.dialogue.answer if call.dialogue is not None else None
    if answer is Reason.AGREED:
        return frozenset()
    return call.objected_before | frozenset(_scopes(call) if answer is Reason.OPTED_OUT else ())


def remember(turn: Turn) -> None:
    """Keep the objection for the next calls of this customer, where their number is known."""
    call = turn.call
    _store_objections(turn, _scopes(call), until=call.policy.objections.remember.after(turn.at))


def lift(turn: Turn) -> None:
    """The customer has agreed by key: what they objected to in earlier calls stands no more, for what they were asked.

    Who objected to every purpose has agreed to these alone: for any other that objection stands, and here they are
    asked for their key in each call.
    """
    call = turn.call
    agreed = [track.purpose.name for track in call.tracks if call.objections and track.purpose.name in call.objections]
    _store_objections(turn, agreed, until=turn.at)


def finished(turn: Turn, track: Track, record: RecordingRecord | None) -> Track:
    """A recording of this track has ended (None: without a file): keep it, or discard it where it was withdrawn so.

    Where it may hold what had to be left out it is kept away from every ear.
    """
    withdrawn = track.withdrawn is not None and track.withdrawn.discard
    if record is not None and record.quarantined_from is not None and not withdrawn:
        hidden = replace(record, state=RecordingState.QUARANTINING)
        turn.do(Store(record=hidden))
        turn.do(Quarantine(recording=record.name))
        return replace(track, quarantining=(*track.quarantining, hidden))
    return _kept(turn, track, record)


def _kept(turn: Turn, track: Track, record: RecordingRecord | None) -> Track:
    kept = replace(track, kept=(*track.kept, record) if record is not None else track.kept)
    return _discard(turn, kept) if track.withdrawn is not None and track.withdrawn.discard else kept


def quarantined(turn: Turn, event: Quarantined) -> None:
    """A file is where nobody may listen to it."""
    for track in turn.call.tracks:
        for record in track.quarantining:
            if record.name == event.recording:
                _hidden(turn, track, record)


def _hidden(turn: Turn, track: Track, record: RecordingRecord) -> None:
    """Said to be hidden; where its purpose was withdrawn meanwhile, it goes on its way out only now."""
    hidden = replace(record, state=RecordingState.QUARANTINED)
    turn.do(Store(record=hidden))
    since = record.quarantined_from.isoformat(timespec="milliseconds") if record.quarantined_from else None
    turn.log(
        turn.decision(
            Kind.RETAIN,
            Verdict.APPLIED,
            Reason.PAUSE_UNCONFIRMED,
            purpose=track.purpose.name,
            actor="daemon",
            facts={"recording": record.name, "quarantined_from": since},
        )
    )
    others = tuple(other for other in track.quarantining if other is not record)
    turn.put(_kept(turn, replace(track, quarantining=others), hidden))


def discarded(turn: Turn, event: Discarded) -> None:
    """A file is gone."""
    for track in turn.call.tracks:
        for record in track.discarding:
            if record.name == event.recording:
                _gone(turn, track, record)


def _gone(turn: Turn, track: Track, record: RecordingRecord) -> None:
    turn.put(replace(track, discarding=tuple(other for other in track.discarding if other is not record)))
    turn.do(Store(record=replace(record, state=RecordingState.DISCARDED)))
    why = track.withdrawn or Withdrawal(reason=Reason.OPTED_OUT, actor="daemon")
    turn.log(
        turn.decision(
            Kind.DISCARD,
            Verdict.APPLIED,
            why.reason,
            purpose=track.purpose.name,
            actor=why.actor,
            facts={"recording": record.name, "milliseconds": record.milliseconds},
        )
    )


def _withdraw(turn: Turn, withdrawal: Withdrawal, applies: Callable[[Track], bool]) -> None:
    """No recording any more, one that has not begun included. What is being recorded says so once it has ended."""
    for track in filter(applies, turn.call.tracks):
        begun = track.recording is not None and not track.recording.over
        if track.permission is not Permission.REFUSED and not begun:
            reason, name, actor = withdrawal.reason, track.purpose.name, withdrawal.actor
            turn.log(turn.decision(Kind.STOP, Verdict.APPLIED, reason, purpose=name, actor=actor))
        before = track.withdrawn
        kept = before is not None and (before.discard or not withdrawal.discard)
        after = replace(track, permission=Permission.REFUSED, asked=None, withdrawn=before if kept else withdrawal)
        if withdrawal.discard and not kept:
            _condemn(turn, track)
        turn.put(_discard(turn, after) if withdrawal.discard else after)


def _condemn(turn: Turn, track: Track) -> None:
    """Write down that what is being recorded is to be deleted: a daemon that dies before it ends must not save it."""
    recording = track.recording
    if recording is not None and recording.asked:
        condemned = replace(recording, tainted_from=recording.started_at)
        keeping.store(turn, track, condemned, RecordingState.DISCARDING)


def _discard(turn: Turn, track: Track) -> Track:
    """Have every recording that has ended deleted; nobody may hear it meanwhile."""
    leaving = tuple(
        replace(record, state=RecordingState.DISCARDING, quarantined_from=record.started_at) for record in track.kept
    )
    for record in leaving:
        turn.do(Store(record=record))
        turn.do(Discard(recording=record.name))
    return replace(track, kept=(), discarding=(*track.discarding, *leaving))


def _scopes(call: Call) -> list[str]:
    if call.policy.objections.scope is ObjectionScope.EVERYTHING:
        return [EVERY_PURPOSE]
    return [t.purpose.name for t in call.tracks if t.purpose.may_be_refused and not _ends(t.purpose)]


def _ends(purpose: Purpose) -> bool:
    """Whether a refusal ended the call: then it was for that call, in which nothing was recorded."""
    return purpose.consent.mode is ConsentMode.REFUSAL_ENDS_CALL


def _store_objections(turn: Turn, scopes: list[str], *, until: datetime) -> None:
    customer_hash = turn.call.customer_hash
    if customer_hash is None:
        return
    for scope in scopes:
        turn.do(Store(record=ObjectionRecord(customer_hash=customer_hash, scope=scope, at=turn.at, until=until)))
