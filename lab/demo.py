"""``make demo``: real calls through a real PBX, and what was heard, decided and recorded, call by call.

Exits with 1 when anything is not as it should be. With ``KEEP=1`` in the environment the lab then keeps running.
"""

import asyncio
import os
import secrets
import sys
from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.table import Table

from controller.domain.tracking import CATCH_UP_S
from lab.demo_calls import DIALPLAN, Stage, Story, add_routes, listen, more_stories, stories
from lab.demo_life import Deed, Scene, customers_of, live_on
from lab.hearing import heard
from lab.kept import PEOPLE, SOFTPHONE, Kept, spoken, welcome
from lab.pbx import PbxOptions
from lab.phones import Phone, Phones
from lab.stories import Staff, written
from lab.sweep import Gap, Spans, missing, moments
from lab.world import ONE_AGENT_NUMBER, World, record_every_call, shorten

SAMPLE_NUMBER = "0199000010"
SAMPLE_CALLS = 40
A_PAUSE_S = 1.0
"""A gap in the audio longer than this is a pause; keys leave holes of 0.1 s."""
PAUSE_ERROR_S = 0.3
"""How far the gap of a pause may be from what the story's own clock says: what keys and telephones take."""

console = Console(width=None if sys.stdout.isatty() else 150, log_path=False)


async def _tell(stage: Stage, story: Story, say: Callable[[str], None]) -> None:
    """Tell one story, then hold what came of it against what should."""
    before = {row["id"] for row in await asyncio.to_thread(_excluded, stage.world)}
    try:
        phone = await story.tell(stage, story)
        if phone is not None:
            await phone.ended()
            await asyncio.to_thread(_judge_hearing, stage.world, story, phone)
        await _judge(stage.world, story, before)
    except Exception as error:  # noqa: BLE001 - the story's own boundary: the others are told all the same
        story.faults.append(f"{type(error).__name__}: {error}")
    say(f"{story.title}: {'as it should be' if not story.faults else '; '.join(story.faults)}")


def _judge_hearing(world: World, story: Story, phone: Phone) -> None:
    shares = {name: heard(phone.heard_file, world.prompt_file(name, "fr")).share for name in _HEARABLE}
    story.heard = "\n".join(f"{name} {share:.0%}" for name, share in shares.items() if share > 0.02) or "nothing"
    story.faults += [f"{name} was not heard whole" for name in story.prompts if shares[name] < 0.9]


_HEARABLE = ("quality", "information", "choice", "agree")


def _excluded(world: World) -> list[dict[str, Any]]:
    """Calls that name nobody: a representative's."""
    return world.daemon.rows("SELECT id FROM call WHERE customer_hash IS NULL")


async def _judge(world: World, story: Story, before: set[Any]) -> None:
    daemon = world.daemon
    if "representative" in story.expected[-1]:
        await asyncio.sleep(1)
        [call] = [row for row in await asyncio.to_thread(_excluded, world) if row["id"] not in before]
    else:
        call = await written(daemon, story.number)
    decisions = await asyncio.to_thread(daemon.decisions, call["id"])
    told = tuple(f"{d['kind']} {d['verdict']}: {d['reason']}" for d in decisions)
    story.decided = "\n".join(f"{text} ({d['actor']})" for text, d in zip(told, decisions, strict=True))
    as_expected = sorted(told) == sorted(story.expected) if story.in_any_order else told == story.expected
    if not as_expected:
        story.faults.append(f"decided {', '.join(told)} instead of {', '.join(story.expected)}")
    recordings = await asyncio.to_thread(daemon.recordings, call["id"])
    files = [world.recording_file(r["name"]) for r in recordings if world.recording_file(r["name"]).exists()]
    if len(files) != story.files:
        story.faults.append(f"{len(files)} recordings instead of {story.files}")
    lines = []
    for file in files:
        stretches = await asyncio.to_thread(moments, file)
        lines += told_of(stretches)
        story.faults += faults_of(story, stretches)
    story.recorded = "\n".join(lines) or "no file"


