"""``python -m lab.bench.banner``: how long after a call changed the banner shows it, and how long after a cut.

The calls are in the daemon's own dispatcher, whose commands are carried out at once, and its HTTP server says what
becomes of them; a real Chromium shows the banner, and goes to the server through a relay that carries nothing while it
is cut. PostgreSQL is not in it: whoever has logged in is known without.
"""

import argparse
import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final, cast

from aiohttp import web
from playwright.async_api import Page, async_playwright

from controller.domain import commands as do
from controller.domain import events
from controller.domain.call import Call
from controller.domain.consent import Heard, Outcome
from controller.domain.decision import Reason
from controller.domain.identity import SESSION, AccountRecord, SessionRecord
from controller.domain.names import BridgeId, CallId, ChannelId, RecordingName, Token
from controller.domain.policy import (
    Asked,
    Basis,
    Consent,
    ConsentMode,
    Direction,
    Exclusions,
    Keys,
    Objections,
    Pauses,
    Period,
    Policy,
    Purpose,
    Route,
    Start,
)
from controller.domain.principal import Role
from controller.domain.switchboard import Switchboard
from controller.runtime.clock import now
from controller.runtime.dispatcher import Dispatcher, Question
from controller.runtime.keyring import Keyring
from controller.runtime.ports import IdentityBook
from controller.web import server
from controller.web.live import LiveApi
from controller.web.session import COOKIE
from lab.bench.figures import number, rank, table
from lab.bench.machine import Machine, this_machine
from lab.cable import Cable

CHANGES: Final = 100
CUTS: Final = 60
AGENT: Final = "201"
SECRET: Final = "invented-for-the-bench"  # noqa: S105 - nobody else is ever let in by it
CHROMIUM: Final = "/usr/bin/chromium"
_QUIET: Final = ("--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-gpu")
_PATIENCE_S: Final = 30.0

_WATCH: Final = """() => {
  window.shown = [];
  const look = () => {
    const state = document.querySelector(".call")?.dataset.state ?? "none";
    if (state !== window.shown.at(-1)?.state) window.shown.push({state, at: Date.now()});
  };
  new MutationObserver(look).observe(document.body, {subtree: true, childList: true, attributes: true});
  look();
}"""
"""Note when the banner shows which state, in milliseconds of the machine's clock."""
_SHOWN: Final = "([state, from]) => window.shown.slice(from).find((one) => one.state === state)?.at"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Milliseconds: from a change to the page, from the network's return to the page, from a cut until it is said."""

    changes: Sequence[float]
    returns: Sequence[float]
    cuts: Sequence[float]


