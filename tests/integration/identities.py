"""Tokens of a real PostgreSQL, for those who ask over HTTP."""

from dataclasses import dataclass
from datetime import timedelta

from controller.custody.custody import Custody
from controller.db.identities import PostgresIdentities
from controller.runtime.clock import now
from controller.runtime.identities import Identities, Scope
from controller.runtime.keyring import Keyring


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """A keyring that knows the tokens by their names."""

    keyring: Keyring
    tokens: dict[str, str]

    def bearer(self, name: str) -> dict[str, str]:
        """What somebody sends who has this token."""
        return {"Authorization": f"Bearer {self.tokens[name]}"}


async def a_keyring(custody: Custody, **scopes: Scope) -> Tokens:
    """Tokens, each with its scope."""
    book = PostgresIdentities(custody.engine)
    identities = Identities(ledger=custody.ledger, book=book, policy=custody.policy, pbxs=["main", "other"])
    end = now() + timedelta(days=1)
    issued = {name: await identities.issue_token(name, scope, end, actor="test") for name, scope in scopes.items()}
    keyring = Keyring(book)
    await keyring.refresh()
    return Tokens(keyring=keyring, tokens=issued)