def told_of(stretches: Spans) -> list[str]:
    """What a file holds of the caller's voice, and what it lacks, in words."""
    told = [f"{sum(s.seconds for s in stretches):.2f} s of the caller's voice"]
    return told + [f"none of {g.begin_s:.2f} to {g.end_s:.2f} s ({g.seconds:.2f} s)" for g in _pauses(stretches)]


def faults_of(story: Story, stretches: Spans) -> list[str]:
    """What is not as it should be in a file: the caller's voice, and the one pause and how long it is."""
    faults, gaps = [], _pauses(stretches)
    voice_s = sum(stretch.seconds for stretch in stretches)
    if voice_s < story.voice_s:
        faults.append(f"{voice_s:.2f} s of the caller's voice instead of at least {story.voice_s:g} s")
    expected = 0 if story.pause_s is None else 1
    if len(gaps) != expected:
        faults.append(f"{len(gaps)} pauses in the audio instead of {expected}")
    elif story.pause_s is not None and abs(gaps[0].seconds - story.pause_s - CATCH_UP_S) > PAUSE_ERROR_S:
        faults.append(f"a pause of {gaps[0].seconds:.2f} s in the audio instead of {story.pause_s + CATCH_UP_S:.2f} s")
    return faults


def _pauses(stretches: Spans) -> list[Gap]:
    return [gap for gap in missing(stretches) if gap.seconds > A_PAUSE_S]


async def _sample(stage: Stage) -> Story:
    """Enough short calls to show the sample."""

    async def call(serial: int) -> None:
        phone = await stage.phones.call(SAMPLE_NUMBER, caller=f"06399803{serial:02}")
        await phone.answered()
        await phone.ended(120)

    staff = Staff(stage.phones)
    serving = asyncio.create_task(staff.hang_up_after(0.4))
    try:
        async with asyncio.TaskGroup() as tasks:
            for serial in range(SAMPLE_CALLS):
                tasks.create_task(call(serial))
                await asyncio.sleep(0.15)
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
    last = f"06399803{SAMPLE_CALLS - 1:02}"
    await written(stage.world.daemon, last)
    return await asyncio.to_thread(_judge_sample, stage.world)


def _judge_sample(world: World) -> Story:
    rows = world.daemon.rows(
        "SELECT reason, count(*) AS number FROM decision WHERE kind = 'record' AND purpose = 'quality'"
        " GROUP BY reason ORDER BY reason"
    )
    files = world.daemon.rows("SELECT count(*) AS number FROM recording WHERE purpose = 'quality'")[0]["number"]
    counts = {row["reason"]: row["number"] for row in rows}
    total, chosen = sum(counts.values()), counts.get("sampled", 0)
    story = Story(title=f"9 and {SAMPLE_CALLS} short calls", number="", tell=listen, expected=())
    story.heard = "the announcement, each"
    story.decided = "\n".join(f"record: {reason}, {number} calls" for reason, number in counts.items())
    story.recorded = f"{files} files: {chosen / max(total, 1):.0%} of {total}"
    if total != SAMPLE_CALLS:
        story.faults.append(f"{total} calls were decided instead of {SAMPLE_CALLS}")
    if not 0.20 <= chosen / max(total, 1) <= 0.30:
        story.faults.append("the sample is not between 20 and 30 %")
    if files != chosen:
        story.faults.append(f"{files} files for {chosen} calls that were chosen")
    return story


def _table(told: list[Story]) -> Table:
    table = Table(title="What happened, call by call", show_lines=True)
    for name in ("the caller", "heard", "decided, as PostgreSQL has it", "in the file", ""):
        table.add_column(name)
    for story in told:
        mark = "[red]" + "; ".join(story.faults) if story.faults else "[green]good"
        table.add_row(story.title, story.heard, story.decided, story.recorded, mark)
    return table


def _live_on(world: World, told: list[Story]) -> list[Deed]:
    """What becomes of the recordings of these stories."""
    sampled = customers_of(world, [f"06399803{serial:02}" for serial in range(SAMPLE_CALLS)], "quality")
    kept = customers_of(world, [story.number for story in told if story.number], "every")
    scene = Scene(
        world=world, folder=world.daemon.directory / "fetched", customers=tuple(sampled), kept_customer=kept[0]
    )
    with console.status("what becomes of the recordings"):
        return live_on(scene, console.log)


