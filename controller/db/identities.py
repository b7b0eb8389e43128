"""Accounts and tokens: how they are written, with their decisions, and how they are read back; and one's own log.

An account is added once, and a change replaces all of it; a token is written once, and can only be revoked after that.
Nothing that is new takes the place of what is there.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, Final, TypeVar

from psycopg import AsyncCursor
from sqlalchemy.ext.asyncio import AsyncEngine

from controller.db.bounded import Attempt, BoundedConnections, Driver
from controller.db.locks import locked
from controller.domain.identity import MOST_SESSIONS, UNUSED, AccountRecord, IdentityRecord, SessionRecord, TokenRecord
from controller.domain.principal import Role
from controller.domain.records import AccessRecord

_READ_TIMEOUT_S = 5.0

AT_A_TIME: Final = 100
"""How many rows become records before others have their turn: a pause waits for no more."""

T = TypeVar("T")

_ACCOUNT_COLUMNS = "name, password_hash, openid, roles, purposes, extension, pbx, created_at, disabled_at"
_ACCOUNT_GIVEN = """json_to_recordset(%s::json) AS given (
    name text, password_hash text, openid text, roles text[], purposes text[], extension text, pbx text,
    created_at timestamptz, disabled_at timestamptz, keeps bytea
)"""
_ADDED: Final = f"""
INSERT INTO account ({_ACCOUNT_COLUMNS})
SELECT {_ACCOUNT_COLUMNS} FROM {_ACCOUNT_GIVEN}
"""  # noqa: S608 - words of our own
_CHANGED: Final = f"""
WITH given AS (SELECT * FROM {_ACCOUNT_GIVEN}), logged_out AS (
    DELETE FROM session USING given, account
    WHERE session.account = given.name AND account.name = given.name AND session.sha256 IS DISTINCT FROM given.keeps
        AND (given.disabled_at IS NOT NULL OR given.password_hash IS DISTINCT FROM account.password_hash
            OR given.openid IS DISTINCT FROM account.openid)
)
UPDATE account SET
    password_hash = given.password_hash, openid = given.openid, roles = given.roles, purposes = given.purposes,
    extension = given.extension, pbx = given.pbx, disabled_at = given.disabled_at
FROM given
WHERE account.name = given.name
"""  # noqa: S608 - words of our own
_ISSUED: Final = """
INSERT INTO api_token (name, sha256, roles, purposes, extension, pbx, created_at, expires_at)
SELECT name, sha256, roles, purposes, extension, pbx, created_at, expires_at
FROM json_to_recordset(%s::json) AS given (
    name text, sha256 bytea, roles text[], purposes text[], extension text, pbx text, created_at timestamptz,
    expires_at timestamptz
)
"""
_REVOKED: Final = """
UPDATE api_token SET revoked_at = coalesce(api_token.revoked_at, given.revoked_at)
FROM json_to_recordset(%s::json) AS given (name text, revoked_at timestamptz)
WHERE api_token.name = given.name
"""
STATEMENTS: Final = (_ADDED, _CHANGED, _ISSUED, _REVOKED)
BEFORE: Final = {
    _CHANGED: """
SELECT FROM account WHERE name IN (SELECT name FROM json_to_recordset(%s::json) AS given (name text))
ORDER BY name FOR NO KEY UPDATE
"""
}
"""What goes before a statement, with the same rows: a log-in has ended by then, or sees what the statement has done."""

_ACCOUNT_READ = f"{_ACCOUNT_COLUMNS}, last_in_on"
_ACCOUNTS = f"SELECT {_ACCOUNT_READ} FROM account"  # noqa: S608 - words of our own
_TOKENS = """
SELECT name, sha256, roles, purposes, extension, pbx, created_at, expires_at, revoked_at, last_used_at
FROM api_token
"""
_BY_NAME = " ORDER BY name"
_IN_USE = " WHERE revoked_at IS NULL AND expires_at > clock_timestamp()"
_USED = """
UPDATE api_token SET last_used_at = current_date
WHERE name = ANY(%s) AND last_used_at IS DISTINCT FROM current_date
"""
_OF_NAME = " WHERE name = %s"
_OF_OPENID = " WHERE openid = %s"
_SESSIONS = f"""
SELECT {_ACCOUNT_READ}, session.sha256, began_at, seen_at, ends_at
FROM session JOIN account ON account.name = session.account
WHERE disabled_at IS NULL AND least(ends_at, seen_at + %s) > clock_timestamp()
"""  # noqa: S608 - words of our own
_BEGUN = """
INSERT INTO session (sha256, account, began_at, seen_at, ends_at)
SELECT %s, name, %s, %s, %s FROM account
WHERE name = %s AND disabled_at IS NULL
    AND password_hash IS NOT DISTINCT FROM %s AND openid IS NOT DISTINCT FROM %s
