"""The key that signs the ends of the chains (Ed25519, RFC 8032), and its public half, which verifies."""

from hashlib import sha256
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from controller.errors import ConfigurationError

_ID_DIGITS = 16


class PublicKey:
    """What an auditor needs, and nobody has to keep secret."""

    def __init__(self, key: Ed25519PublicKey) -> None:
        self._key = key

    @classmethod
    def read(cls, pem: bytes) -> Self:
        """A key in PEM. Raises ConfigurationError."""
        try:
            key = load_pem_public_key(pem)
        except ValueError:
            raise ConfigurationError("this is no public key in PEM") from None
        if not isinstance(key, Ed25519PublicKey):
            raise ConfigurationError("this is no Ed25519 key")
        return cls(key)

    @property
    def pem(self) -> str:
        """The key in PEM."""
        return self._key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    @property
    def id(self) -> str:
        """The first 16 hexadecimal digits of the SHA-256 of its 32 bytes."""
        return sha256(self._key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:_ID_DIGITS]

    def signed(self, signature: bytes, text: bytes) -> bool:
        """Whether the private half has signed this."""
        try:
            self._key.verify(signature, text)
        except InvalidSignature:
            return False
        return True


class SigningKey:
    """The private half, from its 32 bytes."""

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = PublicKey(self._key.public_key())

    def sign(self, text: bytes) -> bytes:
        """The signature, 64 bytes."""
        return self._key.sign(text)
