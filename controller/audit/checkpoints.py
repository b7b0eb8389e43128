"""A signed end of a chain, and the file that keeps a copy of each outside the database.

Who removes the newest decisions from the database removes their checkpoints with them; the copy tells all the same.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from controller.audit.keys import PublicKey, SigningKey
from controller.domain import chain
from controller.domain.chain import Link

CHECKPOINTS = "checkpoints.jsonl"
"""The file of copies, in the state directory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The chain of ``writer`` ended so at this moment (UTC); ``key_id`` names the key that signed it."""

    writer: str
    position: int
    hash: bytes
    at: datetime
    key_id: str
    signature: bytes

    @property
    def head(self) -> Link:
        """The end of the chain that it signs."""
        return Link(position=self.position, hash=self.hash)

    def text(self, before: "Checkpoint | None") -> bytes:
        """What is signed; it names the signature of the checkpoint before."""
        return chain.checkpoint(self.writer, self.head, self.at, before.signature if before else b"")

    def signed_by(self, key: PublicKey, before: "Checkpoint | None") -> bool:
        """Whether this key has signed it, after the one ``before``."""
        return key.signed(self.signature, self.text(before))


def signed(key: SigningKey, writer: str, head: Link, at: datetime, before: Checkpoint | None) -> Checkpoint:
    """A new checkpoint, after the one ``before``."""
    signature = key.sign(chain.checkpoint(writer, head, at, before.signature if before else b""))
    return Checkpoint(
        writer=writer, position=head.position, hash=head.hash, at=at, key_id=key.public.id, signature=signature
    )


class _Line(msgspec.Struct, frozen=True, kw_only=True):
    writer: str
    position: int
    hash: str
    at: datetime
    key_id: str
    signature: str


def append(file: Path, checkpoint: Checkpoint) -> None:
    """Add a copy to the file, durably. Blocking; raises OSError."""
    line = _Line(
        writer=checkpoint.writer,
        position=checkpoint.position,
        hash=checkpoint.hash.hex(),
        at=checkpoint.at,
        key_id=checkpoint.key_id,
        signature=checkpoint.signature.hex(),
    )
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    with open(descriptor, "ab") as stream:  # noqa: PTH123 - a descriptor, not a path
        stream.write(msgspec.json.encode(line) + b"\n")
        stream.flush()
        os.fsync(stream.fileno())


def copies(file: Path) -> Iterator[Checkpoint]:
    """Every copy in the file, in its order; a line that was never finished is left out. Raises OSError."""
    for text in file.read_bytes().splitlines(keepends=True):
        try:
            line = msgspec.json.decode(text, type=_Line)
            yield Checkpoint(
                writer=line.writer,
                position=line.position,
                hash=bytes.fromhex(line.hash),
                at=line.at,
                key_id=line.key_id,
                signature=bytes.fromhex(line.signature),
            )
        except (msgspec.MsgspecError, ValueError):
            continue
