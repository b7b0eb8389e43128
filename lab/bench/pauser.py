"""A client that pauses each call once, and notes when. Runs as a program, beside the load that it pauses.

Owns when to pause, and the clock of the triggers: the wall clock just before the request is handed to the connection,
so that all the request's way counts as the product's. New calls are found in the database, since asking the API for all
of them again and again would load the daemon that is being measured. Ends by itself.
"""

import asyncio
import json
import os
import random
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import aiohttp
import psycopg

PAUSE_S = 2.0
LOOK_EVERY_S = 0.5
EARLIEST, LATEST = 0.3, 0.5
"""When to pause, as shares of the talk: with the pause in it, there is talk on both sides."""

_NEW_CALLS = """
SELECT id::text, extract(epoch FROM answered_at)::float8 FROM call
WHERE answered_at IS NOT NULL AND ended_at IS NULL AND started_at > now() - interval '1 minute'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """One pause: epoch seconds just before each request was sent and just after its answer came, and what it said."""

    call: str
    paused_at: float
    pause_answered_at: float
    pause_answer: str
    resumed_at: float
    resume_answered_at: float
    resume_answer: str


class Pauser:
    """Pauses calls as they are found."""

    def __init__(self, session: aiohttp.ClientSession, api: str, talk_s: float) -> None:
        self._session = session
        self._api = api
        self._talk_s = talk_s
        self._random = random.Random(1)
        self._known: dict[str, asyncio.Task[Trigger]] = {}

    @property
    def pauses(self) -> list[asyncio.Task[Trigger]]:
        """One for each call that was found."""
        return list(self._known.values())

    def found(self, call: str, answered_at: float) -> None:
        """Pause this call in its due time, once."""
        if call not in self._known:
            due = answered_at + self._talk_s * self._random.uniform(EARLIEST, LATEST)
            self._known[call] = asyncio.create_task(self._pause(call, due))

    async def _pause(self, call: str, due: float) -> Trigger:
        await asyncio.sleep(max(due - time.time(), 0))
        paused_at, pause_answered_at, pause_answer = await self._post(call, "pause")
        await asyncio.sleep(max(paused_at + PAUSE_S - time.time(), 0))
        resumed_at, resume_answered_at, resume_answer = await self._post(call, "resume")
        return Trigger(
            call=call,
            paused_at=paused_at,
            pause_answered_at=pause_answered_at,
            pause_answer=pause_answer,
            resumed_at=resumed_at,
            resume_answered_at=resume_answered_at,
            resume_answer=resume_answer,
        )

    async def _post(self, call: str, what: str) -> tuple[float, float, str]:
        url = f"{self._api}/calls/{call}/{what}"
        sent_at = time.time()
        async with self._session.post(url) as answer:
            body = await answer.read()
        answered_at = time.time()
        said = json.loads(body).get("state", "") if answer.status == 200 else f"status {answer.status}"
        return sent_at, answered_at, said


async def pause_all(job: dict[str, Any]) -> list[Trigger]:
    """Pause so many calls, or those that come within the limit."""
    headers = {"Authorization": f"Bearer {os.environ['RC_BENCH_TOKEN']}"}
    deadline = time.monotonic() + job["limit_s"]
    connector = aiohttp.TCPConnector(keepalive_timeout=60)
    async with (
        aiohttp.ClientSession(headers=headers, connector=connector) as session,
        await psycopg.AsyncConnection.connect(job["database"], autocommit=True) as database,
    ):
        pauser = Pauser(session, job["api"], job["talk_s"])
        while len(pauser.pauses) < job["calls"] and time.monotonic() < deadline:
            for call, answered_at in await (await database.execute(_NEW_CALLS, prepare=True)).fetchall():
                pauser.found(call, answered_at)
            await asyncio.sleep(LOOK_EVERY_S)
        return list(await asyncio.gather(*pauser.pauses))


def main() -> None:
    """Do the job that the command line holds as JSON, and write the triggers to its file."""
    job = json.loads(sys.argv[1])
    triggers = asyncio.run(pause_all(job))
    Path(job["file"]).write_text(json.dumps([asdict(trigger) for trigger in triggers]))


if __name__ == "__main__":
    main()
