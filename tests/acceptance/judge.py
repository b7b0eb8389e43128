"""Compares what a scene came to with what its file says must come of it.

Owns the comparison: decisions, recordings, their audio, files, what was heard, and what must be found nowhere. What it
finds is told in the words of the file, all of it at once.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from controller.domain.tracking import CATCH_UP_S
from lab.hearing import heard
from lab.stories import WRITTEN_S
from lab.sweep import Stretch, moments
from lab.world import World
from tests.acceptance.cast import Person
from tests.acceptance.scene import DECISION, HEARD, CallShape, Expected, Facts, Interval, Step
from tests.acceptance.stage import Played
from tests.acceptance.traces import spells

MARGIN_S = 0.3
"""How far from the ends of an interval nothing is claimed: what a key, the network and a telephone take."""

LOST_S = 0.15
"""How much of an interval that a recording holds may be missing in one piece: a few lost frames are no pause."""

WHOLE = 0.8
"""The share of an announcement that must be recognised for it to have been heard; a short one has much of an end."""

_SETTLED = frozenset({"ended", "failed", "discarded"})

Decided = tuple[str, str, str, str | None, str]
"""Kind, verdict, reason, purpose, actor."""


def judge(world: World, played: Played) -> list[str]:
    """Everything that is not as the scene's file says."""
    if played.failure:
        return [played.failure]
    return list(_Judge(world, played).faults())