FOR NO KEY UPDATE
"""
_BEYOND = """
DELETE FROM session WHERE sha256 IN (
    SELECT sha256 FROM session WHERE account = %s AND sha256 <> %s ORDER BY began_at DESC OFFSET %s
)
"""
_LAST_IN = """
UPDATE account SET last_in_on = current_date WHERE name = %s AND last_in_on IS DISTINCT FROM current_date
"""
_OVER = "DELETE FROM session WHERE least(ends_at, seen_at + %s) <= clock_timestamp()"
_ENDED = "DELETE FROM session WHERE sha256 = %s"
_SEEN = """
UPDATE session SET seen_at = greatest(session.seen_at, given.seen_at)
FROM unnest(%s::bytea[], %s::timestamptz[]) AS given (sha256, seen_at)
WHERE session.sha256 = given.sha256
"""
_ACCESSES = """
SELECT id, at, who, action, what, why FROM access
WHERE who = %s AND (at, id) < (coalesce(%s::timestamptz, 'infinity'), %s) ORDER BY at DESC, id DESC LIMIT %s
"""


class PostgresIdentities:
    """Fulfils ``controller.runtime.ports.IdentityBook`` and ``AccessBook``.

    The engine is one of ``controller.db.engine.open_engine``. Every method raises ``DatabaseAway``.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._connections = BoundedConnections(engine, timeout_s=_READ_TIMEOUT_S)

    def alone(self) -> AbstractAsyncContextManager[None]:
        """Nobody else changes an account or a token until the block ends."""
        return locked(self._engine, "identities")

    async def accounts(self) -> list[AccountRecord]:
        """All accounts, by name."""
        return await self._all(_account, _ACCOUNTS + _BY_NAME)

    async def account(self, name: str) -> AccountRecord | None:
        """The account of this name; None where there is none."""
        return await self._one_account(_OF_NAME, name)

    async def account_of_openid(self, openid: str) -> AccountRecord | None:
        """The account of whom the provider names so; None where there is none."""
        return await self._one_account(_OF_OPENID, openid)

    async def _one_account(self, which: str, value: str) -> AccountRecord | None:
        found = await self._all(_account, _ACCOUNTS + which, value)
        return found[0] if found else None

    async def sessions_in_use(self) -> list[SessionRecord]:
        """The sessions that let somebody in now."""
        return await self._all(_session, _SESSIONS, UNUSED)

    async def begin_session(self, session: SessionRecord) -> bool:
        """Put a session on file, with the day for its account, and forget those that have ended.

        Of its account's, only the newest stay, ``MOST_SESSIONS`` with this one.
        False, and nothing is put there: the account has been disabled meanwhile, or has another way in.
        """
        account = session.account
        times = (session.began_at, session.seen_at, session.ends_at)
        proven = (account.name, account.password_hash, account.openid)

        async def work(driver: Driver, attempt: Attempt) -> bool:
            await driver.execute(_OVER, (UNUSED,))
            await driver.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
            begun = (await driver.execute(_BEGUN, (session.sha256, *times, *proven))).rowcount > 0
            if begun:
                await driver.execute(_BEYOND, (account.name, session.sha256, MOST_SESSIONS - 1))
                await driver.execute(_LAST_IN, (account.name,))
            attempt.committing = True
            await driver.execute("COMMIT")
            return begun

        return await self._connections.run(work)

    async def end_session(self, sha256: bytes) -> None:
        """Forget a session; harmless where there is none."""

        async def work(driver: Driver, _attempt: Attempt) -> None:
            await driver.execute(_ENDED, (sha256,))

        await self._connections.run(work)

    async def seen(self, sessions: Mapping[bytes, datetime]) -> None:
        """Note when these sessions were used last, by the SHA-256 of their secrets."""

        async def work(driver: Driver, _attempt: Attempt) -> None:
            await driver.execute(_SEEN, (list(sessions), list(sessions.values())))

        await self._connections.run(work)

    async def tokens(self) -> list[TokenRecord]:
        """All tokens, by name, those that were revoked too."""
        return await self._all(_token, _TOKENS + _BY_NAME)

    async def tokens_in_use(self) -> list[TokenRecord]:
        """The tokens that let somebody in now."""
        return await self._all(_token, _TOKENS + _IN_USE)

    async def used(self, names: Collection[str]) -> None:
        """Note that these tokens were used today, in UTC."""

        async def work(driver: Driver, _attempt: Attempt) -> None:
            await driver.execute(_USED, (list(names),))

        await self._connections.run(work)

    async def accesses_of(self, who: str, *, before: datetime | None, id_: str, limit: int) -> list[AccessRecord]:
        """What somebody had, the newest first; only what was before ``before``, and then by an id before ``id_``."""
        return await self._all(_access, _ACCESSES, who, before, id_, limit)

    async def _all(self, make: Callable[[Sequence[Any]], T], question: str, *values: object) -> list[T]:
        async def work(driver: Driver, _attempt: Attempt) -> list[T]:
            return await in_turns(await driver.execute(question.encode(), values), make)

        return await self._connections.run(work)


