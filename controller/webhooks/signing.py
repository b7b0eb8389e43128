"""Signs what is sent, so that its receiver knows who sent it, and when (Standard Webhooks 1.0.0, symmetric)."""

import hmac
from base64 import b64encode
from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Final

ID: Final = "webhook-id"
TIMESTAMP: Final = "webhook-timestamp"
SIGNATURE: Final = "webhook-signature"


def signed(keys: Iterable[bytes], *, identity: str, at: datetime, body: bytes) -> Mapping[str, str]:
    """The headers for a body: a signature by each key, of its identity, the second of ``at`` and itself."""
    seconds = str(int(at.timestamp()))
    content = b".".join((identity.encode(), seconds.encode(), body))
    signatures = (b64encode(hmac.digest(key, content, sha256)).decode() for key in keys)
    return {ID: identity, TIMESTAMP: seconds, SIGNATURE: " ".join(f"v1,{one}" for one in signatures)}
