"""A customer's number as it lies beside its hash: sealed, so that only who has the key may show it.

AES-256-GCM under a key derived from the secret ``numbers-key`` (HKDF-SHA256), so that whoever reads the database learns
no number. What is sealed is a fresh nonce of 12 bytes, then the text and its tag.
"""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from controller.errors import SealBroken

_KEY_BYTES = 32
_NONCE_BYTES = 12


def display_key(numbers_key: bytes) -> bytes:
    """The key that seals numbers, of the one that hashes them. Costs more than sealing: derive it once."""
    return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=b"display").derive(numbers_key)


def seal(number: str, key: bytes) -> bytes:
    """A number as only ``key`` (of ``display_key``) opens it; never twice the same."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, number.encode(), None)


def unseal(sealed: bytes, key: bytes) -> str:
    """The number that was sealed. Raises ``SealBroken``, without anything of it in the text."""
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None).decode()
    except (InvalidTag, ValueError):
        raise SealBroken("the sealed number is damaged, or is under another key") from None
