"""Runs a PostgreSQL of our own, so that trying the product needs no database server.

Owns the process: it starts with us, ends with us (also when we are killed), and is reached by a socket that only we can
open. ``controller.db.cluster`` owns the files.
"""

import asyncio
import fcntl
import os
import signal
import sys
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import quote

import structlog

from controller.db import bound_process
from controller.db.cluster import ROLE, Cluster, make_folder, prepared, socket_folder, users_of
from controller.errors import ConfigurationError, DatabaseAway

_LOG = structlog.get_logger()
_LOOK_EVERY_S = 0.01
_FORMER_TIMEOUT_S = 10.0
_START_TIMEOUT_S = 60.0
_ENDINGS = ((signal.SIGINT, 1.2), (signal.SIGQUIT, 0.2), (signal.SIGKILL, 5.0))
"""How it is ended, and how many seconds it has. After the second way it recovers at the next start: nothing is lost."""
_STATUS_LINES = 8
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "50",
    "shared_buffers": "32MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # A statement or a detail may hold values; the log is no place for them.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}


class EmbeddedPostgres:
    """A PostgreSQL on a folder, running as long as the context is open.

    Open it on the thread that lives as long as the program does: Linux ends PostgreSQL with the thread that started it.
    ``account`` is the user to run it as when we are root, ``settings`` go over our own. Entering raises
    ``ConfigurationError`` where the folder cannot be used, and ``DatabaseAway`` where PostgreSQL does not start.
    """

    def __init__(self, folder: Path, *, account: str | None = None, settings: dict[str, str] | None = None) -> None:
        self._folder = folder.absolute()
        self._account = account
        self._settings = {**_SETTINGS, **(settings or {})}
        self._stack = AsyncExitStack()
        self._process: asyncio.subprocess.Process | None = None
        self._socket: Path | None = None

    @property
    def url(self) -> str:
        """How to reach it, as a ``postgresql://`` URL."""
        return _url(self._socket or self._folder / "socket")

    @property
    def pid(self) -> int:
        """The process id of the server."""
        if self._process is None:
            raise DatabaseAway("the embedded PostgreSQL does not run")
        return self._process.pid

    async def wait(self) -> int:
        """Wait for the end of the server; returns its exit status, below zero for a signal."""
        if self._process is None:
            raise DatabaseAway("the embedded PostgreSQL does not run")
        return await self._process.wait()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await asyncio.to_thread(make_folder, self._folder)
            stack.enter_context(_lock(self._folder))
            cluster = await asyncio.to_thread(prepared, self._folder, account=self._account)
            await _former_gone(cluster)
            self._socket = socket_folder(cluster)
            if self._socket.parent != self._folder:
                stack.callback(_remove_folder, self._socket)
            stack.push_async_callback(self._stop)
            await self._start(cluster, self._socket)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def _start(self, cluster: Cluster, socket: Path) -> None:
        settings = {**self._settings, "unix_socket_directories": str(socket)}
        with cluster.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-I", "-S", bound_process.__file__, str(os.getpid()), str(int(signal.SIGINT)),
                str(cluster.account.pw_uid), str(cluster.account.pw_gid),
                str(cluster.programs / "postgres"), "-D", str(cluster.data),
                *(f"--{name}={value}" for name, value in settings.items()),
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, cwd="/",
                env={"PATH": os.defpath},
                # A Ctrl-C on the terminal is for us: PostgreSQL still has to take our last decisions.
                start_new_session=True,
            )  # fmt: skip
        await self._ready(cluster)
        _LOG.info("postgres.started", folder=str(cluster.folder), pid=self._process.pid)

    async def _ready(self, cluster: Cluster) -> None:
        try:
            async with asyncio.timeout(_START_TIMEOUT_S):
                while not _says_ready(cluster.data, self.pid):
                    if self._process is None or self._process.returncode is not None:
                        raise DatabaseAway(f"PostgreSQL did not start; {cluster.log} says why")
                    await asyncio.sleep(_LOOK_EVERY_S)
        except TimeoutError as error:
            raise DatabaseAway(f"PostgreSQL is not ready after {_START_TIMEOUT_S:.0f} s; see {cluster.log}") from error

    async def _stop(self) -> None:
        """End it: sessions are broken off, what is committed is on disk; by force where it does not answer."""
        process = self._process
        if process is None:
            return
        for ending, within_s in _ENDINGS:
            with suppress(ProcessLookupError):
                process.send_signal(ending)
                process.send_signal(signal.SIGCONT)
            try:
                async with asyncio.timeout(within_s):
                    await process.wait()
            except TimeoutError:
                _LOG.warning("postgres.does_not_stop", signal=ending.name)
                continue
            break
        _LOG.info("postgres.stopped", status=process.returncode)
        self._process = None


def running_url(folder: Path) -> str | None:
    """The URL of the PostgreSQL that another process runs on a folder; None where none does.

    For the command line beside a running daemon. Raises ``ConfigurationError`` where another user runs it.
    """
    folder = folder.absolute()
    status = _status(folder / "data")
    if not users_of(folder / "data") or len(status) < _STATUS_LINES:
        return None
    lock = folder / "lock"
    if lock.stat().st_uid != os.geteuid():
        raise ConfigurationError(
            f"{folder}: its PostgreSQL lets in only the user who runs it: do this as {lock.owner()}"
        )
    return _url(Path(status[4]))


def _url(socket: Path) -> str:
    return f"postgresql://{ROLE}@/postgres?host={quote(str(socket), safe='')}"


def _lock(folder: Path) -> IO[bytes]:
    file = (folder / "lock").open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise ConfigurationError(f"{folder}: another process runs a PostgreSQL here already") from None
    return file


async def _former_gone(cluster: Cluster) -> None:
    """Wait for what a killed predecessor left; then a ``postmaster.pid`` that is still there tells of nobody."""
    try:
        async with asyncio.timeout(_FORMER_TIMEOUT_S):
            while users_of(cluster.data):  # noqa: ASYNC110 - processes of nobody's give no sign
                await asyncio.sleep(_LOOK_EVERY_S)
    except TimeoutError:
        raise ConfigurationError(
            f"{cluster.folder}: a PostgreSQL that we did not start uses it (process {users_of(cluster.data)})"
        ) from None
    (cluster.data / "postmaster.pid").unlink(missing_ok=True)


def _status(data: Path) -> list[str]:
    try:
        return (data / "postmaster.pid").read_text().splitlines()
    except (FileNotFoundError, PermissionError):
        return []


def _says_ready(data: Path, pid: int) -> bool:
    status = _status(data)
    return len(status) >= _STATUS_LINES and status[0] == str(pid) and status[7].strip() == "ready"


def _remove_folder(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()