class _Judge:
    """Judges one scene."""

    def __init__(self, world: World, played: Played) -> None:
        self._world = world
        self._played = played
        self._scene = played.scene
        self._text = played.scene.text

    def faults(self) -> Iterator[str]:
        for step, shape in self._scene.expected():
            for fault in self._neutral(shape) if shape.neutral else self._call(step, shape):
                yield f"{step.name}: {fault}"
        yield from self._reloads()
        yield from self._hears()
        yield from self._nowhere()

    def _call(self, step: Step, shape: CallShape) -> Iterator[str]:
        call = self._written(step)
        if call is None:
            yield "the call is not known, or not everything about it is written"
            return
        decisions = self._world.daemon.decisions(call["id"])
        yield from self._decisions(decisions, shape)
        yield from self._policies(decisions, shape)
        yield from self._recordings(self._world.daemon.recordings(call["id"]), shape)

    def _written(self, step: Step) -> dict[str, Any] | None:
        """The call that a step began, once everything about it is written."""
        customer = self._customer(step)
        number = [one for one in self._scene.calls if self._customer(one) is customer].index(step)
        deadline = monotonic() + WRITTEN_S
        while monotonic() < deadline:
            calls = self._world.daemon.calls_of(customer.number)
            if number < len(calls) and self._settled(calls[number]):
                return calls[number]
            sleep(0.05)
        return None

    def _customer(self, step: Step) -> Person:
        who, whom = (self._played.people[step.words[role]] for role in ("who", "whom"))
        return who if who.outside else whom

    def _settled(self, call: dict[str, Any]) -> bool:
        recordings = self._world.daemon.recordings(call["id"])
        return call["ended_at"] is not None and _SETTLED.issuperset(one["state"] for one in recordings)

    def _decisions(self, decisions: Sequence[dict[str, Any]], shape: CallShape) -> Iterator[str]:
        """In order for each purpose; what concerns two recordings may come in either order."""
        expected = [_parsed(said) for said in shape.decisions]
        if _by_purpose([one for one, _ in expected]) != _by_purpose([self._decided(one) for one in decisions]):
            yield "decided was:\n" + "\n".join(f"  - {_written(self._decided(one))}" for one in decisions)
            return
        for wanted, facts in expected:
            found = [d["facts"] for d in decisions if self._decided(d) == wanted]
            if not any(all(each.get(name) == fact for name, fact in facts.items()) for each in found):
                yield f"{_written(wanted)}: the facts were {found}"

    def _decided(self, row: dict[str, Any]) -> Decided:
        names = {f"agent:{person.number}": person.name for person in self._played.people.values()}
        return row["kind"], row["verdict"], row["reason"], row["purpose"], names.get(row["actor"], row["actor"])

    def _policies(self, decisions: Sequence[dict[str, Any]], shape: CallShape) -> Iterator[str]:
        if not shape.decided_by:
            return
        version = self._played.versions[shape.decided_by]
        if {one["policy_version"] for one in decisions} != {version}:
            yield f"it was not decided by the policy {shape.decided_by} alone"
        if not self._world.daemon.rows("SELECT 1 FROM policy_version WHERE version = %s", version):
            yield f"the policy {shape.decided_by} is not kept"

    def _recordings(self, rows: Sequence[dict[str, Any]], shape: CallShape) -> Iterator[str]:
        kept = [row for row in rows if row["state"] != "failed"]
        for purpose in {row["purpose"] for row in kept} - shape.recordings.keys():
            yield f"there is a recording for {purpose}"
        for purpose, expected in shape.recordings.items():
            of_purpose = [row for row in kept if row["purpose"] == purpose]
            if not of_purpose:
                yield f"there is no recording for {purpose}"
            elif isinstance(expected, Expected):
                files = [self._world.recording_file(row["name"]) for row in of_purpose]
                yield from self._audio(purpose, files, expected)
            else:
                yield from self._gone(of_purpose)

    def _gone(self, rows: Sequence[dict[str, Any]]) -> Iterator[str]:
        for row in rows:
            if row["state"] != "discarded":
                yield f"the recording for {row['purpose']} is {row['state']}"
            if self._world.recording_file(row["name"]).exists():
                yield f"the file of the recording for {row['purpose']} is still there"

    def _audio(self, purpose: str, files: Sequence[Path], expected: Expected) -> Iterator[str]:
        stretches = [stretch for file in files for stretch in moments(file)]
        pauses_over = {interval.between[1] for interval in expected.lacks}
        for interval in expected.holds:
            begin, end = self._span(interval, later_s=CATCH_UP_S if interval.between[0] in pauses_over else 0)
            if end <= begin:
                yield _too_short(interval)
            elif _longest_gap(stretches, begin, end) > LOST_S:
                yield f"{purpose} must hold {_named(interval)} ({begin:.2f} to {end:.2f} s): {_told(stretches)}"
        for interval in expected.lacks:
            begin, end = self._span(interval)
            if end <= begin:
                yield _too_short(interval)
                continue
            if interval.between[1] in {one.between[0] for one in expected.holds}:
                end += MARGIN_S  # nothing of a pause is there to its very end
            if any(stretch.begin_s < end and stretch.end_s > begin for stretch in stretches):
                yield f"{purpose} must lack {_named(interval)} ({begin:.2f} to {end:.2f} s): {_told(stretches)}"

    def _span(self, interval: Interval, *, later_s: float = 0) -> tuple[float, float]:
        """An interval by the sweep's own time, less the margin, and at its begin by so much more; it may be empty."""
        first, last = interval.between
        after, before = self._end(first), self._begin(last)
        spoken = max((at for at in self._played.speaking if at <= after), default=self._played.speaking[0])
        return max(after - spoken, 0) + MARGIN_S + later_s, before - spoken - MARGIN_S

    def _begin(self, name: str) -> float:
        return self._ending(name) or self._played.moments[name].begin

    def _end(self, name: str) -> float:
        return self._ending(name) or self._played.moments[name].end

    def _ending(self, name: str) -> float | None:
        """When somebody had heard an announcement, where this is what the moment is."""
        said = HEARD.fullmatch(name)
        if said is None:
            return None
        listened = self._played.listening[said["who"]]
        found = heard(self._played.phones[said["who"]].heard_file, self._prompt(said["announcement"]))
        return listened + found.begin_s + found.seconds

    def _neutral(self, shape: CallShape) -> Iterator[str]:
        """Of an excluded call one row remains that says only that (Cass. soc. 2004 n° 02-40.498)."""
        played, daemon = self._played, self._world.daemon
        query = "SELECT * FROM decision WHERE kind = 'record' AND reason = %s AND seq > %s AND seq <= %s"
        rows = daemon.rows(query, shape.neutral, played.since, played.until)
        if len(rows) != 1:
            yield f"{len(rows)} calls are {shape.neutral}"
            return
        row = rows[0]
        if (row["verdict"], row["linkedid"], row["rule"], row["facts"]) != ("refused", None, None, {}):
            yield f"the decision says more than that: {row}"
        [call] = daemon.rows("SELECT * FROM call WHERE id = %s", row["call_id"])
        names = ("queue", "route", "agent", "customer_hash", "customer_sealed")
        said = {name: call[name] for name in names if call[name]}
        if said or call["linkedid"]:
            yield f"the call says more than that: {said or call['linkedid']}"
        others = [_written(self._decided(one)) for one in daemon.decisions(row["call_id"]) if one != row]
        if others != list(map(str, shape.decisions)):
            yield f"decided was, beside it: {others}"
        yield from self._recordings(daemon.recordings(row["call_id"]), shape)

    def _reloads(self) -> Iterator[str]:
        query = "SELECT * FROM decision WHERE kind = 'config' AND seq > %s AND seq <= %s ORDER BY seq"
        rows = self._world.daemon.rows(query, self._played.since, self._played.until)
        found = [_written(self._decided(row)) for row in rows]
        if self._text.files and found != self._text.reloads:
            yield f"decided was of the policy: {found}"

    def _hears(self) -> Iterator[str]:
        for name, announcements in self._text.hears.items():
            file = self._played.phones[name].heard_file
            for announcement, how in announcements.items():
                share = heard(file, self._prompt(announcement)).share
                if (share >= WHOLE) if how == "nothing" else (share < WHOLE):
                    yield f"{name} has heard {share:.0%} of {announcement}"

    def _prompt(self, name: str) -> Path:
        """The file of an announcement: ``quality``, in French, or ``quality-en``."""
        bare, _, language = name.rpartition("-")
        return self._world.prompt_file(*((bare, language) if language == "en" else (name, "fr")))

    def _nowhere(self) -> Iterator[str]:
        people = self._played.people
        for what in self._text.nowhere:
            needle = people[what].number.removeprefix("0") if what in people else what
            for place in places_of(self._world, needle, pbx=what not in people):
                yield f"{what} is found in {place}"


