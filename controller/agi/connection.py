"""One FastAGI connection: lines in, bytes out, and a time limit on both. Knows no command."""

import asyncio
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from controller.agi.protocol import LineBuffer
from controller.agi.request import AgiRequest, parse_request
from controller.errors import AgiHangup, AgiProtocolError


@dataclass(frozen=True, slots=True, kw_only=True)
class AgiLimits:
    """What one peer, and all of them together, may cost us. Bytes, lines and seconds."""

    line_bytes: int = 2048
    environment_lines: int = 100
    environment_bytes: int = 16 * 1024
    environment_seconds: float = 2.0
    answer_seconds: float = 2.0
    sessions: int = 1000


class AgiConnection:
    """A line at a time from one peer; whatever goes wrong with it is an AgiError."""

    __slots__ = ("_buffer", "_reader", "_writer", "limits", "peer")

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limits: AgiLimits) -> None:
        self._reader = reader
        self._writer = writer
        self._buffer = LineBuffer(limits.line_bytes)
        self.limits = limits
        self.peer = peer_address(writer)

    async def read_request(self) -> AgiRequest:
        """Read the environment within the limits; AgiHangup when the peer leaves in the middle."""
        try:
            async with asyncio.timeout(self.limits.environment_seconds):
                return parse_request(await self._read_environment())
        except TimeoutError as error:
            raise AgiProtocolError("the environment did not arrive in time") from error

    async def _read_environment(self) -> list[str]:
        lines: list[str] = []
        size = 0
        while line := await self.read_line():
            lines.append(line)
            size += len(line.encode())
            if len(lines) > self.limits.environment_lines or size > self.limits.environment_bytes:
                raise AgiProtocolError("the environment is too large")
        return lines

    async def read_line(self) -> str:
        """Wait for the next line; AgiHangup when the peer closes, AgiProtocolError on a line too long."""
        while (line := self._buffer.next_line()) is None:
            try:
                data = await self._reader.read(self.limits.line_bytes)
            except OSError as error:
                raise AgiHangup("the PBX broke the connection") from error
            if not data:
                raise AgiHangup("the PBX closed the connection")
            self._buffer.feed(data)
        return line

    def waiting_line(self) -> str | None:
        """Take a line that has arrived already, without waiting."""
        return self._buffer.next_line()

    async def send(self, data: bytes) -> None:
        """Write all of it; AgiHangup when the peer has gone."""
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError as error:
            raise AgiHangup("the PBX closed the connection") from error

    def abort(self) -> None:
        """Close at once, without waiting for the peer to read: the dialplan goes on."""
        self._writer.transport.abort()


def peer_address(writer: asyncio.StreamWriter) -> str:
    """Tell the peer's IP address, empty when it has gone; IPv4 on a dual-stack socket is written as IPv4."""
    name = writer.get_extra_info("peername")
    if not name:
        return ""
    address = ip_address(str(name[0]))
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(address)
