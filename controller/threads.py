"""Work that blocks, in threads that take nothing from anybody else and keep nobody waiting."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

LET_GO_WITHIN_S = 1.0
"""How long a thread has to end that nobody waits for any more. One that waits for a store may take longer."""


async def off_the_loop(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What ``work`` makes, in a thread that nobody waits for long when this is cancelled. Raises what it raises.

    What waits for an object store must not take one of asyncio's own few threads: decisions are noted in those, and the
    address of a PBX is looked up for a stop.
    """
    return await threaded(partial(work, *args, **kwargs), lambda: None)


async def threaded(work: Callable[[], T], let_go: Callable[[], None]) -> T:
    """What ``work`` makes, in a thread of its own; ``let_go`` has it end soon when this is cancelled.

    Not in asyncio's own threads: those would be waited for when the daemon ends.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def tell(how: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(lambda: None if done.done() else how())

    def run() -> None:
        try:
            made = work()
        except BaseException as error:  # noqa: BLE001 - told to whoever waits
            tell(partial(done.set_exception, error))
        else:
            tell(partial(done.set_result, made))

    threading.Thread(target=run, name="off-the-loop", daemon=True).start()
    try:
        return await asyncio.shield(done)
    except asyncio.CancelledError:
        let_go()
        await asyncio.wait({done}, timeout=LET_GO_WITHIN_S)
        if done.done():
            done.exception()  # looked at, so that nobody is told of it
        raise
