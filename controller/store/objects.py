"""The object store: a folder, S3, Google Cloud Storage or Azure, by URL. For threads, not for the loop.

Owns how objects are written (whole or not at all), read piece by piece, listed and removed, and in which of our errors
that fails. What is in an object, and whether it may be read, is not its business.
"""

import os
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, from_url

from controller.errors import ConfigurationError, ObjectGone, StoreAway

PIECE_BYTES = 1024 * 1024
PART_BYTES = 8 * 1024 * 1024
"""What is uploaded at a time; at least 5 MiB, which S3 asks for."""

AT_ONCE = 2


class ObjectStore:
    """One store. ``url`` is ``file:///…``, ``s3://bucket/prefix``, ``gs://…`` or ``az://…``.

    ``options`` are those of the object store (``endpoint``, ``region``); credentials come from the environment, by the
    names that each of them has there (``AWS_ACCESS_KEY_ID``). Raises ``ConfigurationError``.
    """

    def __init__(self, url: str, options: Mapping[str, str] | None = None) -> None:
        self.url = url
        parts = urlsplit(url)
        self._folder = Path(unquote(parts.path)) if parts.scheme == "file" else None
        try:
            self._store: Any = _store(url, options or {})
        except (BaseError, OSError, ValueError, TypeError) as error:
            raise ConfigurationError(f"the object store {url} cannot be used: {_first_line(error)}") from None

    def put(self, name: str, pieces: Iterator[bytes]) -> None:
        """Write an object, whole or not at all, and durable; one of that name is replaced. Raises ``StoreAway``.

        What is raised in making ``pieces`` is raised here as it is.
        """
        watched = _Watched(pieces)
        try:
            obstore.put(self._store, name, watched, chunk_size=PART_BYTES, max_concurrency=AT_ONCE)
        except Exception as error:
            if watched.raised is not None:
                raise watched.raised from None
            if isinstance(error, BaseError | OSError):
                raise StoreAway(f"the object store does not take an object: {_first_line(error)}") from error
            raise
        if self._folder is not None:
            _synced(self._folder, name)

    def pieces(self, name: str) -> Generator[bytes, None, None]:
        """An object, piece by piece. Raises ``ObjectGone``, ``StoreAway``."""
        with _told():
            for piece in obstore.get(self._store, name).stream(min_chunk_size=PIECE_BYTES):
                yield bytes(piece)

    def size(self, name: str) -> int | None:
        """How many bytes an object has; None where there is none. Raises ``StoreAway``."""
        try:
            with _told():
                return int(obstore.head(self._store, name)["size"])
        except ObjectGone:
            return None

    def delete(self, name: str) -> None:
        """Remove an object; one that is gone already is gone. Raises ``StoreAway``."""
        try:
            with _told():
                obstore.delete(self._store, name)
        except ObjectGone:
            return

    def names(self, prefix: str = "") -> Iterator[str]:
        """The names of all objects, or of those in a folder (``derived``). Raises ``StoreAway``."""
        return (name for name, _ in self.sizes(prefix))

    def sizes(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        """The same, with how many bytes each of them has. Raises ``StoreAway``."""
        with _told():
            for some in obstore.list(self._store, prefix or None):
                yield from ((found["path"], int(found["size"])) for found in some)


def _synced(folder: Path, name: str) -> None:
    """What is in a folder is there after a power failure, too: the file, and every folder on the way to it."""
    place = folder / name
    try:
        for path in (place, *place.relative_to(folder).parents):
            descriptor = os.open(folder / path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
    except OSError as error:
        raise StoreAway(f"the object store does not keep an object: {error.strerror}") from error


class _Watched:
    """An iterator that keeps what is raised in it, which the store tells as something else."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self.raised: BaseException | None = None

    def __iter__(self) -> "_Watched":
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._pieces)
        except StopIteration:
            raise
        except BaseException as error:
            self.raised = error
            raise


def _store(url: str, options: Mapping[str, str]) -> object:
    parts = urlsplit(url)
    if parts.scheme != "file":
        plain = options.get("endpoint", "").startswith("http://")
        client: Any = {"allow_http": plain, "timeout": timedelta(seconds=30)}
        retry: Any = {"max_retries": 2, "retry_timeout": timedelta(seconds=20)}
        config: Any = dict(options)
        return from_url(url, config=config, client_options=client, retry_config=retry)
    folder = Path(unquote(parts.path))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return LocalStore(folder, automatic_cleanup=True)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise ObjectGone("there is no such object") from error
    except (BaseError, OSError) as error:
        raise StoreAway(f"the object store does not answer as it should: {_first_line(error)}") from error


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)[:200]
