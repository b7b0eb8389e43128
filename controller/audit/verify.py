"""Verifies chains and checkpoints: what holds, and the first row of each chain that does not.

Pure: rows and checkpoints come in, a report goes out. The rows of a chain come by position.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from controller.audit.checkpoints import Checkpoint
from controller.audit.keys import PublicKey
from controller.domain.chain import BEGINNING, Link, Said, digest

AHEAD = timedelta(days=1)
"""So far ahead of time may be what nobody has signed: a clock that goes wrong is set right again."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Damage(StrEnum):
    """What a broken chain looks like."""

    CHANGED = "changed"
    """A row does not say what was written there: it was changed, or another stands in its place."""
    REMOVED = "removed"
    """A row, or a checkpoint, is missing."""
    REORDERED = "reordered"
    """The numbers of the rows are in another order than the rows."""
    TRUNCATED = "truncated"
    """More was signed than is there."""
    REWRITTEN = "rewritten"
    """The rows fit together, and are not those that were signed."""
    FORGED = "forged"
    """A checkpoint is not signed by any key that is trusted."""
    UNSIGNED = "unsigned"
    """Rows stand there for long that nobody has signed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A decision as the database has it; ``content`` as ``controller.domain.chain.said`` gives it."""

    writer: str
    position: int
    hash: bytes
    seq: int
    content: Said

    @property
    def at(self) -> datetime:
        """When it was decided."""
        return _EPOCH + timedelta(microseconds=int(str(self.content[1])))


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The first fault of a chain: where, as far as that can be told, and what it looks like."""

    damage: Damage
    position: int
    detail: str
    seq: int | None = None
    token: str | None = None


@dataclass(slots=True, kw_only=True)
class Report:
    """One chain: how long, from when to when, up to which row it is signed, and its first fault."""

    writer: str
    rows: int = 0
    first: datetime | None = None
    last: datetime | None = None
    signed_upto: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def unsigned(self) -> int:
        """How many rows follow the last that is signed."""
        return max(self.rows - self.signed_upto, 0)


@dataclass(slots=True)
class _Chain:
    """A chain as far as it has been read."""

    report: Report
    points: Mapping[int, Checkpoint]
    head: Link = BEGINNING
    seq: int = 0
    broken: bool = False
    unsigned: list[Decided] = field(default_factory=list)
    """Of the rows since the last that is signed: the first, the earliest and the latest, by their own word."""

    def take(self, row: Decided) -> None:
        """The next row."""
        report = self.report
        report.rows += 1
        report.first = report.first or row.at
        report.last = row.at
        if not self.broken:
            self._judge(row)
        point = self.points.get(row.position)
        if point is None:
            first, earliest, latest = self.unsigned or (row, row, row)
            self.unsigned = [first, min(earliest, row, key=_at), max(latest, row, key=_at)]
            return
        self.unsigned = []
        report.signed_upto = report.rows
        if point.hash != row.hash and not self.broken:
            self._find(row, Damage.REWRITTEN, "its hash is not the one that was signed")

    def _judge(self, row: Decided) -> None:
        expected = self.head.position + 1
        if row.position != expected:
            self._find(row, Damage.REMOVED, f"position {expected} is missing before it", position=expected)
        elif digest(row.writer, self.head, row.content) != row.hash:
            self._find(row, Damage.CHANGED, "it does not say what was written there")
        elif row.seq <= self.seq:
            self._find(row, Damage.REORDERED, "its number is not above the one before")
        self.head = Link(position=row.position, hash=row.hash)
        self.seq = row.seq

    def _find(self, row: Decided, damage: Damage, detail: str, *, position: int | None = None) -> None:
        self.broken = True
        self.report.findings.append(
            Finding(
                damage=damage,
                position=row.position if position is None else position,
                detail=detail,
                seq=row.seq,
                token=str(row.content[0]),
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What rows are held against.

    ``checkpoints`` are those of the database, by writer and position; ``copies`` those kept outside of it; only
    ``keys`` are trusted, each for any chain. Rows that nobody has signed may be as old as ``grace`` at ``now``.
    """

    checkpoints: Sequence[Checkpoint]
    copies: Sequence[Checkpoint]
    keys: Sequence[PublicKey]
    now: datetime
    grace: timedelta


