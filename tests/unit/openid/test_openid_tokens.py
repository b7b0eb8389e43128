"""What an ID token proves, by real signatures: every one that is not wholly right proves nothing."""

from collections.abc import Mapping
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from controller.errors import NotProven
from controller.openid.tokens import SKEW_S, keys_of, proven

AT = 1_790_000_000.0
RIGHT: dict[str, Any] = {
    "iss": "https://login.example",
    "sub": "248289761001",
    "aud": "recording-controller",
    "nonce": "n",
    "iat": AT - 10,
    "exp": AT + 300,
}
RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
EC = ECKey.generate_key("P-256", {"kid": "ec"})
SHOWN = [key.as_dict(private=False) for key in (RSA, EC)]


def signed(claims: Mapping[str, Any], key: Any = RSA, **header: Any) -> str:
    return jwt.encode(
        {"alg": "RS256", "kid": "rsa", **header}, dict(claims), key, algorithms=["RS256", "ES256", "HS256"]
    )


def judged(token: str, keys: Any = SHOWN) -> dict[str, Any]:
    return proven(
        token, keys_of(keys), issuer="https://login.example", client_id="recording-controller", nonce="n", at=AT
    )


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({}, id="as it should be"),
        pytest.param({"aud": ["recording-controller"]}, id="a list of one"),
        pytest.param({"aud": ["recording-controller", "x"], "azp": "recording-controller"}, id="asked for by us"),
        pytest.param({"exp": AT - SKEW_S + 5}, id="just over, by a clock that is behind"),
        pytest.param({"iat": AT + SKEW_S - 5}, id="made in a moment, by a clock that is ahead"),
    ],
)
def test_what_is_right_is_taken(claims: dict[str, Any]) -> None:
    assert judged(signed(RIGHT | claims))["sub"] == "248289761001"


def test_other_signatures_and_keys_of_other_kinds_are_no_obstacle() -> None:
    others = [{"kty": "OKP", "crv": "X25519", "x": "AA"}, {"kty": "RSA", "n": "!"}, {"kty": "AKP"}, {}]
    assert judged(signed(RIGHT, EC, alg="ES256", kid="ec"), [*others, *SHOWN])["sub"]


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"iss": "https://login.example/"}, id="of another issuer"),
        pytest.param({"iss": ["https://login.example", "x"]}, id="of several issuers"),
        pytest.param({"aud": "another"}, id="for another"),
        pytest.param({"aud": ["recording-controller", "another"]}, id="for another too, and nobody says who asked"),
        pytest.param({"azp": "another"}, id="asked for by another"),
        pytest.param({"nonce": "another"}, id="of another attempt"),
        pytest.param({"nonce": ["n", "another"]}, id="of several attempts"),
        pytest.param({"exp": AT - SKEW_S - 5}, id="over"),
        pytest.param({"exp": "tomorrow"}, id="until some day"),
        pytest.param({"iat": AT + SKEW_S + 5}, id="not made yet"),
        pytest.param({"nbf": AT + SKEW_S + 5}, id="not good yet"),
        pytest.param({"sub": 7}, id="about a number"),
        *(pytest.param({name: None}, id=f"without {name}") for name in RIGHT),
    ],
)
def test_what_says_anything_else_proves_nothing(claims: dict[str, Any]) -> None:
    given = {name: value for name, value in {**RIGHT, **claims}.items() if value is not None}
    with pytest.raises(NotProven):
        judged(signed(given))


def test_who_has_only_what_everybody_may_read_signs_nothing() -> None:
    """The public key taken for a secret, no signature at all, another key by the same name, a key in the token."""
    another = RSAKey.generate_key(2048, {"kid": "rsa"})
    public = OctKey.import_key(str(SHOWN[0]["n"]), {"kid": "rsa"})
    none = signed(RIGHT).rpartition(".")[0].partition(".")[2]
    for token in (
        signed(RIGHT, public, alg="HS256"),
        f"eyJhbGciOiJub25lIn0.{none}.",
        signed(RIGHT, another),
        signed(RIGHT, another, jwk=another.as_dict(private=False)),
        signed(RIGHT, EC, alg="ES256"),
        signed(RIGHT, kid="unheard of"),
        signed(RIGHT)[:-4] + "AAAA",
        "",
        "a.b.c",
    ):
        with pytest.raises(NotProven):
            judged(token)
    with pytest.raises(NotProven):
        judged(signed(RIGHT), [])
    with pytest.raises(NotProven):
        judged(signed(RIGHT), [{**RSA.as_dict(private=False), "use": "enc"}])
