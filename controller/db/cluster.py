"""The folder of an embedded PostgreSQL: what is in it, whom it belongs to, who is using it.

Owns the folder's files before PostgreSQL starts; ``controller.db.embedded`` runs PostgreSQL on them. ::

    FOLDER/lock           held by the process that supervises it
    FOLDER/data           the cluster, mode 0700
    FOLDER/socket         its socket, mode 0700 (in the system's folder for temporary files where the path is too long)
    FOLDER/postgres.log   what PostgreSQL says; no statements, no values
    FOLDER/program        a copy of the programs, only where PostgreSQL's user cannot get at the installed ones
"""

import os
import pwd
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from controller.db.postgres_programs import account_for, can_enter, programs_for
from controller.errors import ConfigurationError

ROLE = "recording_controller"
_LONGEST_SOCKET = 107
_SOCKET_FILE = ".s.PGSQL.5432"
_LONGEST_LOG = 4 * 1024 * 1024
_ALLOWED = "local all all peer map=controller\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A prepared folder. ``programs`` is the ``bin`` folder that fits it, ``account`` who PostgreSQL runs as."""

    folder: Path
    account: pwd.struct_passwd
    programs: Path

    @property
    def data(self) -> Path:
        """PostgreSQL's data folder."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """What PostgreSQL says."""
        return self.folder / "postgres.log"


def prepared(folder: Path, *, account: str | None) -> Cluster:
    """Make the folder ready, with a cluster in it.

    Blocks for about half a second the first time. Raises ``ConfigurationError`` where the folder or the programs
    cannot be used.
    """
    owner = account_for(folder / "data", name=account)
    _require_reachable(folder, owner)
    major = _major_of(folder / "data")
    programs = programs_for(owner, major=major, copies=folder / "program")
    cluster = Cluster(folder=folder, account=owner, programs=programs)
    if major is None:
        _create(cluster)
    _let_us_in(cluster)
    if cluster.log.exists() and cluster.log.stat().st_size > _LONGEST_LOG:
        cluster.log.replace(cluster.log.with_suffix(".log.1"))
    return cluster


def socket_folder(cluster: Cluster) -> Path:
    """A private folder for the socket, short enough for the kernel (unix(7))."""
    folder = cluster.folder / "socket"
    if len(os.fsencode(folder / _SOCKET_FILE)) > _LONGEST_SOCKET:
        folder = Path(tempfile.mkdtemp(prefix="recording-controller-"))
        os.chown(folder, cluster.account.pw_uid, cluster.account.pw_gid)
    else:
        _own_folder(folder, cluster.account)
    return folder


def users_of(data: Path) -> list[int]:
    """The processes that work on a cluster: PostgreSQL's have its data folder as their own working folder.

    Says more than ``postmaster.pid``, which outlives a power cut and may then name somebody else's process.
    """
    found = []
    for process in Path("/proc").iterdir():
        if not process.name.isdecimal():
            continue
        try:
            if (process / "cwd").samefile(data) and (process / "exe").readlink().name.startswith("postgres"):
                found.append(int(process.name))
        except OSError:  # gone meanwhile, or another user's: then it is not PostgreSQL's
            continue
    return found


def make_folder(folder: Path) -> None:
    """Make the folder where it is missing, open to pass through and to nothing else; others stay as they are."""
    try:
        for part in [part for part in (*reversed(folder.parents), folder) if not part.exists()]:
            part.mkdir()
            part.chmod(0o711)
        next(folder.iterdir(), None)
    except OSError as error:
        raise ConfigurationError(f"{folder}: cannot be a folder for PostgreSQL: {error.strerror}") from error


def _require_reachable(folder: Path, owner: pwd.struct_passwd) -> None:
    for part in (*reversed(folder.parents), folder):
        if not can_enter(part, owner):
            raise ConfigurationError(
                f"{folder}: PostgreSQL runs as user {owner.pw_name}, to whom {part} is closed; choose another folder"
            )


def _major_of(data: Path) -> int | None:
    try:
        return int((data / "PG_VERSION").read_text())
    except FileNotFoundError:
        return None


def _create(cluster: Cluster) -> None:
    """Make a cluster under another name first: a power cut meanwhile leaves no half of one.

    The C locale sorts the same on every system and after every update of it.
    """
    draft = cluster.folder / "draft"
    shutil.rmtree(draft, ignore_errors=True)
    _own_folder(draft, cluster.account)
    made = subprocess.run(  # noqa: S603
        [
            cluster.programs / "initdb", f"--pgdata={draft}", f"--username={ROLE}", "--encoding=UTF8", "--locale=C",
            "--auth=reject", "--data-checksums",
        ],
        user=cluster.account.pw_uid,
        group=cluster.account.pw_gid,
        extra_groups=[] if os.geteuid() == 0 else None,
        cwd="/",
        env={"PATH": os.defpath, "TZ": "UTC"},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    if made.returncode:
        raise ConfigurationError(f"{cluster.folder}: initdb failed: {made.stderr.strip()}")
    draft.rename(cluster.data)


def _let_us_in(cluster: Cluster) -> None:
    """Let this process's user in over the socket, and nobody else; written anew in case we run as another now."""
    try:
        name = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise ConfigurationError(f"user {os.geteuid()} has no name, which PostgreSQL asks for") from None
    quoted = re.sub('"', '""', name)
    (cluster.data / "pg_hba.conf").write_text(_ALLOWED)
    (cluster.data / "pg_ident.conf").write_text(f'controller "{quoted}" {ROLE}\n')


def _own_folder(folder: Path, account: pwd.struct_passwd) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    os.chown(folder, account.pw_uid, account.pw_gid, follow_symlinks=False)
