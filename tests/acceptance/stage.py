"""Plays scenes on the lab, step by step, and keeps when each step began and ended.

Owns what each sentence of a scene means on the telephone. Does not judge what came of it (``judge``).
"""

import asyncio
import signal
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from hashlib import sha256
from time import monotonic
from typing import Any

from lab.pbx import PBX_ADDRESS
from lab.phones import Phone, Phones
from lab.stories import WRITTEN_S
from lab.world import Daemon, World, written_as_file
from tests.acceptance.cast import LINES, RANG, WAYS_OUT, Casting, Kind, Person
from tests.acceptance.scene import Change, Scene, Step, Verb

KEY_S = 0.2
"""How long a key takes, with the silence after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When a step began and ended, by this machine's clock."""

    begin: float
    end: float


@dataclass(slots=True, kw_only=True)
class Played:
    """What happened in a scene.

    ``listening`` is when each person's ear was opened, ``speaking`` the moments from which the sweep runs;
    ``since`` and ``until`` are the decisions (``seq``) around it.
    """

    scene: Scene
    people: Mapping[str, Person]
    moments: dict[str, Moment] = field(default_factory=dict)
    listening: dict[str, float] = field(default_factory=dict)
    speaking: list[float] = field(default_factory=list)
    phones: dict[str, Phone] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    since: int = 0
    until: int = 0
    failure: str = ""


def over(config: Mapping[str, Any], change: Mapping[str, Any]) -> Change:
    """A configuration with a change put over it: blocks are joined, routes come before those there."""
    result = dict(config)
    for key, value in change.items():
        before = result.get(key)
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            result[key] = over(before, value)
        elif key == "routes" and isinstance(before, list):
            result[key] = [*value, *before]
        else:
            result[key] = value
    return result


async def play_all(world: World, scenes: list[Scene]) -> dict[str, Played]:
    """Play every scene, those of one policy at the same time; what each came to, by name."""
    casting, turns = Casting(), defaultdict[str, asyncio.Lock](asyncio.Lock)
    played = {s.name: Played(scene=s, people=casting.cast(s.text.people)) for s in scenes}
    people = [person for one in played.values() for person in one.people.values()]
    told = [person.number for person in people if person.kind in {Kind.AGENT, Kind.REPRESENTATIVE}]
    await asyncio.to_thread(world.daemon.inform, *told)
    async with Phones.of(world.phones) as phones:
        for person in people:
            if person.kind in RANG or person.outside:
                person.line = phones.agent(person.number, answers_after=None)
        for wave in _waves(list(played.values())):
            await _decide_by(world, wave[0].scene.text.policy)
            await asyncio.gather(*(_Stage(world, phones, one, turns).play() for one in wave))
    return played


def _waves(played: list[Played]) -> list[list[Played]]:
    """Those that can be played together; a scene that writes the file is played alone, and last."""
    waves: dict[str, list[Played]] = {}
    for one in sorted(played, key=lambda one: (bool(one.scene.text.files), bool(one.scene.text.policy))):
        text = one.scene.text
        waves.setdefault(one.scene.name if text.files else repr(text.policy), []).append(one)
    return list(waves.values())


async def _decide_by(world: World, change: Change) -> None:
    """Put a policy in force for the calls that begin from now on."""
    world.daemon.config.write_text(written_as_file(over(world.config, change)))
    status, body = await asyncio.to_thread(world.daemon.request, "POST", "/api/v1/config/reload")
    if status != 200:
        raise AssertionError(f"the policy of the scenes is refused: {body}")


