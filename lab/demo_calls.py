"""The callers of ``make demo``: who calls, what they and the agents do, and what has to come of it.

Owns the plots, and the routes that they need beside the example's. Telling and judging them is ``lab.demo``'s.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from lab.phones import Phone, Phones
from lab.stories import Conversation, Staff, answered, converse, live_call
from lab.sweep import RATE, read_wav
from lab.world import EVERY_CALL_NUMBER, Daemon, World

REPRESENTATIVE_NUMBER = "0199000013"
CONFERENCE_NUMBER = "0199000017"
TWO_NUMBER = "0199000022"
ASKED_NUMBER = "0199000023"
PAUSE_S = 2.5

DIALPLAN = f"""
[from-trunk](+)
exten => {TWO_NUMBER},1,Gosub(recording-consent,s,1(two))
 same => n,Queue(support,rt,,,60)
 same => n,Hangup()
exten => {ASKED_NUMBER},1,Gosub(recording-consent,s,1(asked))
 same => n,Queue(support,rt,,,60)
 same => n,Hangup()
"""


@dataclass(slots=True, kw_only=True)
class Story:
    """One call of the demo: what is done, what must be decided, and what must be in the file."""

    title: str
    number: str
    tell: Callable[["Stage", "Story"], Awaitable[Phone | None]]
    expected: tuple[str, ...]
    prompts: tuple[str, ...] = ()
    files: int = 0
    voice_s: float = 2.0
    """How much of the caller's voice each file must hold, at least; seconds."""
    pause_s: float | None = None
    """How long the one pause in each file lasts, None where there is none; what is told may say it itself. Seconds."""
    in_any_order: bool = False
    """Whether two recordings of one call may be decided about in either order."""
    faults: list[str] = field(default_factory=list)
    heard: str = ""
    decided: str = ""
    recorded: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where the stories are told."""

    world: World
    phones: Phones
    staff: Staff


async def _talk(stage: Stage, story: Story) -> Conversation:
    return await converse(stage.phones, stage.staff, stage.world.daemon, caller=story.number, listen=True)


async def listen(stage: Stage, story: Story) -> Phone | None:
    """Let the announcement play, and talk for a while."""
    talk = await _talk(stage, story)
    await asyncio.sleep(4)
    await talk.caller.hang_up()
    return talk.caller


def _press(key: str) -> Callable[[Stage, Story], Awaitable[Phone | None]]:
    async def tell(stage: Stage, story: Story) -> Phone | None:
        caller = await stage.phones.call(EVERY_CALL_NUMBER, caller=story.number)
        await caller.answered()
        await caller.listen()
        await asyncio.sleep(1)
        await caller.press(key)
        await answered(stage.staff, stage.world.daemon, caller, caller=story.number)
        await asyncio.sleep(3)
        await caller.hang_up()
        return caller

    return tell


async def _hang_up_early(stage: Stage, story: Story) -> Phone | None:
    caller = await stage.phones.call(EVERY_CALL_NUMBER, caller=story.number)
    await caller.answered()
    await caller.listen()
    await asyncio.sleep(1.5)
    await caller.hang_up()
    return caller


async def _pay_by_keys(stage: Stage, story: Story) -> Phone | None:
    talk = await _talk(stage, story)
    await asyncio.sleep(3)
    await talk.agent.press("*7")
    await asyncio.sleep(PAUSE_S)
    await talk.agent.press("*8")
    await asyncio.sleep(3)
    await talk.caller.hang_up()
    return talk.caller


async def _pay_over_http(stage: Stage, story: Story) -> Phone | None:
    talk = await _talk(stage, story)
    await asyncio.sleep(3)
    for action, seconds in (("pause", PAUSE_S), ("resume", 3)):
        path = f"/api/v1/calls/{talk.call['id']}/{action}"
        status, body = await asyncio.to_thread(stage.world.daemon.request, "POST", path)
        if status != 200:
            story.faults.append(f"{action}: HTTP {status}: {body}")
        await asyncio.sleep(seconds)
    await talk.caller.hang_up()
    return talk.caller


async def _representative(stage: Stage, story: Story) -> Phone | None:
    line = stage.phones.agent("290")
    caller = await stage.phones.call(REPRESENTATIVE_NUMBER, caller=story.number)
    await caller.answered()
    await caller.listen()
    representative = await line.next_call()
    await representative.answered()
    await caller.play_sweep()
    await asyncio.sleep(3)
    await caller.hang_up()
    return caller


async def _outbound(stage: Stage, story: Story) -> Phone | None:
    callee = stage.phones.callee(story.number)
    agent = await stage.phones.call(story.number, agent="205")
    called = await callee.next_call()
    await called.answered()
    await called.listen()
    await asyncio.sleep(1)
    await called.press("1")
    await agent.answered()
    await called.play_sweep()
    await asyncio.sleep(3)
    await called.hang_up()
    return called


async def _pay_across_a_transfer(stage: Stage, story: Story) -> Phone | None:
    daemon, colleague = stage.world.daemon, stage.phones.agent("210")
    talk = await converse(stage.phones, stage.staff, daemon, caller=story.number, number=TWO_NUMBER, listen=True)
    await asyncio.sleep(1)
    await talk.agent.press("*5")
    await _both_are_recorded(daemon, str(talk.call["id"]))
    await asyncio.sleep(1)
    await talk.agent.press("*7")
    paused = time.monotonic()
    await asyncio.sleep(0.7)
    await talk.agent.press("#1")
    await asyncio.sleep(1)
    await talk.agent.press("210")
    joined = await colleague.next_call()
    await joined.answered()
    await asyncio.sleep(1)
    story.pause_s = time.monotonic() - paused
    await joined.press("*8")
    await asyncio.sleep(3)
    await talk.caller.hang_up()
    return talk.caller


async def _both_are_recorded(daemon: Daemon, call: str) -> None:
    """Wait until the customer was told again, and the second recording has begun."""
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        found = await asyncio.to_thread(daemon.recordings, call)
        if [recording["state"] for recording in found] == ["recording", "recording"]:
            return
        await asyncio.sleep(0.1)
    raise TimeoutError("no second recording has begun")


async def _representative_joins(stage: Stage, story: Story) -> Phone | None:
    caller = await stage.phones.call(CONFERENCE_NUMBER, caller=story.number)
    await caller.answered()
    await caller.listen()
    agent = await stage.phones.call("600", agent="211")
    await agent.answered()
    await live_call(stage.world.daemon, queue="conference", state="recording")
    await caller.play_sweep()
    await asyncio.sleep(3)
    representative = await stage.phones.call("600", agent="290")
    await _three_are_in_the_conference(stage)
    await asyncio.sleep(PAUSE_S)
    await representative.hang_up()
    await asyncio.sleep(3)
    await caller.hang_up()
    await agent.hang_up()
    return caller


async def _three_are_in_the_conference(stage: Stage) -> None:
    """Whoever calls it is in it half a second after it has answered."""
    async with asyncio.timeout(15):
        while stage.world.pbx.asterisk.cli("confbridge list lab").count("PJSIP/") < 3:  # noqa: ASYNC110 - it gives no sign
            await asyncio.sleep(0.02)


async def _object_in_mid_call(stage: Stage, story: Story) -> Phone | None:
    talk = await _talk(stage, story)
    await asyncio.sleep(3)
    await talk.agent.press("*9")
    await asyncio.sleep(2)
    await talk.caller.hang_up()
    return talk.caller


def _answer_the_choice(key: str | None) -> Callable[[Stage, Story], Awaitable[Phone | None]]:
    async def tell(stage: Stage, story: Story) -> Phone | None:
        caller = await stage.phones.call(ASKED_NUMBER, caller=story.number)
        await caller.answered()
        await caller.listen()
        if key is not None:
            announcement = stage.world.prompt_file("quality", "fr")
            await asyncio.sleep(len(read_wav(announcement)) / RATE + 1)
            await caller.press(key)
        await answered(stage.staff, stage.world.daemon, caller, caller=story.number)
        await asyncio.sleep(3)
        await caller.hang_up()
        return caller

    return tell


_ANNOUNCED = "consent allowed: announced"
_RECORDED = "record allowed: legal-obligation"
_ENDED = "stop applied: call-ended"
_PAID = (_ANNOUNCED, _RECORDED, "pause applied: payment", "resume allowed: payment-over", _ENDED)
_REFUSED = ("consent refused: opted-out", "record refused: opted-out")


def stories() -> list[Story]:
    """The first eight calls."""
    return [
        Story(
            title="1 lets the announcement play",
            number="0639980001",
            tell=listen,
            expected=(_ANNOUNCED, _RECORDED, _ENDED),
            prompts=("quality",),
            files=1,
        ),
        Story(title="2 presses 1", number="0639980002", tell=_press("1"), expected=_REFUSED),
        Story(
            title="3 presses * for the information, then stays silent",
            number="0639980003",
            tell=_press("*"),
            expected=(_ANNOUNCED, _RECORDED, _ENDED),
            prompts=("information", "choice"),
            files=1,
        ),
        Story(
            title="4 hangs up in the announcement",
            number="0639980004",
            tell=_hang_up_early,
            expected=("consent refused: announcement-incomplete",),
        ),
        Story(
            title="5 pays; the agent's keys pause",
            number="0639980005",
            tell=_pay_by_keys,
            expected=_PAID,
            prompts=("quality",),
            files=1,
            pause_s=PAUSE_S,
        ),
        Story(
            title="6 pays; HTTP pauses",
            number="0639980006",
            tell=_pay_over_http,
            expected=_PAID,
            prompts=("quality",),
            files=1,
            pause_s=PAUSE_S,
        ),
        Story(
            title="7 calls an employee representative",
            number="0639980007",
            tell=_representative,
            expected=("consent allowed: announced", "record refused: representative"),
            prompts=("quality",),
        ),
        Story(title="8 is called, and presses 1", number="0639980008", tell=_outbound, expected=_REFUSED),
    ]


def more_stories() -> list[Story]:
    """What else the policy says, call by call."""
    opened = (_ANNOUNCED, _RECORDED)
    return [
        Story(
            title="10 has two recordings, pays, and is transferred meanwhile",
            number="0639980010",
            tell=_pay_across_a_transfer,
            expected=(
                *opened,
                "record allowed: trigger",
                *("pause applied: payment", "resume allowed: payment-over", _ENDED) * 2,
            ),
            prompts=("quality",),
            files=2,
            pause_s=PAUSE_S,
            in_any_order=True,
        ),
        Story(
            title="11 is in conference, where a representative joins",
            number="0639980011",
            tell=_representative_joins,
            expected=(*opened, "pause applied: representative", "resume allowed: nothing-forbids", _ENDED),
            prompts=("quality",),
            files=1,
            pause_s=PAUSE_S,
        ),
        Story(
            title="12 objects in mid-call",
            number="0639980012",
            tell=_object_in_mid_call,
            expected=(
                *opened,
                "consent refused: opted-out",
                "stop applied: opted-out",
                "discard applied: opted-out",
            ),
            prompts=("quality",),
        ),
        Story(
            title="13 is asked, and agrees by 2",
            number="0639980013",
            tell=_answer_the_choice("2"),
            expected=("consent allowed: agreed", _RECORDED, _ENDED),
            prompts=("quality",),
            files=1,
        ),
        Story(
            title="14 is asked, and stays silent",
            number="0639980014",
            tell=_answer_the_choice(None),
            expected=("consent refused: not-agreed", "record refused: not-agreed"),
            prompts=("quality", "agree"),
        ),
    ]


def add_routes(config: dict[str, Any]) -> None:
    """A conference, a route with two purposes, and one that asks for a key; and one sample of the whole queue."""
    config["purposes"]["quality"]["sampling"]["strata"] = ["queue"]
    purposes, every = config["purposes"], config["purposes"]["every"]
    purposes["contract"] = dict(config["purposes"]["orders"]) | {"consent": every["consent"]}
    config["announcements"]["agree"] = {
        "sound": "recording-controller/agree",
        "text": {"fr": "Touche deux pour accepter d'être enregistré.", "en": "Press two to agree to being recorded."},
    }
    keys = {"object": "1", "agree": "2", "information": "*"}
    asking = dict(every["consent"]) | {"mode": "opt-in", "choice": "agree", "keys": keys}
    purposes["asked"] = dict(every) | {"consent": asking}
    config["routes"][:0] = [
        {"name": "conference", "queues": ["conference"], "purposes": ["every"]},
        {"name": "two", "queues": ["two"], "purposes": ["every", "contract"]},
        {"name": "asked", "queues": ["asked"], "purposes": ["asked"]},
    ]
