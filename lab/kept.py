"""What ``make demo KEEP=1`` leaves running: people who can log in, agents who answer, a caller when one is asked for.

Owns who they are and what they say.
"""

import asyncio
import secrets
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from controller.errors import PbxError
from lab.phones import Line, Phone, Phones
from lab.prompts import SpokenText, build
from lab.stories import Staff, connected
from lab.world import ONE_AGENT_NUMBER, Daemon, World

SOFTPHONE = "softphone"
"""By which name somebody's own telephone registers with the PBX."""

LINES = {
    "caller-asks": "Bonjour. Je voudrais renouveler mon abonnement, s'il vous plaît.",
    "agent-offers": "Bonjour, avec plaisir. Le renouvellement coûte quarante-deux euros par an.",
    "agent-asks": "Je coupe l'enregistrement. Quel est le numéro de votre carte, s'il vous plaît ?",
    "caller-pays": "Quarante-deux, quarante-deux, quarante-deux, quarante-deux.",
    "agent-thanks": "Merci, c'est payé. L'enregistrement reprend. Au revoir, et bonne journée.",
    "caller-leaves": "Merci beaucoup. Au revoir.",
}
"""A call about a subscription, with a card number that nobody may hear."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogIn:
    """Somebody of the lab who can log in, and what they may."""

    name: str
    role: str
    words: tuple[str, ...] = ()
    sees: str = ""


PEOPLE = (
    LogIn(name="lea", role="agent", words=("--extension", "201"), sees="the banner of extension 201"),
    LogIn(name="louis", role="supervisor", words=("--purpose", "*"), sees="live calls, recordings, sampling"),
    LogIn(
        name="nora",
        role="listener",
        words=("--purpose", "every"),
        sees="recordings for the purpose every, and no live call",
    ),
    LogIn(name="diane", role="dpo", sees="everything that is stored, and the rights of data subjects"),
    LogIn(name="adam", role="administrator", sees="accounts, tokens, configuration; hears nothing"),
)


def welcome(daemon: Daemon) -> str:
    """Give each of them an account; the password that all of them have."""
    password = secrets.token_urlsafe(9)
    for one in PEOPLE:
        command = [sys.executable, "-m", "controller", "accounts", "add", one.name, "--role", one.role, *one.words]
        subprocess.run(
            [*command, "--config", str(daemon.config)],
            env=daemon.environ,
            input=f"{password}\n",
            text=True,
            stdout=subprocess.DEVNULL,
            check=True,
        )
    return password


def spoken(world: World) -> Path:
    """What they say, as the telephones play it: a folder of sounds by their names in ``LINES``."""
    folder = world.phones.directory / "data" / "sounds" / "lab"
    build([SpokenText(sound=name, language="fr", text=text) for name, text in LINES.items()], folder)
    return folder / "fr"


async def say(phone: Phone, sounds: Path, name: str) -> None:
    """Say one line, to its end. Raises ``Gone`` where the call ends before."""
    await phone.play(f"sound:{sounds / name}")
    await phone.played()


LISTENING_S = 4.0
"""How long an agent gives a caller to say something."""
PAUSE, RESUME = "*7", "*8"
"""What an agent presses so that nothing of a payment is recorded, and once it is over."""


async def renew(caller: Phone, agent: Phone, sounds: Path) -> None:
    """Talk about a subscription, pay for it while nothing is recorded, and say goodbye."""
    await say(caller, sounds, "caller-asks")
    await say(agent, sounds, "agent-offers")
    await say(agent, sounds, "agent-asks")
    await agent.press(PAUSE)
    await asyncio.sleep(1)
    await say(caller, sounds, "caller-pays")
    await agent.press(RESUME)
    await asyncio.sleep(3)
    await say(agent, sounds, "agent-thanks")
    await say(caller, sounds, "caller-leaves")
    await caller.hang_up()


class Kept:
    """Agents who answer for as long as it lasts, and callers when they are asked for."""

    def __init__(self, world: World, phones: Phones, sounds: Path) -> None:
        self._world = world
        self._phones = phones
        self._sounds = sounds
        self._staff = Staff(phones)
        self._ours = 0
        self._callers = count()

    async def call(self) -> None:
        """Have somebody who has never called before call about a subscription, and talk until they say goodbye."""
        self._ours += 1
        number = f"06399807{next(self._callers) % 100:02}"
        try:
            caller = await self._phones.call(ONE_AGENT_NUMBER, caller=number)
            await caller.answered()
            talk = await connected(self._staff, self._world.daemon, caller, caller=number)
        finally:
            self._ours -= 1
        await renew(talk.caller, talk.agent, self._sounds)

    async def answer(self) -> None:
        """Talk to whoever else calls, by a telephone of their own, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for line in self._staff.lines:
                tasks.create_task(self._answer(line))

    async def _answer(self, line: Line) -> None:
        while True:
            await asyncio.sleep(0.2)
            if self._ours or line.arrived.empty():
                continue
            phone = await line.next_call()
            with suppress(PbxError):
                await phone.answered()
                await self._sell(phone)

    async def _sell(self, agent: Phone) -> None:
        """The agent's side of the same, for a caller of whom nobody knows when they speak."""
        await say(agent, self._sounds, "agent-offers")
        await asyncio.sleep(LISTENING_S)
        await say(agent, self._sounds, "agent-asks")
        await agent.press(PAUSE)
        await asyncio.sleep(2 * LISTENING_S)
        await agent.press(RESUME)
        await asyncio.sleep(3)
        await say(agent, self._sounds, "agent-thanks")
        await asyncio.sleep(LISTENING_S)
        await agent.hang_up()