class _Stage:
    """Plays one scene."""

    def __init__(self, world: World, phones: Phones, played: Played, turns: Mapping[str, asyncio.Lock]) -> None:
        self._world = world
        self._phones = phones
        self._played = played
        self._scene = played.scene
        self._turns = turns
        self._first = next(iter(p for p in played.people.values() if p.kind in RANG), None)
        self._customer: Person | None = None
        self._deeds: Mapping[Verb, Callable[[Step], Awaitable[None]]] = {
            Verb.CALLS: self._call,
            Verb.JOINS: self._join,
            Verb.ANSWERS: self._answer,
            Verb.IS_PUT_THROUGH: self._put_through,
            Verb.SPEAKS: self._speak,
            Verb.PRESSES: lambda step: self._press(step, step.words["keys"]),
            Verb.DIALS: lambda step: self._press(step, self._person(step, "whom").number),
            Verb.DIALS_CARD_ENTRY: lambda step: self._press(step, f"703{self._room}"),
            Verb.REFERS: self._refer,
            Verb.SENDS_NOTHING: lambda step: self._phone(step).send_nothing(),
            Verb.SENDS_SILENCE: lambda step: self._phone(step).send_silence(),
            Verb.HOLDS: lambda step: self._phone(step).hold(),
            Verb.TAKES_BACK: lambda step: self._phone(step).take_back(),
            Verb.HANGS_UP: self._hang_up,
            Verb.IS_HUNG_UP_ON: lambda step: self._phone(step).ended(),
            Verb.WAITS: lambda step: asyncio.sleep(float(step.words["seconds"])),
            Verb.WAITS_UNTIL: self._wait_until,
            Verb.ASKS: self._ask,
            Verb.WRITES: self._write,
            Verb.RELOADS: self._reload,
        }

    async def play(self) -> None:
        """Play it to its end, or to the step that fails; neutral calls of one reason are made one after the other."""
        played = self._played
        async with AsyncExitStack() as stack:
            for reason in sorted({call.neutral for call in self._scene.text.calls if call.neutral}):
                await stack.enter_async_context(self._turns[reason])
            played.since = await self._last_decision()
            try:
                for step in self._scene.steps:
                    await self._do(step)
                await self._go_home()
            except Exception as error:  # noqa: BLE001 - what a scene fails by is told by its own test
                await self._go_home()
                played.failure = f"{step.place}: {step.name}: {type(error).__name__}: {error}"
            played.until = await self._last_decision()

    async def _do(self, step: Step) -> None:
        begin = monotonic()
        await self._deeds[step.verb](step)
        self._played.moments[step.name] = Moment(begin=begin, end=monotonic())

    async def _call(self, step: Step) -> None:
        who, whom = self._person(step), self._person(step, "whom")
        line = step.words["line"]
        if who.outside:
            who.phone = await self._phones.call(f"019900{LINES[line]}{whom.number[-2:]}", caller=who.number)
            await who.phone.answered()
            self._customer = who
        else:
            who.phone = await self._phones.call(f"{WAYS_OUT[line]}{whom.number}", agent=who.number)
            self._customer = whom
        await self._listen(who)

    async def _join(self, step: Step) -> None:
        """Call the conference, and wait until the PBX has them in it, half a second after it has answered."""
        who, before = self._person(step), await asyncio.to_thread(self._members)
        if who.outside:
            who.phone = await self._phones.call(f"019900{LINES['unasked']}{self._room[-2:]}", caller=who.number)
        else:
            who.phone = await self._phones.call(f"6{self._room}", agent=who.number)
        await _until(self._members, lambda members: members > before, f"{who.name} is not in the conference")
        await self._listen(who)

    def _members(self) -> int:
        """How many are in the conference."""
        return self._world.pbx.asterisk.cli(f"confbridge list room-{self._room}").count("PJSIP/")

    async def _answer(self, step: Step) -> None:
        who = self._person(step)
        if who.line is None:
            raise AssertionError(f"nobody can call {who.name}")
        who.phone = await who.line.next_call()
        await who.phone.answer()
        await who.phone.answered()
        await self._listen(who)

    async def _listen(self, who: Person) -> None:
        """Open somebody's ear where it matters what they hear."""
        if who.phone is not None and who.name in self._scene.text.hears:
            await who.phone.listen()
            self._played.listening[who.name] = monotonic()
            self._played.phones[who.name] = who.phone

    async def _speak(self, step: Step) -> None:
        phone = self._phone(step)
        await phone.answered()
        await phone.play_sweep()
        self._played.speaking.append(monotonic())

    async def _press(self, step: Step, keys: str) -> None:
        await self._phone(step).press(keys)
        await asyncio.sleep(KEY_S * len(keys))

    async def _refer(self, step: Step) -> None:
        """By SIP itself, without a feature code of the PBX."""
        address = f"{PBX_ADDRESS}:{self._world.plan.pbx_sip}"
        await self._phone(step).refer(f"sip:{self._person(step, 'whom').number}@{address}")

    async def _hang_up(self, step: Step) -> None:
        """A neutral call is hung up once the daemon has come to hear of it: nobody can ask whose call it knows."""
        await self._neutral_rows()
        await self._phone(step).hang_up()

    async def _put_through(self, step: Step) -> None:
        await self._known(self._person(step))

    async def _known(self, who: Person) -> str:
        """Wait until somebody outside has been told and asked in the latest call of theirs; gives its id."""
        daemon = self._world.daemon
        calls = [call.name for call in self._scene.calls if who.name in call.words.values()]
        begun = len([name for name in calls if name in self._played.moments])
        otherwise = f"{who.name} has not been put through"
        found = await _until(lambda: daemon.calls_of(who.number), lambda rows: len(rows) >= begun, otherwise)
        return str(found[-1]["id"])

    async def _wait_until(self, step: Step) -> None:
        call = await self._current_call()
        purpose, state = step.words["purpose"], step.words["state"]
        await _until(lambda: self._state(call, purpose), lambda found: found == state, f"{purpose} is not {state}")

    def _state(self, call: str, purpose: str) -> str:
        status, body = self._world.daemon.request("GET", f"/api/v1/calls/{call}")
        recordings = body["recordings"] if status == 200 else []
        return next((str(one["state"]) for one in recordings if one["purpose"] == purpose), "over")

    async def _ask(self, step: Step) -> None:
        path = f"/api/v1/calls/{await self._current_call()}/{step.words['asked']}"
        status, body = await asyncio.to_thread(self._world.daemon.request, "POST", path)
        if status != 200:
            raise AssertionError(f"the API answers {status}: {body}")

    async def _current_call(self) -> str:
        """The id of the call that was begun last."""
        customer = self._customer
        if customer is None:
            raise AssertionError("no call has begun")
        return await self._known(customer)

    async def _write(self, step: Step) -> None:
        name = step.words["file"]
        text = written_as_file(over(over(self._world.config, self._scene.text.policy), self._scene.text.files[name]))
        self._world.daemon.config.write_text(text)
        self._played.versions[name] = sha256(text.encode()).hexdigest()

    async def _reload(self, step: Step) -> None:
        daemon, wanted = self._world.daemon, step.words["outcome"] == "reloads"
        if step.words["by"] == "API":
            status, body = await asyncio.to_thread(daemon.request, "POST", "/api/v1/config/reload")
            if status != (200 if wanted else 422):
                raise AssertionError(f"the API answers {status}: {body}")
            return
        before = await self._last_decision()
        daemon.signal(signal.SIGHUP)
        verdict = "applied" if wanted else "refused"
        query = "SELECT 1 FROM decision WHERE kind = 'config' AND verdict = %s AND seq > %s"
        await _until(lambda: daemon.rows(query, verdict, before), bool, f"the reload is not {verdict}")

    async def _neutral_rows(self) -> None:
        """Wait until what remains of the neutral calls is written; nor is the next one's taken for theirs."""
        query = "SELECT 1 FROM decision WHERE kind = 'record' AND reason = %s AND seq > %s"
        for call in self._scene.text.calls:
            if call.neutral:
                rows = _rows(self._world.daemon, query, call.neutral, self._played.since)
                await _until(rows, bool, f"nothing is written of the call that is {call.neutral}")

    async def _go_home(self) -> None:
        """Whoever still talks hangs up, and every ear is closed."""
        phones = [person.phone for person in self._played.people.values() if person.phone is not None]
        await asyncio.gather(*(phone.hang_up() for phone in phones))
        await asyncio.gather(*(phone.ended() for phone in phones))

    async def _last_decision(self) -> int:
        found = await asyncio.to_thread(self._world.daemon.rows, "SELECT coalesce(max(seq), 0) AS seq FROM decision")
        return int(found[0]["seq"])

    @property
    def _room(self) -> str:
        """The extension of the first of the company, by which their conference and their card entry are called."""
        if self._first is None:
            raise AssertionError("nobody of the company takes part")
        return self._first.number

    def _person(self, step: Step, role: str = "who") -> Person:
        return self._played.people[step.words[role]]

    def _phone(self, step: Step) -> Phone:
        who = self._person(step)
        if who.phone is None:
            raise AssertionError(f"{who.name} is on no telephone")
        return who.phone


def _rows(daemon: Daemon, query: str, *values: object) -> Callable[[], list[dict[str, Any]]]:
    return lambda: daemon.rows(query, *values)


async def _until(look: Callable[[], Any], found: Callable[[Any], bool], otherwise: str) -> Any:
    """Look again and again until it is there. Raises TimeoutError."""
    deadline = monotonic() + WRITTEN_S
    while monotonic() < deadline:
        seen = await asyncio.to_thread(look)
        if found(seen):
            return seen
        await asyncio.sleep(0.05)
    raise TimeoutError(otherwise)