def places_of(world: World, needle: str, *, pbx: bool = False) -> Iterator[str]:
    """Where something is found: in each table's rows as text, in the daemon's files, the recordings.

    ``pbx``: in the PBX's logs too, which are not ours, and name callers. Digits are also found where they are written
    one at a time, except in files that are not text.
    """
    tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
    for row in world.daemon.rows(tables):
        name = row["table_name"]
        rows = world.daemon.rows(f'SELECT t::text AS line FROM "{name}" AS t ORDER BY ctid')  # noqa: S608
        if _holds([each["line"] for each in rows], needle):
            yield f"the table {name}"
    folders = (world.daemon.directory, world.pbx.recordings, *([world.pbx.directory / "log"] if pbx else []))
    for file in (file for folder in folders for file in folder.rglob("*") if file.is_file()):
        written = file.read_bytes()
        lines = [] if b"\0" in written else written.decode(errors="replace").splitlines()
        if needle.encode() in written or _holds(lines, needle):
            yield str(file.name)


def _holds(lines: Sequence[str], needle: str) -> bool:
    return spells(lines, needle) if needle.isdecimal() else any(needle in line for line in lines)


def _parsed(said: str | dict[str, Facts]) -> tuple[Decided, Facts]:
    text, facts = (said, {}) if isinstance(said, str) else next(iter(said.items()))
    found = DECISION.fullmatch(text)
    assert found is not None, text
    return (found["kind"], found["verdict"], found["reason"], found["purpose"], found["actor"]), facts


def _written(decided: Decided) -> str:
    kind, verdict, reason, purpose, actor = decided
    return f"{kind} {verdict} {reason}{f' for {purpose}' if purpose else ''} by {actor}"


def _by_purpose(decided: Sequence[Decided]) -> dict[str, list[Decided]]:
    ordered = sorted(decided, key=lambda one: one[3] or "")
    return {purpose: list(those) for purpose, those in groupby(ordered, key=lambda one: one[3] or "")}


def _longest_gap(stretches: Sequence[Stretch], begin: float, end: float) -> float:
    """The longest piece of an interval that no stretch holds; seconds."""
    longest, reached = 0.0, begin
    for stretch in sorted(stretches, key=lambda each: each.begin_s):
        if stretch.end_s > reached and stretch.begin_s < end:
            longest = max(longest, stretch.begin_s - reached)
            reached = stretch.end_s
    return max(longest, end - reached)


def _named(interval: Interval) -> str:
    return " to ".join(f"«{name}»" for name in interval.between)


def _too_short(interval: Interval) -> str:
    return f"{_named(interval)} is too short for the margin of {MARGIN_S:g} s"


def _told(stretches: Sequence[Stretch]) -> str:
    return "it holds " + (", ".join(f"{s.begin_s:.2f} to {s.end_s:.2f} s" for s in stretches) or "nothing")
