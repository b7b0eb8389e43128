"""Logging in and out: a password, or a provider's word, becomes a secret that a browser shows from then on.

Owns how often it may be tried. Who is behind a session is ``controller.runtime.keyring``'s to know.
"""

import asyncio
import math
import secrets
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from hashlib import sha256
from ipaddress import IPv6Address, ip_address, ip_network
from time import monotonic
from typing import Final

import structlog

from controller.domain.identity import SESSION, AccountRecord, SessionRecord
from controller.errors import LogInRefused, NotProven, TooManyAttempts
from controller.runtime import metrics
from controller.runtime.clock import now
from controller.runtime.keyring import Keyring
from controller.runtime.passwords import matches, matches_nobodys
from controller.runtime.ports import IdentityBook
from controller.threads import off_the_loop

WITHIN_S: Final = 900.0
BY_BOTH: Final = 10
BY_ADDRESS: Final = 30
BY_ACCOUNT: Final = 100
"""How many failures a name from one address, an address, and a name from everywhere may have in that time, before it is
not listened to. The last takes ten addresses: who knows a name does not keep its owner out by themselves."""
_MOST_NAMES: Final = 10_000
WAITING: Final = 8
"""How many may wait for their account, and for a password to be checked, which takes 64 MiB and some tenths of a second
each; or for the OpenID provider. Nothing is asked of PostgreSQL for whoever comes beyond that."""

ATTEMPTS: Final = 4
"""How many ask the OpenID provider at a time: whoever likes can have it asked, with a code of their own making."""

_log = structlog.get_logger(__name__)


def block_of(address: str) -> str:
    """What counts as one address: of IPv6 the network of 64 bits, which one subscriber has all of (RFC 6177)."""
    try:
        found = ip_address(address)
    except ValueError:  # a Unix socket has none
        return address
    return str(ip_network((found, 64), strict=False)) if isinstance(found, IPv6Address) else address


class Failures:
    """How often each name has failed of late; the names that failed longest ago are forgotten first.

    Only the SHA-256 of a name is kept, which is short, however long a name somebody has made up.
    """

    def __init__(self, most: int, *, clock: Callable[[], float]) -> None:
        self._most = most
        self._clock = clock
        self._times: OrderedDict[bytes, deque[float]] = OrderedDict()

    def wait_s(self, name: str) -> float:
        """For how many seconds this name is not listened to; 0: it is."""
        times = self._times.get(_digest(name), deque())
        while times and times[0] <= self._clock() - WITHIN_S:
            times.popleft()
        return times[0] + WITHIN_S - self._clock() if len(times) >= self._most else 0.0

    def note(self, name: str) -> None:
        """It has failed."""
        digest = _digest(name)
        self._times.setdefault(digest, deque(maxlen=self._most)).append(self._clock())
        self._times.move_to_end(digest)
        while len(self._times) > _MOST_NAMES:
            self._times.popitem(last=False)

    def forget(self, name: str) -> None:
        """It has not."""
        self._times.pop(_digest(name), None)


