"""Keys: one for each recording, wrapped by a master key that is kept outside the database.

Both are X25519 identities of the age format, so that ``age`` itself opens what is sealed here. Who destroys a wrapped
key destroys its recording in every copy that was ever made of the object store.
"""

from collections.abc import Iterator
from typing import Self

import pyrage
from pyrage.x25519 import Identity, Recipient

from controller.domain.records import WrappedKey
from controller.errors import ConfigurationError, SealBroken

NEVER_OURS = "is no age identity (AGE-SECRET-KEY-1…)"


class MasterKeys:
    """The master key that wraps, and those of before it, which only open until everything is wrapped anew."""

    def __init__(self, current: Identity, *former: Identity) -> None:
        self._current = current
        self._all = {str(identity.to_public()): identity for identity in (current, *former)}

    @classmethod
    def read(cls, current: str, former: str | None = None) -> Self:
        """From the texts of the secrets; ``former`` may hold several, separated by spaces.

        Raises ``ConfigurationError``, without the secret in its text.
        """
        return cls(*_identities("master-key", current), *_identities("former-master-key", former or ""))

    @property
    def public(self) -> str:
        """The public half of the key that wraps: ``age1…``."""
        return str(self._current.to_public())

    @property
    def publics(self) -> list[str]:
        """The public halves of all that open, the one that wraps first."""
        return list(self._all)

    def wrap(self, key: Identity) -> WrappedKey:
        """Seal a key for the current master."""
        return WrappedKey(
            sealed=pyrage.encrypt(str(key).encode(), [self._current.to_public()]),
            master=self.public,
        )

    def unwrap(self, wrapped: WrappedKey) -> Identity:
        """The key itself. Raises ``SealBroken`` where no master key opens it."""
        master = self._all.get(wrapped.master)
        if master is None:
            raise SealBroken(f"the master key {wrapped.master} is not among the secrets")
        try:
            return Identity.from_str(pyrage.decrypt(wrapped.sealed, [master]).decode())
        except (pyrage.DecryptError, pyrage.IdentityError, UnicodeDecodeError) as error:
            raise SealBroken("the wrapped key is damaged") from error


def new_key() -> Identity:
    """A key for one recording."""
    return Identity.generate()


def new_master_key() -> str:
    """The text of a new master key."""
    return str(Identity.generate())


def recipient(key: Identity) -> Recipient:
    """Whom a recording is sealed for."""
    return key.to_public()


def _identities(secret: str, text: str) -> Iterator[Identity]:
    for word in text.split():
        try:
            yield Identity.from_str(word)
        except pyrage.IdentityError:
            raise ConfigurationError(f"secret {secret} {NEVER_OURS}") from None
