"""The files of finished recordings, where Asterisk has left them.

Owns where they are read from and how they are taken away there. Which of them, and when, is not its business.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Protocol, Self

from controller.ari.client import Ari
from controller.config import Pbx
from controller.domain.names import RecordingName
from controller.domain.sides import sides_of
from controller.errors import Gone, PbxRefused
from controller.threads import off_the_loop

ENDING = ".wav"
_PIECE_BYTES = 256 * 1024


class PbxFile(Protocol):
    """A file that is being read: how many bytes it has, and these, piece by piece, once."""

    @property
    def octets(self) -> int:
        """The length of the whole."""
        ...

    @property
    def pieces(self) -> AsyncIterator[bytes]:
        """Raise ``PbxError`` where the file breaks off."""
        ...


class PbxFiles(Protocol):
    """The files of one PBX. Both raise ``PbxError``."""

    def opened(self, recording: str) -> AbstractAsyncContextManager[PbxFile]:
        """Read a file. Raises ``Gone`` where the PBX has none of that name."""
        ...

    async def delete(self, recording: str) -> None:
        """Take a file from the PBX; one that is gone already is gone."""
        ...


class _Nothing:
    """A side that never began has no file."""

    octets = 0

    @property
    def pieces(self) -> Self:
        return self

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        raise StopAsyncIteration


@asynccontextmanager
async def opened(files: PbxFiles, recording: RecordingName) -> AsyncGenerator[list[PbxFile]]:
    """Read the files of a recording, the customer's side first; one that is missing beside another is empty.

    Raises ``Gone`` where there is none at all.
    """
    async with AsyncExitStack() as stack:
        found: list[PbxFile] = []
        missing: list[Gone] = []
        for side in sides_of(recording):
            try:
                found.append(await stack.enter_async_context(files.opened(side)))
            except Gone as gone:
                missing.append(gone)
                found.append(_Nothing())
        if len(missing) == len(found):
            raise missing[0]
        yield found


class AriFiles:
    """Over ARI."""

    def __init__(self, ari: Ari) -> None:
        self._ari = ari

    def opened(self, recording: str) -> AbstractAsyncContextManager[PbxFile]:
        """Read a file. Raises ``Gone``, ``PbxError``."""
        return self._ari.stored_recording(recording)

    async def delete(self, recording: str) -> None:
        """Take a file from the PBX. Raises ``PbxError``."""
        with suppress(Gone):
            await self._ari.delete_stored_recording(recording)


class SharedFolder:
    """Out of a folder that PBX and daemon share. What is not there, and what is to be deleted, the PBX is asked for.

    So a folder that is not mounted makes nobody believe that a recording is lost.
    """

    def __init__(self, folder: Path, pbx: PbxFiles) -> None:
        self._folder = folder
        self._pbx = pbx

    @asynccontextmanager
    async def opened(self, recording: str) -> AsyncGenerator[PbxFile]:
        """Read a file. Raises ``Gone``, ``PbxError``."""
        file = await off_the_loop(self._open, recording)
        if file is None:
            async with self._pbx.opened(recording) as there:
                yield there
            return
        with file:
            yield _Open(file)

    async def delete(self, recording: str) -> None:
        """Take a file from the PBX. Raises ``PbxError``."""
        await self._pbx.delete(recording)

    def _open(self, recording: str) -> BinaryIO | None:
        try:
            return (self._folder / f"{recording}{ENDING}").open("rb")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise PbxRefused(f"a file of the shared folder cannot be read: {error.strerror}") from error


def files_of(pbx: Pbx, ari: Ari) -> PbxFiles:
    """The files of a PBX, as its configuration says that they are read."""
    over_ari = AriFiles(ari)
    return SharedFolder(pbx.recordings, over_ari) if pbx.recordings is not None else over_ari


class _Open:
    """A file of a folder."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.octets = file.seek(0, 2)
        file.seek(0)
        self.pieces = self._read()

    async def _read(self) -> AsyncGenerator[bytes]:
        try:
            while piece := await off_the_loop(self._file.read, _PIECE_BYTES):
                yield piece
        except OSError as error:
            raise PbxRefused(f"a file of the shared folder cannot be read: {error.strerror}") from error