class _Calls:
    """Calls of one agent, with a PBX that does at once what it is told."""

    name = "main"
    ready = True
    why_not_ready = ""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._switchboard = Switchboard()
        self.dispatcher = Dispatcher(
            pbx=self.name, policy=_policy(), switchboard=self._switchboard, carry_out=self._carry_out
        )
        self.dispatcher.informed(frozenset({AGENT}), notice="2026-01")
        self._confirmed: asyncio.Queue[RecordingName] = asyncio.Queue()

    def begin(self) -> CallId:
        """One that is being recorded."""
        customer = ChannelId("customer")
        self._switchboard.seen(customer, "PJSIP/carrier-00000001")
        asked = Asked(direction=Direction.INBOUND, queue="support", language="en")
        call = self.dispatcher.ask(Question(channel=customer, linkedid=customer, asked=asked, customer_hash=None))
        for channel, name in ((customer, "PJSIP/carrier-00000001"), (ChannelId("agent"), f"PJSIP/{AGENT}-00000001")):
            self._switchboard.seen(channel, name)
            self._switchboard.entered(channel, BridgeId("talk"))
            self.dispatcher.connections_changed(self._switchboard.connected(channel), now())
        return call

    async def asks(self, call: CallId, *, paused: bool) -> float:
        """Have it paused, or go on; when that was confirmed, in milliseconds."""
        kind = events.PauseRequested if paused else events.ResumeRequested
        self.dispatcher.tell(call, kind(at=now(), cause=Reason.PAYMENT, origin="agent", actor=f"agent:{AGENT}"))
        name = await asyncio.wait_for(self._confirmed.get(), _PATIENCE_S)
        confirmed = events.PauseConfirmed if paused else events.ResumeConfirmed
        at = time.time() * 1000
        self.dispatcher.tell_recording(name, confirmed(at=now(), recording=name))
        return at

    def _carry_out(self, call: Call, command: do.Command) -> None:
        match command:
            case do.Play(prompt=prompt):
                heard = Heard(prompt=prompt, outcome=Outcome.PLAYED, milliseconds=prompt.milliseconds)
                self._soon(call, events.PromptEnded(at=now(), heard=heard))
            case do.LookUpObjections():
                self._soon(call, events.ObjectionsKnown(at=now(), scopes=frozenset()))
            case do.Commit(token=token):
                self._soon(call, events.DecisionCommitted(at=now(), token=token, seq=1, draw=None))
            case do.SetTimer(token=token, seconds=seconds):
                self._loop.call_later(seconds, self._fire, call.id, token)
            case do.Snoop(recording=name):
                self._soon_of(name, events.SnoopReady(at=now(), recording=name))
            case do.StartRecording(recording=name):
                self._soon_of(name, events.RecordingStarted(at=now(), recording=name))
            case do.Pause(recording=name) | do.Resume(recording=name):
                self._confirmed.put_nowait(name)
            case _:
                pass

    def _fire(self, call: CallId, token: Token) -> None:
        self.dispatcher.tell(call, events.TimerFired(at=now(), token=token))

    def _soon(self, call: Call, event: events.Event) -> None:
        self._loop.call_soon(self.dispatcher.tell, call.id, event)

    def _soon_of(self, name: RecordingName, event: Any) -> None:  # noqa: ANN401 - one of a recording
        self._loop.call_soon(self.dispatcher.tell_recording, name, event)


def _policy() -> Policy:
    consent = Consent(mode=ConsentMode.NONE)
    purpose = Purpose(
        name="evidence",
        basis=Basis.CONTRACT,
        start=Start.ON_ANSWER,
        sampling=None,
        consent=consent,
        retention=Period(months=6),
    )
    return Policy(
        version="bench",
        purposes={purpose.name: purpose},
        routes=(Route(name="support", purposes=(purpose.name,)),),
        agents=("PJSIP/2*",),
        notice="2026-01",
        exclusions=Exclusions(),
        pauses=Pauses(),
        objections=Objections(),
        keys=Keys(),
        prompts={},
        default_language="en",
    )


class _Book:
    """One agent, who has logged in."""

    def __init__(self) -> None:
        at = now()
        account = AccountRecord(
            name="bench",
            password_hash=None,
            roles=frozenset({Role.AGENT}),
            purposes=frozenset(),
            extension=AGENT,
            pbx=_Calls.name,
            created_at=at,
        )
        digest = sha256(SECRET.encode()).digest()
        self._session = SessionRecord(sha256=digest, account=account, began_at=at, seen_at=at, ends_at=at + SESSION)

    async def tokens_in_use(self) -> list[Any]:
        """Nobody has a token."""
        return []

    async def sessions_in_use(self) -> list[SessionRecord]:
        """Theirs."""
        return [self._session]

    async def seen(self, _sessions: Any) -> None:  # noqa: ANN401 - it is not kept
        """Nobody else asks."""

    async def accesses_by(self, *_: Any) -> list[Any]:  # noqa: ANN401 - there are none
        """None."""
        return []


async def measure(*, changes: int = CHANGES, cuts: int = CUTS) -> Shown:
    """Change a call so often; cut the network so often, and change it meanwhile."""
    calls = _Calls()
    async with AsyncExitStack() as stack:
        port = await stack.enter_async_context(_served(calls))
        cable = await stack.enter_async_context(Cable("127.0.0.1", port).connected())
        page = await stack.enter_async_context(_banner(f"http://127.0.0.1:{cable.port}"))
        call = calls.begin()
        await _seen(page, "recording", 0)
        changed = [await _changed(calls, call, page, paused=turn % 2 == 0) for turn in range(changes)]
        if changes % 2:
            await _changed(calls, call, page, paused=False)
        rounds = [await _cut(calls, call, page, cable, paused=turn % 2 == 0) for turn in range(cuts)]
    return Shown(changes=changed, cuts=[noticed for noticed, _ in rounds], returns=[back for _, back in rounds])