async def in_turns(rows: AsyncCursor[Any], make: Callable[[Sequence[Any]], T]) -> list[T]:
    """What is made of each row, a few at a time: there may be thousands, and whoever pauses does not wait for them."""
    made: list[T] = []
    while some := await rows.fetchmany(AT_A_TIME):
        made += map(make, some)
        await asyncio.sleep(0)
    return made


def row(record: IdentityRecord) -> tuple[str, tuple[object, ...], dict[str, object]]:
    """The statement that writes a record, what tells it from others of its kind, and its columns."""
    columns: dict[str, object] = {
        "name": record.name,
        "roles": sorted(record.roles),
        "purposes": sorted(record.purposes),
        "extension": record.extension,
        "pbx": record.pbx,
        "created_at": record.created_at.isoformat(),
    }
    if isinstance(record, AccountRecord):
        more: Mapping[str, object] = {
            "password_hash": record.password_hash,
            "openid": record.openid,
            "disabled_at": _time(record.disabled_at),
            "keeps": f"\\x{record.keeps.hex()}" if record.keeps is not None else None,
        }
        return _ADDED if record.new else _CHANGED, (record.name,), {**columns, **more}
    more = {
        "sha256": f"\\x{record.sha256.hex()}",
        "expires_at": record.expires_at.isoformat(),
        "revoked_at": _time(record.revoked_at),
    }
    return _ISSUED if record.revoked_at is None else _REVOKED, (record.name,), {**columns, **more}


def _account(columns: Sequence[Any]) -> AccountRecord:
    name, password_hash, openid, roles, purposes, extension, pbx, created_at, disabled_at, last_in_on = columns
    return AccountRecord(
        name=name,
        password_hash=password_hash,
        openid=openid,
        **_scope(roles, purposes, extension, pbx),
        created_at=created_at,
        disabled_at=disabled_at,
        last_in_on=last_in_on,
    )


def _session(columns: Sequence[Any]) -> SessionRecord:
    *account, sha256, began_at, seen_at, ends_at = columns
    return SessionRecord(
        sha256=bytes(sha256), account=_account(account), began_at=began_at, seen_at=seen_at, ends_at=ends_at
    )


def _token(columns: Sequence[Any]) -> TokenRecord:
    name, sha256, roles, purposes, extension, pbx, created_at, expires_at, revoked_at, last_used_at = columns
    return TokenRecord(
        name=name,
        sha256=bytes(sha256),
        **_scope(roles, purposes, extension, pbx),
        created_at=created_at,
        expires_at=expires_at,
        revoked_at=revoked_at,
        last_used_at=last_used_at,
    )


def _access(columns: Sequence[Any]) -> AccessRecord:
    id_, at, who, action, what, why = columns
    return AccessRecord(id=id_, at=at, who=who, action=action, what=what, why=why)


def _scope(roles: list[str], purposes: list[str], extension: str | None, pbx: str | None) -> dict[str, Any]:
    return {
        "roles": frozenset(Role(role) for role in roles),
        "purposes": frozenset(purposes),
        "extension": extension,
        "pbx": pbx,
    }


def _time(time: datetime | None) -> str | None:
    return time.isoformat() if time else None