def _table_of_deeds(deeds: list[Deed]) -> Table:
    table = Table(title="What became of the recordings", show_lines=True)
    for name in ("what was done", "what came of it", ""):
        table.add_column(name)
    for deed in deeds:
        mark = "[red]" + "; ".join(deed.faults) if deed.faults else "[green]good"
        table.add_row(deed.title, "\n".join(deed.told), mark)
    return table


async def _tell_all(world: World) -> list[Story]:
    told = stories()
    async with Phones.of(world.phones) as phones:
        stage = Stage(world=world, phones=phones, staff=Staff(phones))
        with console.status("eight callers at once"):
            await asyncio.gather(*(_tell(stage, story, console.log) for story in told))
        with console.status(f"{SAMPLE_CALLS} short calls"):
            sample = await _sample(stage)
            console.log(f"{sample.title}: {sample.recorded}")
        with console.status("five callers at once"):
            more = more_stories()
            stage = Stage(world=world, phones=phones, staff=Staff(phones))  # the lines were the sample's meanwhile
            await asyncio.gather(*(_tell(stage, story, console.log) for story in more))
    return [*told, sample, *more]


def main() -> int:
    """Run the demo; the exit status."""
    console.log("starting the PBX, the telephones, PostgreSQL and the daemon")
    softphone = secrets.token_urlsafe(9)
    options = PbxOptions(dialplan=DIALPLAN, softphone=softphone if os.environ.get("KEEP") else "")
    with World.running(shorten, record_every_call, add_routes, options=options) as world:
        console.log("ready: calling")
        told = asyncio.run(_tell_all(world))
        console.print(_table(told))
        deeds = _live_on(world, told)
        console.print(_table_of_deeds(deeds))
        faulty = any(story.faults for story in told) or any(deed.faults for deed in deeds)
        if faulty:
            console.print(world.daemon.tail())
        if os.environ.get("KEEP"):
            asyncio.run(_keep(world, softphone))
    return 1 if faulty else 0


async def _keep(world: World, softphone: str) -> None:
    """Leave it running, with calls whenever somebody asks for one, until somebody ends it."""
    address = f"http://127.0.0.1:{world.daemon.http_port}"
    password = await asyncio.to_thread(welcome, world.daemon)
    sounds = await asyncio.to_thread(spoken, world)
    console.print(_table_of_people(address, password))
    console.print(
        f"1. Log in as louis: {address}/console/calls shows a call while it is under way.",
        f"2. Some seconds after its end: {address}/console/recordings, the first row, Listen.",
        "As lea you see the banner of the agent who talks.",
        f"Your own call: a softphone on this machine, user {SOFTPHONE}, password {softphone} , server",
        f"{world.pbx.sip_address}:{world.pbx.sip_port} (UDP), calls {ONE_AGENT_NUMBER}.",
        "The agent asks for a card number, which is not recorded.",
        f"API: {address}/api/v1, bearer token {world.daemon.token}",
        f"Commands: .venv/bin/recording-controller decisions --config {world.daemon.config}",
        sep="\n",
    )
    async with Phones.of(world.phones) as phones:
        kept = Kept(world, phones, sounds)
        answering = asyncio.create_task(kept.answer())
        calls = [asyncio.create_task(kept.call())]
        console.print("Somebody calls now, for half a minute.")
        while await asyncio.to_thread(_wanted):
            calls.append(asyncio.create_task(kept.call()))
        for task in (answering, *calls):
            task.cancel()
        for ended in await asyncio.gather(answering, *calls, return_exceptions=True):
            if isinstance(ended, Exception):
                console.print(f"a call was not as it should be: {ended}")


def _wanted() -> bool:
    """Whether somebody wants one more call, and not the end."""
    try:
        return console.input("Enter: one more call. q and Enter: end. ").strip() == ""
    except EOFError:
        return False


def _table_of_people(address: str, password: str) -> Table:
    table = Table(title=f"Log in at {address} with the password {password}")
    for name in ("account", "role", "sees"):
        table.add_column(name)
    for one in PEOPLE:
        table.add_row(one.name, one.role, one.sees)
    return table


if __name__ == "__main__":
    sys.exit(main())
