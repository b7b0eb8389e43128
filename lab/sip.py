"""Whether SIP is answered: one OPTIONS (RFC 3261, section 11), and whatever comes back.

Owns the few lines of that request. Does not know what Asterisk it asks.
"""

import secrets
import socket
from dataclasses import dataclass

_LONGEST = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class SipPort:
    """A UDP port where SIP should be answered, and the address from which it knows who asks."""

    address: str
    port: int
    asker: str

    def __str__(self) -> str:
        return f"SIP at {self.address}:{self.port}"

    def answers(self, *, patience: float = 0.5) -> bool:
        """Ask once; say whether anything came back within ``patience`` seconds."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.bind((self.asker, 0))
            asking.settimeout(patience)
            try:
                asking.connect((self.address, self.port))
                asking.send(self._options(asking.getsockname()[1]))
                return bool(asking.recv(_LONGEST))
            except OSError:  # nobody is there, or nobody answers in time
                return False

    def _options(self, port: int) -> bytes:
        here, there, call = f"{self.asker}:{port}", f"{self.address}:{self.port}", secrets.token_hex(8)
        lines = (
            f"OPTIONS sip:{there} SIP/2.0",
            f"Via: SIP/2.0/UDP {here};branch=z9hG4bK{call};rport",
            "Max-Forwards: 70",
            f"From: <sip:lab@{here}>;tag={call}",
            f"To: <sip:{there}>",
            f"Call-ID: {call}",
            "CSeq: 1 OPTIONS",
            "Content-Length: 0",
        )
        return ("\r\n".join(lines) + "\r\n\r\n").encode()
