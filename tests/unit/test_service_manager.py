"""What a service manager hears of a daemon that lives, by its own protocol."""

import asyncio
import socket
from pathlib import Path

from controller.service_manager import ServiceManager


async def heard(address: str, times: int) -> list[str]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(address.replace("@", "\0", 1))
        listening.setblocking(False)
        telling = asyncio.create_task(ServiceManager(address).run())
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(10):
            said = [(await loop.sock_recv(listening, 100)).decode() for _ in range(times)]
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
        return said


async def test_it_hears_that_the_daemon_is_there_and_then_that_it_lives(tmp_path: Path) -> None:
    assert await heard(str(tmp_path / "notify"), 3) == ["READY=1", "WATCHDOG=1", "WATCHDOG=1"]


async def test_so_it_does_in_the_abstract_namespace(tmp_path: Path) -> None:
    assert await heard(f"@{tmp_path.name}-notify", 1) == ["READY=1"]


async def test_where_nobody_listens_the_daemon_runs_all_the_same(tmp_path: Path) -> None:
    for address in (None, str(tmp_path / "nobody")):
        running = asyncio.create_task(ServiceManager(address).run())
        await asyncio.sleep(0.01)
        assert not running.done()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
