"""An attempt to log in through an OpenID provider, and what is needed of a provider.

All words of an attempt are made of a secret that only the browser has in which it was begun. So nothing of it is kept
here, whatever daemon of several is asked, and what comes back to another browser fits none of its own.
"""

import hmac
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Protocol
from urllib.parse import unquote

HOME: Final = "/console"
"""Where somebody goes who has logged in, and has not said where to."""

CALLBACK: Final = "/login/openid/callback"
"""Where the provider sends browsers back to, at our address."""
SECRET_BYTES: Final = 32
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
_ADDRESS = re.compile(r"[!-\[\]-~]{1,500}")
"""Printable ASCII without the backslash, which browsers take for a slash."""
_PATH = re.compile(r"/(console|banner)(/[A-Za-z0-9_+()*. -]+)*")
"""A page of ours once nothing in it is encoded: below it are names that we give, and telephone numbers."""
_LISTEN = "listen"
"""How the path of a page ends that plays a recording."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """``state`` comes back with the answer, ``nonce`` in the ID token; ``verifier`` is PKCE's (RFC 7636).

    ``then`` is the path where somebody goes who has logged in.
    """

    state: str
    nonce: str
    verifier: str
    then: str


class Provider(Protocol):
    """Says who somebody is."""

    async def where(self, attempt: Attempt) -> str:
        """The address at which a browser asks for it. Raises ``ProviderAway``."""
        ...

    async def who(self, attempt: Attempt, *, code: str, issuer: str | None) -> str:
        """What the provider names them by, who came back with this ``code``, and from this ``issuer`` if any is named.

        Raises ``ProviderAway``, ``NotProven``.
        """
        ...


def new_secret() -> str:
    """The secret of a browser that begins."""
    return secrets.token_urlsafe(SECRET_BYTES)


def cookie_of(secret: str, then: str) -> str:
    """What the browser keeps of an attempt: where it goes afterwards is nobody else's to know."""
    return f"{secret}.{urlsafe_b64encode(then.encode()).decode().rstrip('=')}"


def attempt_of(secret: str, then: str) -> Attempt:
    """The only one of a browser that has this secret, to go there."""
    return Attempt(
        state=_word(secret, f"state {then}"),
        nonce=_word(secret, "nonce"),
        verifier=_word(secret, "verifier"),
        then=then,
    )


def came_back(cookie: str, state: str) -> Attempt | None:
    """The attempt that the browser with this cookie has begun; None where the ``state`` is of no such attempt."""
    secret, _, there = cookie.partition(".")
    if not _SECRET.fullmatch(secret):
        return None
    try:
        then = urlsafe_b64decode(there + "==").decode()
    except ValueError:
        return None
    attempt = attempt_of(secret, local(then))
    return attempt if hmac.compare_digest(attempt.state.encode(), state.encode()) else None


def local(path: str | None) -> str:
    """The path of a page here, home where it is none.

    Nobody is sent to another site, nor has another site somebody log in and listen: that begins on a page of ours.
    """
    return path if path is not None and _ADDRESS.fullmatch(path) and _is_a_page(path.partition("?")[0]) else HOME


def _is_a_page(path: str) -> bool:
    """Whether this is a page of ours where nobody listens, by whatever way of writing it a browser comes there."""
    plain = unquote(path)
    parts = plain.split("/")
    dots = any(set(part) == {"."} for part in parts)
    slash_encoded = plain.count("/") != path.count("/")
    return _PATH.fullmatch(plain) is not None and not dots and not slash_encoded and _LISTEN not in parts


def _word(secret: str, what: str) -> str:
    return hmac.new(secret.encode(), what.encode(), sha256).hexdigest()
