"""Passwords, by Argon2id (RFC 9106) with the parameters of argon2-cffi: 64 MiB and some tenths of a second each."""

import secrets
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from controller.errors import RegisterRefused
from controller.faults import Code, Fault

SHORTEST: Final = 12
LONGEST: Final = 1024
_HASHER: Final = PasswordHasher()


def hashed(password: str) -> str:
    """What is stored of a password. Raises ``RegisterRefused``, without it. Takes a thread of its own's time."""
    if not SHORTEST <= len(password) <= LONGEST:
        words = f"must have {SHORTEST} to {LONGEST} characters"
        raise RegisterRefused(Fault(Code.LENGTH, words, of="password", least=SHORTEST, most=LONGEST))
    return _HASHER.hash(password)


@cache
def _nobodys() -> str:
    return _HASHER.hash(secrets.token_urlsafe(32))


def matches_nobodys(password: str) -> bool:
    """False, after as long as ``matches`` takes: for where there is no account, which nobody is to find out by that."""
    return matches(_nobodys(), password) and False


def matches(password_hash: str, password: str) -> bool:
    """Whether this is the password that was hashed. Takes a thread of its own's time."""
    try:
        return _HASHER.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False