async def _changed(calls: _Calls, call: CallId, page: Page, *, paused: bool) -> float:
    await asyncio.sleep(random.uniform(0.05, 0.3))
    so_far = await page.evaluate("window.shown.length")
    at = await calls.asks(call, paused=paused)
    return await _seen(page, "paused" if paused else "recording", so_far) - at


async def _cut(calls: _Calls, call: CallId, page: Page, cable: Cable, *, paused: bool) -> tuple[float, float]:
    so_far = await page.evaluate("window.shown.length")
    cut_at = time.time() * 1000
    cable.cut()
    noticed = await _seen(page, "unknown", so_far) - cut_at
    await calls.asks(call, paused=paused)
    await asyncio.sleep(random.uniform(0.2, 3))
    so_far = await page.evaluate("window.shown.length")
    mended_at = time.time() * 1000
    cable.mend()
    back = await _seen(page, "paused" if paused else "recording", so_far) - mended_at
    await asyncio.sleep(random.uniform(0.5, 2))
    return noticed, back


async def _seen(page: Page, state: str, so_far: int) -> float:
    """When the banner showed this, after all that it had shown."""
    shown = await page.wait_for_function(_SHOWN, arg=[state, so_far], polling=20, timeout=_PATIENCE_S * 1000)
    return float(await shown.json_value())


@asynccontextmanager
async def _served(calls: _Calls) -> AsyncIterator[int]:
    book = _Book()
    keyring = Keyring(cast("IdentityBook", book))
    live = LiveApi([calls])
    calls.dispatcher.onlooker = live
    unused: Any = None
    app = server.build(
        pbxs=[calls],
        token=None,
        troubles=dict,
        registration=unused,
        reloading=unused,
        keyring=keyring,
        accesses=cast("Any", book),
        live=live,
    )
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    reading = asyncio.create_task(keyring.run())
    try:
        yield int(runner.addresses[0][1])
    finally:
        reading.cancel()
        await runner.cleanup()


@asynccontextmanager
async def _banner(base: str) -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(_QUIET), chromium_sandbox=False)
        context = await browser.new_context(base_url=base, locale="en")
        await context.add_cookies([{"name": COOKIE, "value": SECRET, "url": base}])
        page = await context.new_page()
        await page.goto("/banner")
        await page.evaluate(_WATCH)
        yield page
        await browser.close()


def section(shown: Shown) -> str:
    """What was measured, as a part of the document."""
    rows = [
        _row("a call has changed, until the page shows it", shown.changes),
        _row("the network carries again, until the page shows what is so", shown.returns),
        _row("the network is cut and tells nobody, until the page says so", shown.cuts),
    ]
    return f"## What the banner shows\n\n{table(('ms', 'times', 'p50', 'p95', 'max'), rows)}\n"


def _row(what: str, values: Iterable[float]) -> tuple[str, ...]:
    ordered = sorted(values)
    return (what, str(len(ordered)), number(rank(ordered, 50)), number(rank(ordered, 95)), number(ordered[-1]))


def _where(machine: Machine, at: datetime) -> str:
    return (
        f"Measured by itself with `python -m lab.bench.banner` on {at:%Y-%m-%d at %H:%M} UTC: {machine.cores} cores "
        f"({machine.processor}), {machine.memory_gib:.0f} GiB, headless Chromium, at niceness {machine.niceness}."
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print what came of it."""
    parser = argparse.ArgumentParser(prog="python -m lab.bench.banner", description="Measure what the banner shows.")
    parser.add_argument("--changes", type=int, default=CHANGES, help="how often a call changes")
    parser.add_argument("--cuts", type=int, default=CUTS, help="how often the network is cut")
    chosen = parser.parse_args(arguments)
    at = datetime.now(UTC)
    print(section(asyncio.run(measure(changes=chosen.changes, cuts=chosen.cuts))))
    print(_where(this_machine(""), at))


if __name__ == "__main__":
    main()
