"""FastAGI as a real Asterisk speaks it: what is heard, what is pressed, and how the dialplan goes on.

Each call asks one server, the one under test, and then tells another how it went: AGISTATUS, RC_VERDICT.
"""

import asyncio
import math
import struct
import sys
import wave
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from controller.agi.request import AgiRequest
from controller.agi.server import FastAgiServer
from controller.agi.session import AgiSession, Streamed, StreamOutcome
from controller.errors import AgiHangup, AgiProtocolError
from lab.pbx import Instance, PbxOptions, Plan, start_pbx

# Called as Local/<how the caller behaves>@agi-caller/n, connected to <port asked><port told>@agi-ask, five digits each.
DIALPLAN = """
[agi-caller]
exten => quiet,1,Answer()
 same => n,Wait(20)
exten => _press-[0-9*#]-X!,1,Answer()
 same => n,Wait(${EXTEN:8})
 same => n,SendDTMF(${EXTEN:6:1})
 same => n,Wait(20)
exten => _ha[n]gup-X!,1,Answer()
 same => n,Wait(${EXTEN:7})
 same => n,Hangup()

[agi-ask]
exten => _XXXXXXXXXX,1,Answer()
 same => n,Set(TOLD=${EXTEN:5})
 same => n,Set(CALLERID(num)=0639980001)
 same => n,AGI(agi://127.0.0.1:${EXTEN:0:5}/consent?queue=support&greeting=bonjour%20%C3%A0,first,second)
 same => n,AGI(agi://127.0.0.1:${TOLD}/went-on?status=${AGISTATUS}&verdict=${RC_VERDICT})
 same => n,Hangup()
exten => h,1,AGI(agi://127.0.0.1:${TOLD}/hung-up?verdict=${RC_VERDICT})

[agi-outbound]
exten => _XXXXXXXXXX,1,Answer()
 same => n,Dial(Local/press-1-1@agi-caller/n,20,U(agi-callee^${EXTEN:0:5}^${EXTEN:5}))

[agi-callee]
exten => s,1,AGI(agi://127.0.0.1:${ARG1}/consent?queue=outbound)
 same => n,AGI(agi://127.0.0.1:${ARG2}/went-on?status=${AGISTATUS}&verdict=${RC_VERDICT})
 same => n,Return()
"""

SAMPLES = 16000

