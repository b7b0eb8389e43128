"""What an ID token proves (OpenID Connect Core 3.1.3.7). Owns no connection: the keys are handed in.

Only signatures that the provider alone can make are taken: what is signed by a secret that we share, or not at all,
proves nothing.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, KeySet, RSAKey

from controller.errors import NotProven

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
SKEW_S: Final = 120
"""By how much the clocks of the provider and of this machine may differ."""

_KINDS: Final[Mapping[str, type[RSAKey] | type[ECKey]]] = {"RSA": RSAKey, "EC": ECKey}


def keys_of(given: Iterable[Mapping[str, Any]]) -> KeySet:
    """The keys of a JWK set that may sign an ID token; others in it are passed over (RFC 7517, section 5)."""
    found: list[Key] = []
    for one in given:
        kind = _KINDS.get(str(one.get("kty")))
        if kind is None or one.get("use", "sig") != "sig":
            continue
        try:
            found.append(kind.import_key(dict(one)))
        except (JoseError, ValueError, TypeError):
            continue
    return KeySet(found)


def proven(token: str, keys: KeySet, *, issuer: str, client_id: str, nonce: str, at: float) -> dict[str, Any]:
    """What the token says of somebody, at ``at`` in seconds since 1970. Raises ``NotProven``."""
    expected = jwt.JWTClaimsRegistry(
        now=int(at),
        leeway=SKEW_S,
        iss={"essential": True, "value": issuer},
        sub={"essential": True},
        aud={"essential": True, "value": client_id},
        exp={"essential": True},
        iat={"essential": True},
        nonce={"essential": True},
    )
    try:
        claims = jwt.decode(token, keys, algorithms=ALGORITHMS).claims
        expected.validate(claims)
    except JoseError as error:
        raise NotProven(f"the ID token is not good: {error.error}") from error
    except (ValueError, TypeError) as error:
        raise NotProven("the ID token is not good: it cannot be read") from error
    # by itself: to the library a list that has it among others would do
    if claims["nonce"] != nonce or claims.get("azp", client_id) != client_id:
        raise NotProven("the ID token is not good: it is of another attempt, or asked for by another")
    if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and "azp" not in claims:
        raise NotProven("the ID token is not good: it is for others too, and does not say who asked for it")
    return claims