class Sessions:
    """``clock`` is in seconds, and never goes back."""

    def __init__(self, book: IdentityBook, keyring: Keyring, *, clock: Callable[[], float] = monotonic) -> None:
        self._book = book
        self._keyring = keyring
        self._by_both = Failures(BY_BOTH, clock=clock)
        self._by_account = Failures(BY_ACCOUNT, clock=clock)
        self._by_address = Failures(BY_ADDRESS, clock=clock)
        self._away = Failures(BY_ADDRESS, clock=clock)
        """How often the provider was away for whom: no fault of theirs, and it keeps nobody from a password."""
        self._checking = asyncio.Lock()
        self._waiting = 0
        self._asking = asyncio.Semaphore(ATTEMPTS)
        self._attempts = 0

    async def begin(self, name: str, password: str, *, address: str) -> tuple[str, SessionRecord]:
        """Let somebody in who knows the password: the secret that is told here and never again, and their session.

        Raises ``LogInRefused``, ``TooManyAttempts``, ``DatabaseAway``.
        """
        try:
            account = await self.proven(name, password, address=address)
            begun = await self._begin(account)
            if begun is None:
                raise self._refused(name, address, known=True)
        except LogInRefused:
            metrics.LOG_INS.labels("refused").inc()
            raise
        except TooManyAttempts:
            metrics.LOG_INS.labels("held-off").inc()
            raise
        metrics.LOG_INS.labels("let-in").inc()
        return begun

    async def proven(self, name: str, password: str, *, address: str) -> AccountRecord:
        """The account of who knows its password; raises as ``begin`` does, and counts as one."""
        block = block_of(address)
        _bounded((self._by_both, _both(name, block)), (self._by_account, name), (self._by_address, block))
        with self._waits():
            account = await self._book.account(name)
            right = await self._is(password, account)
        if account is None or not right or account.disabled_at is not None:
            raise self._refused(name, address, known=account is not None)
        self._by_both.forget(_both(name, block))
        self._by_account.forget(name)
        return account

    def _refused(self, name: str, address: str, *, known: bool) -> LogInRefused:
        """What is raised for a failure, which counts."""
        block = block_of(address)
        self._by_both.note(_both(name, block))
        self._by_account.note(name)
        self._by_address.note(block)
        _log.warning("session.refused", known=known)
        return LogInRefused("no account has this name and this password")

    def listen_to(self, address: str) -> None:
        """Raises ``TooManyAttempts`` where too many have failed from this address."""
        _bounded((self._by_address, block_of(address)))

    def _has_asked_less(self, address: str) -> None:
        """The same where the provider would be asked. Raises ``TooManyAttempts``."""
        block = block_of(address)
        _bounded((self._by_address, block), (self._away, block))

    @asynccontextmanager
    async def attempt_by_openid(self, address: str) -> AsyncIterator[None]:
        """An attempt from this address in which the provider is asked: a few go on at a time, and some wait.

        What fails in it by them counts against the address, for a password too. Raises ``TooManyAttempts``.
        """
        self._has_asked_less(address)
        if self._attempts >= ATTEMPTS + WAITING:
            raise TooManyAttempts(1)
        self._attempts += 1
        try:
            async with self._asking:
                self._has_asked_less(address)  # others may have failed since
                with self._counted(address):
                    yield
        finally:
            self._attempts -= 1

    @contextmanager
    def _counted(self, address: str) -> Iterator[None]:
        failed: Failures | None = self._away
        try:
            yield
            failed = None
        except (LogInRefused, NotProven):
            failed = self._by_address
            raise
        finally:
            if failed is not None:
                failed.note(block_of(address))

    async def begin_by_openid(self, openid: str) -> tuple[str, SessionRecord]:
        """Let somebody in whom the provider names so; within ``attempt_by_openid``.

        Raises ``LogInRefused``, ``DatabaseAway``.
        """
        account = await self._book.account_of_openid(openid)
        begun = await self._begin(account) if account is not None and account.disabled_at is None else None
        if begun is None:
            _log.warning("session.refused", known=account is not None)
            raise LogInRefused("no account is for whom the provider names so")
        return begun

    async def _begin(self, account: AccountRecord) -> tuple[str, SessionRecord] | None:
        """None: the account has been disabled since it was read, or has another way in."""
        secret, at = secrets.token_urlsafe(32), now()
        session = SessionRecord(
            sha256=sha256(secret.encode()).digest(), account=account, began_at=at, seen_at=at, ends_at=at + SESSION
        )
        if not await self._book.begin_session(session):
            return None
        self._keyring.began(session)
        _log.info("session.began", account=account.name)
        return secret, session

    async def end(self, session: SessionRecord) -> None:
        """Let nobody in by this session any more. Raises ``DatabaseAway``."""
        self._keyring.ended(session.sha256)
        await self._book.end_session(session.sha256)
        _log.info("session.ended", account=session.account.name)

    @contextmanager
    def _waits(self) -> Iterator[None]:
        if self._waiting >= WAITING:
            raise TooManyAttempts(1)
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1

    async def _is(self, password: str, account: AccountRecord | None) -> bool:
        """Check one password after the other: many at a time would take the memory and the time of what decides."""
        async with self._checking:
            if account is None or account.password_hash is None:
                return await off_the_loop(matches_nobodys, password)
            return await off_the_loop(matches, account.password_hash, password)


def _digest(name: str) -> bytes:
    return sha256(name.encode()).digest()


def _both(name: str, block: str) -> str:
    return f"{block} {name}"  # no block has a space


def _bounded(*counts: tuple[Failures, str]) -> None:
    """Raises ``TooManyAttempts`` until none of them has failed too often."""
    wait_s = max(failures.wait_s(name) for failures, name in counts)
    if wait_s > 0:
        raise TooManyAttempts(math.ceil(wait_s))