# A daemon to be killed: it plays what it is told to, and says its port and when it begins.
VICTIM = """
import asyncio, sys
from controller.agi.server import FastAgiServer

async def handle(session):
    print("playing", flush=True)
    await session.stream_file(sys.argv[1], "1", bound=60)

async def main():
    async with FastAgiServer(host="127.0.0.1", port=0, allowed=lambda _: True, handler=handle) as server:
        print(server.port, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""

Dialogue = Callable[[AgiSession], Awaitable[object]]


class Line:
    """Places calls and hears how they went."""

    def __init__(self, pbx: Instance, tone: str) -> None:
        self._pbx = pbx
        self.tone = tone
        self._told: asyncio.Queue[AgiRequest] = asyncio.Queue()
        self.outcomes: asyncio.Queue[object] = asyncio.Queue()
        self.teller = FastAgiServer(host="127.0.0.1", port=0, allowed=lambda _: True, handler=self._tell)

    async def _tell(self, session: AgiSession) -> None:
        await self._told.put(session.request)

    async def place(self, caller: str, asked: int, context: str = "agi-ask") -> None:
        where = f"{asked:05}{self.teller.port:05}@{context}"
        command = f"channel originate Local/{caller}@agi-caller/n extension {where}"
        await asyncio.to_thread(self._pbx.asterisk.cli, command)

    async def ask(self, caller: str, dialogue: Dialogue, context: str = "agi-ask") -> object:
        """Place a call whose AGI runs this dialogue; what it returned."""

        async def handle(session: AgiSession) -> None:
            await self.outcomes.put(await dialogue(session))

        async with FastAgiServer(host="127.0.0.1", port=0, allowed=lambda _: True, handler=handle) as server:
            await self.place(caller, server.port, context)
            return await self.outcomes.get()

    async def play(self, caller: str, sound: str | None = None) -> object:
        """Place a call that hears the tone, to be cut short by 1 or *."""

        async def dialogue(session: AgiSession) -> object:
            return await session.stream_file(sound or self.tone, "1*", bound=60)

        return await self.ask(caller, dialogue)

    async def told(self, path: str) -> Mapping[str, str]:
        """Wait for the dialplan to say how it went on."""
        while (request := await self._told.get()).path != path:
            pass
        return request.query


def write_tone(path: Path) -> None:
    """Two seconds at 8000 samples a second."""
    samples = (int(8000 * math.sin(0.3 * n)) for n in range(SAMPLES))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))


@pytest.fixture(scope="module")
def pbx() -> Iterator[Instance]:
    with start_pbx(Plan.free(), PbxOptions(language="en", dialplan=DIALPLAN)) as instance:
        write_tone(instance.directory / "tone.wav")
        yield instance


@pytest.fixture
async def line(pbx: Instance) -> AsyncIterator[Line]:
    line = Line(pbx, str(pbx.directory / "tone"))
    async with line.teller, asyncio.timeout(60):
        yield line


@asynccontextmanager
async def victim(sound: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", VICTIM, sound, stdout=asyncio.subprocess.PIPE)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_the_request_is_read_as_asterisk_writes_it(line: Line) -> None:
    async def dialogue(session: AgiSession) -> object:
        return session.request

    request = await line.ask("quiet", dialogue)
    assert isinstance(request, AgiRequest)
    assert (request.path, request.query) == ("/consent", {"queue": "support", "greeting": "bonjour à"})
    assert request.arguments == ("first", "second")
    assert (request.caller_number, request.dialled_number) == ("0639980001", None)
    assert request.channel_name.startswith("Local/quiet@agi-caller-")
    assert (request.language, request.context) == ("en", "agi-ask")


async def test_the_linked_id_can_be_asked_for_and_an_unset_variable_is_none(line: Line) -> None:
    async def dialogue(session: AgiSession) -> object:
        linked_id = await session.get_variable("CHANNEL(linkedid)")
        return linked_id == session.request.channel_id, await session.get_variable("RC_NOT_SET")

    assert await line.ask("quiet", dialogue) == (True, None)


async def test_variables_come_back_as_they_were_set(line: Line) -> None:
    values = ["plain", "", 'a" b "c', "back\\", "100 %s %n", "${CHANNEL}", "été )(", "  spaces  ", "x" * 1022]

    async def dialogue(session: AgiSession) -> object:
        read = []
        for value in values:
            await session.set_variable("RC_TRY", value)
            read.append(await session.get_variable("RC_TRY"))
        await session.verbose('said "so"')
        return read

    assert await line.ask("quiet", dialogue) == values


async def test_a_value_that_asterisk_cuts_is_refused_rather_than_believed(line: Line) -> None:
    async def dialogue(session: AgiSession) -> object:
        await session.set_variable("RC_TRY", "x" * 1900)
        with pytest.raises(AgiProtocolError, match="may have been cut"):
            await session.get_variable("RC_TRY")
        return await session.get_variable("CHANNEL(language)")

    assert await line.ask("quiet", dialogue) == "en"


async def test_what_is_set_reaches_the_dialplan(line: Line) -> None:
    async def dialogue(session: AgiSession) -> object:
        await session.set_variable("RC_VERDICT", "allowed")
        return None

    await line.ask("quiet", dialogue)
    assert await line.told("/went-on") == {"status": "SUCCESS", "verdict": "allowed"}


async def test_a_whole_prompt_is_played_to_its_last_sample(line: Line) -> None:
    assert await line.play("quiet") == Streamed(key=None, samples=SAMPLES, outcome=StreamOutcome.COMPLETED)


@pytest.mark.parametrize("key", ["1", "*"])
async def test_an_escape_key_cuts_the_prompt_short(line: Line, key: str) -> None:
    streamed = await line.play(f"press-{key}-1")
    assert isinstance(streamed, Streamed)
    assert (streamed.key, streamed.outcome) == (key, StreamOutcome.KEY_PRESSED)
    assert 0 < streamed.samples < SAMPLES


async def test_another_key_does_not_interrupt(line: Line) -> None:
    assert await line.play("press-5-1") == Streamed(key=None, samples=SAMPLES, outcome=StreamOutcome.COMPLETED)


async def test_a_key_in_the_last_moments_is_the_next_commands(line: Line) -> None:
    async def dialogue(session: AgiSession) -> object:
        streamed = await session.stream_file(line.tone, "1*", bound=60)
        return streamed.outcome, await session.wait_for_digit(2000)

    assert await line.ask("press-1-1.95", dialogue) == (StreamOutcome.COMPLETED, "1")


async def test_no_key_is_none(line: Line) -> None:
    async def dialogue(session: AgiSession) -> object:
        return await session.wait_for_digit(100)

    assert await line.ask("quiet", dialogue) is None


async def test_a_hang_up_in_mid_prompt_tells_how_much_was_heard(line: Line) -> None:
    streamed = await line.play("hangup-1")
    assert isinstance(streamed, Streamed)
    assert (streamed.key, streamed.outcome) == (None, StreamOutcome.HUNG_UP)
    assert 0 < streamed.samples < SAMPLES


async def test_after_a_hang_up_commands_raise_but_variables_reach_the_h_extension(line: Line) -> None:
    async def dialogue(session: AgiSession) -> object:
        with pytest.raises(AgiHangup):
            await session.wait_for_digit(10_000)
        with pytest.raises(AgiHangup):
            await session.set_variable("RC_VERDICT", "refused")
        return await session.stream_file(line.tone, "1", bound=60)

    nothing = Streamed(key=None, samples=0, outcome=StreamOutcome.HUNG_UP)
    assert await line.ask("hangup-1", dialogue) == nothing
    assert await line.told("/hung-up") == {"verdict": "refused"}


async def test_a_missing_sound_fails_and_the_session_goes_on(line: Line) -> None:
    async def dialogue(session: AgiSession) -> object:
        streamed = await session.stream_file("there/is/no/such/sound", "1", bound=60)
        await session.set_variable("RC_VERDICT", "refused")
        return streamed

    nothing = Streamed(key=None, samples=0, outcome=StreamOutcome.FAILED)
    assert await line.ask("quiet", dialogue) == nothing
    assert await line.told("/went-on") == {"status": "FAILURE", "verdict": "refused"}


async def test_the_dialplan_goes_on_when_the_daemon_is_killed_in_mid_prompt(line: Line) -> None:
    async with victim(line.tone) as process:
        assert process.stdout is not None
        await line.place("quiet", int(await process.stdout.readline()))
        assert await process.stdout.readline() == b"playing\n"
        process.kill()
        assert await line.told("/went-on") == {"status": "SUCCESS", "verdict": ""}


async def test_the_dialplan_goes_on_when_the_server_shuts_down_in_mid_prompt(line: Line) -> None:
    playing = asyncio.Event()

    async def handle(session: AgiSession) -> None:
        playing.set()
        await session.stream_file(line.tone, "1", bound=60)

    async with FastAgiServer(host="127.0.0.1", port=0, allowed=lambda _: True, handler=handle) as server:
        await line.place("quiet", server.port)
        await playing.wait()
    assert await line.told("/went-on") == {"status": "SUCCESS", "verdict": ""}


async def test_the_dialplan_goes_on_when_no_server_is_there(line: Line) -> None:
    async with FastAgiServer(
        host="127.0.0.1", port=0, allowed=lambda _: True, handler=lambda _: asyncio.sleep(0)
    ) as server:
        closed = server.port
    await line.place("quiet", closed)
    assert await line.told("/went-on") == {"status": "FAILURE", "verdict": ""}


async def test_the_dialplan_goes_on_when_the_pbx_is_refused(line: Line) -> None:
    async with FastAgiServer(
        host="127.0.0.1", port=0, allowed=lambda _: False, handler=lambda _: asyncio.sleep(0)
    ) as server:
        await line.place("quiet", server.port)
        went_on = await line.told("/went-on")
    assert went_on["verdict"] == ""


async def test_the_callee_of_an_outbound_call_is_asked_the_same_way(line: Line) -> None:
    async def dialogue(session: AgiSession) -> object:
        streamed = await session.stream_file(line.tone, "1*", bound=60)
        linked_id = await session.get_variable("CHANNEL(linkedid)")
        await session.set_variable("RC_VERDICT", "refused")
        return streamed.key, streamed.outcome, linked_id not in (None, session.request.channel_id)

    heard = await line.ask("quiet", dialogue, "agi-outbound")
    assert heard == ("1", StreamOutcome.KEY_PRESSED, True)
    assert await line.told("/went-on") == {"status": "SUCCESS", "verdict": "refused"}
