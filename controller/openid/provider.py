"""One provider, found by its discovery document: where a browser is sent, and who came back (code flow with PKCE).

Owns the requests to it. They go to the issuer, and where its own document says; no redirect is followed, none takes
long, and nothing of an answer is logged.
"""

import asyncio
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from http import HTTPStatus
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import aiohttp
import msgspec

from controller.config.credentials import Secret
from controller.config.settings import OpenIdConnect
from controller.errors import NotProven, ProviderAway
from controller.openid.tokens import keys_of, proven
from controller.runtime.openid import CALLBACK, Attempt

TIMEOUT_S: Final = 5.0
"""For all of a request."""
KNOWN_FOR_S: Final = 300.0
"""How long it is believed where the provider has what."""
_DISCOVERY: Final = "/.well-known/openid-configuration"
_MOST_BYTES: Final = 256 * 1024
_LONGEST: Final = 255
# what a session for webhooks takes of an answer is not decoded, so it is asked for as it is
_HEADERS: Final = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "recording-controller"}


class _Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """What is used of a discovery document (OpenID Connect Discovery, section 3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False


class _Tokens(msgspec.Struct, frozen=True, kw_only=True):
    id_token: str
    access_token: str | None = None


class _Keys(msgspec.Struct, frozen=True, kw_only=True):
    keys: list[dict[str, Any]]


class _Refusal(msgspec.Struct, frozen=True, kw_only=True):
    error: str


T = TypeVar("T")


class OpenIdProvider:
    """Fulfils ``controller.runtime.openid.Provider``. ``clock`` is in seconds since 1970.

    The session keeps no cookies.
    """

    def __init__(
        self,
        settings: OpenIdConnect,
        *,
        secret: Secret,
        session: aiohttp.ClientSession,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._secret = secret
        self._session = session
        self._clock = clock
        self._known: _Metadata | None = None
        self._read_at = 0.0
        self._reading: asyncio.Task[_Metadata] | None = None

    async def where(self, attempt: Attempt) -> str:
        """The address at which a browser asks the provider to say who somebody is. Raises ``ProviderAway``."""
        endpoint = (await self._metadata()).authorization_endpoint
        challenge = urlsafe_b64encode(sha256(attempt.verifier.encode()).digest()).decode().rstrip("=")
        asked = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": self._callback,
            "scope": " ".join(self._settings.scopes),
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{urlencode(asked)}"

    async def who(self, attempt: Attempt, *, code: str, issuer: str | None) -> str:
        """What the provider names them by. Raises ``ProviderAway``, ``NotProven``."""
        metadata = await self._metadata()
        if issuer != self._settings.issuer and (
            issuer is not None or metadata.authorization_response_iss_parameter_supported
        ):
            raise NotProven("the answer is of another provider (RFC 9207)")
        tokens = await self._tokens(metadata, code=code, verifier=attempt.verifier)
        # read anew each time: the provider may have another key by now, and people seldom log in
        keys = keys_of((await self._read(metadata.jwks_uri, _Keys)).keys)
        claims = proven(
            tokens.id_token,
            keys,
            issuer=self._settings.issuer,
            client_id=self._settings.client_id,
            nonce=attempt.nonce,
            at=self._clock(),
        )
        if self._settings.claim not in claims:
            claims = await self._more(metadata, claims, tokens.access_token)
        return self._named(claims)

    def _named(self, claims: dict[str, Any]) -> str:
        claim = self._settings.claim
        found = claims.get(claim)
        if not isinstance(found, str) or not 0 < len(found) <= _LONGEST:
            raise NotProven(f"the provider does not say {claim}")
        if claim == "email" and claims.get("email_verified") is not True:
            raise NotProven("the provider does not know whether the address is theirs")
        return found

    async def _more(self, metadata: _Metadata, claims: dict[str, Any], token: str | None) -> dict[str, Any]:
        """What the provider says of the same person where it is asked again (OpenID Connect Core 5.3)."""
        if metadata.userinfo_endpoint is None or token is None:
            return claims
        headers = {"Authorization": f"Bearer {token}"}
        more = await self._read(metadata.userinfo_endpoint, dict[str, Any], headers=headers)
        if more.get("sub") != claims["sub"]:
            raise NotProven("the provider speaks of somebody else")
        return more

    async def _tokens(self, metadata: _Metadata, *, code: str, verifier: str) -> _Tokens:
        client_id, secret = self._settings.client_id, self._secret.reveal()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._callback,
            "code_verifier": verifier,
        }
        headers = {}
        if "client_secret_basic" in metadata.token_endpoint_auth_methods_supported:
            quoted = quote(client_id, safe=""), quote(secret, safe="")  # RFC 6749, section 2.3.1
            headers["Authorization"] = aiohttp.encode_basic_auth(*quoted)
        elif "client_secret_post" in metadata.token_endpoint_auth_methods_supported:
            form |= {"client_id": client_id, "client_secret": secret}
        else:
            raise ProviderAway("it takes no client secret")
        status, body = await self._ask("POST", metadata.token_endpoint, data=form, headers=headers)
        if status == HTTPStatus.BAD_REQUEST and _read_as(body, _Refusal).error == "invalid_grant":
            raise NotProven("the provider does not take the code")
        return self._good(status, body, _Tokens)

    async def _metadata(self) -> _Metadata:
        """Asked for once by whoever asks at the same time."""
        if self._known is not None and 0 <= self._clock() - self._read_at < KNOWN_FOR_S:
            return self._known
        if self._reading is None:
            self._reading = asyncio.create_task(self._discovered())
            self._reading.add_done_callback(self._over)
        return await asyncio.shield(self._reading)

    def _over(self, reading: "asyncio.Task[_Metadata]") -> None:
        self._reading = None
        if not reading.cancelled():
            reading.exception()  # looked at, where nobody waits for it any more

    async def _discovered(self) -> _Metadata:
        issuer = self._settings.issuer
        found = await self._read(f"{issuer.rstrip('/')}{_DISCOVERY}", _Metadata)
        if found.issuer != issuer:
            raise ProviderAway("its document is of another issuer than the configured one")
        self._known, self._read_at = found, self._clock()
        return found

    async def _read(self, url: str, kind: type[T], *, headers: dict[str, str] | None = None) -> T:
        return self._good(*await self._ask("GET", url, headers=headers), kind)

    def _good(self, status: int, body: bytes, kind: type[T]) -> T:
        if status != HTTPStatus.OK:
            raise ProviderAway(f"it has answered with status {status}")
        return _read_as(body, kind)

    async def _ask(
        self,
        method: str,
        url: str,
        *,
        data: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, bytes]:
        """The status and the body of the answer. Raises ``ProviderAway``."""
        if urlsplit(url).scheme != "https" and urlsplit(self._settings.issuer).scheme == "https":
            raise ProviderAway("it wants to be asked without encryption")
        try:
            async with self._session.request(
                method,
                url,
                data=data,
                headers={**_HEADERS, **(headers or {})},
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
            ) as answer:
                body = bytearray()
                async for piece in answer.content.iter_any():
                    body += piece
                    if len(body) > _MOST_BYTES:
                        raise ProviderAway("it has answered more than it should")
                return answer.status, bytes(body)
        except TimeoutError as error:
            raise ProviderAway("it does not answer in time") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise ProviderAway(type(error).__name__) from error

    @property
    def _callback(self) -> str:
        return f"{self._settings.address}{CALLBACK}"


def _read_as(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, msgspec.ValidationError, RecursionError) as error:
        raise ProviderAway("its answer cannot be read") from error