def verify(rows: Iterable[Decided], proof: Proof) -> list[Report]:
    """A report for each writer that has rows, checkpoints or copies, in the order of their names."""
    points: dict[str, list[Checkpoint]] = {}
    for point in proof.checkpoints:
        points.setdefault(point.writer, []).append(point)
    chains: dict[str, _Chain] = {}
    for row in rows:
        chain = chains.get(row.writer)
        if chain is None:
            chain = chains[row.writer] = _chain(row.writer, points)
        chain.take(row)
    for writer in {*points, *(copy.writer for copy in proof.copies)} - set(chains):
        chains[writer] = _chain(writer, points)
    for writer, chain in chains.items():
        _check_points(chain, points.get(writer, []), [c for c in proof.copies if c.writer == writer], proof)
    return [chains[writer].report for writer in sorted(chains)]


def _chain(writer: str, points: Mapping[str, Sequence[Checkpoint]]) -> _Chain:
    return _Chain(Report(writer=writer), {point.position: point for point in points.get(writer, ())})


def _check_points(chain: _Chain, points: Sequence[Checkpoint], copies: Sequence[Checkpoint], proof: Proof) -> None:
    """The checkpoints of a chain: signed, complete, and no further than the chain goes."""
    findings = chain.report.findings
    before: Checkpoint | None = None
    for point in points:
        if not any(point.signed_by(key, before) for key in proof.keys):
            detail = "this checkpoint is not signed by a trusted key, or one before it is missing"
            findings.append(Finding(damage=Damage.FORGED, position=point.position, detail=detail))
            break
        before = point
    last = chain.head.position
    lost = min((p.position for p in (*points, *copies) if p.position > last), default=0)
    if lost and not chain.broken:
        detail = f"position {lost} was signed, and the chain ends at {last}"
        findings.append(Finding(damage=Damage.TRUNCATED, position=last + 1, detail=detail))
    _check_copies(chain, points, copies)
    findings.extend(_unsigned(chain, proof))


def _unsigned(chain: _Chain, proof: Proof) -> Iterator[Finding]:
    """Rows that nobody has signed though it is time, or that cannot be of this time; the first of them is named."""
    if not chain.unsigned:
        return
    first, earliest, latest = chain.unsigned
    if earliest.at < proof.now - proof.grace:
        detail = f"nobody has signed what stands here, since {earliest.at.isoformat(timespec='seconds')}"
    elif latest.at > proof.now + AHEAD:
        detail = f"nobody has signed what stands here, of the future: {latest.at.isoformat(timespec='seconds')}"
    else:
        return
    token = str(first.content[0])
    yield Finding(damage=Damage.UNSIGNED, position=first.position, detail=detail, seq=first.seq, token=token)


def _at(row: Decided) -> datetime:
    return row.at


def _check_copies(chain: _Chain, points: Sequence[Checkpoint], copies: Sequence[Checkpoint]) -> None:
    """What was signed once, and kept outside, is in the database still."""
    known = {point.position: point for point in points}
    for copy in copies:
        point = known.get(copy.position)
        if point is None:
            detail = "the checkpoint that was kept outside is not in the database"
            chain.report.findings.append(Finding(damage=Damage.REMOVED, position=copy.position, detail=detail))
            return
        if (point.hash, point.signature) != (copy.hash, copy.signature):
            detail = "the checkpoint that was kept outside is another"
            chain.report.findings.append(Finding(damage=Damage.REWRITTEN, position=copy.position, detail=detail))
            return
