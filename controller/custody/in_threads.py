"""Brings what is made piece by piece in threads to the loop."""

import asyncio
from collections.abc import AsyncGenerator, Generator


async def from_thread(pieces: Generator[bytes, None, None]) -> AsyncGenerator[bytes, None]:
    """Pieces that block while they are made. Close it (``aclosing``) where you stop early."""
    try:
        while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
            yield piece
    finally:
        await asyncio.to_thread(pieces.close)
