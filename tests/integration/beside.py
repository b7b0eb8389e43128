"""Runs something that never ends beside a test."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any


@asynccontextmanager
async def beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Until the block ends. What ended before, by itself or by a fault, fails the test."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        [result] = await asyncio.gather(task, return_exceptions=True)
    assert isinstance(result, asyncio.CancelledError), result
