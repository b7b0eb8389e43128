"""The FastAGI server and its sessions, against a scripted PBX on a real socket."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from unittest.mock import Mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from controller.agi.connection import AgiLimits
from controller.agi.server import FastAgiServer
from controller.agi.session import AgiSession, Streamed, StreamOutcome
from controller.errors import AgiError, AgiHangup, AgiProtocolError

ENVIRONMENT = (
    b"agi_request: agi://127.0.0.1/consent?queue=support\n"
    b"agi_channel: PJSIP/trunk-00000000\nagi_uniqueid: 1.0\nagi_language: fr\n\n"
)
QUICK = AgiLimits(environment_seconds=0.2, answer_seconds=0.2, sessions=3)
PATIENT = AgiLimits(environment_seconds=60, answer_seconds=60)

Dialogue = Callable[[AgiSession], Awaitable[object]]


class Pbx:
    """The PBX's end of one connection, which says what the test tells it to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    async def say(self, *packets: bytes) -> None:
        for packet in packets:
            self.writer.write(packet)
            await self.writer.drain()
            await asyncio.sleep(0)

    async def hear(self) -> bytes:
        return await self._reader.readline()

    async def assert_closed(self) -> None:
        """The daemon has closed: the end of file, or a reset where it had not read everything."""
        try:
            assert await self._reader.read() == b""
        except ConnectionResetError:
            return


class Daemon:
    """A server, and what became of the sessions that it ran."""

    def __init__(self, dialogue: Dialogue, limits: AgiLimits, *, allowed: bool) -> None:
        self._dialogue = dialogue
        self.outcomes: asyncio.Queue[object] = asyncio.Queue()
        self.server = FastAgiServer(
            host="127.0.0.1", port=0, allowed=lambda _: allowed, handler=self._handle, limits=limits
        )

    async def _handle(self, session: AgiSession) -> None:
        try:
            outcome = await self._dialogue(session)
        except AgiError as error:
            await self.outcomes.put(error)
            raise
        await self.outcomes.put(outcome)

    @asynccontextmanager
    async def call(self, *, environment: bytes = ENVIRONMENT) -> AsyncIterator[Pbx]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        pbx = Pbx(reader, writer)
        try:
            await pbx.say(environment)
            yield pbx
        finally:
            writer.transport.abort()

    async def assert_serves(self) -> None:
        """A further call is answered as if nothing had happened."""
        while not self.outcomes.empty():
            self.outcomes.get_nowait()
        async with self.call() as pbx:
            await pbx.hear()
            await pbx.say(b"200 result=1 (still here)\n")
            assert await self.outcomes.get() == "still here"


async def ask(session: AgiSession) -> object:
    return await session.get_variable("V")


async def play(session: AgiSession) -> object:
    return await session.stream_file("announcement", "1*", bound=60)


@asynccontextmanager
async def run_daemon(
    dialogue: Dialogue = ask, limits: AgiLimits = PATIENT, *, allowed: bool = True
) -> AsyncIterator[Daemon]:
    daemon = Daemon(dialogue, limits, allowed=allowed)
    async with daemon.server:
        yield daemon


async def answered(dialogue: Dialogue, *packets: bytes) -> object:
    """Run a dialogue of one command, answered with these packets; what it returned or raised."""
    async with run_daemon(dialogue) as daemon, daemon.call() as pbx:
        await pbx.hear()
        await pbx.say(*packets)
        return await daemon.outcomes.get()


async def test_a_session_knows_its_request_and_its_peer() -> None:
    async def dialogue(session: AgiSession) -> object:
        return session.request.path, session.request.query["queue"], session.peer

    async with run_daemon(dialogue) as daemon, daemon.call() as pbx:
        assert await daemon.outcomes.get() == ("/consent", "support", "127.0.0.1")
        await pbx.assert_closed()


async def test_commands_go_out_quoted() -> None:
    async def dialogue(session: AgiSession) -> object:
        await session.set_variable("RC_REASON", 'x"\\ SET')
        await session.verbose("it's %d")
        await session.stream_file('a" "1', "1*", bound=60)
        return await session.wait_for_digit(500)

    async with run_daemon(dialogue) as daemon, daemon.call() as pbx:
        assert await pbx.hear() == b'SET VARIABLE "RC_REASON" "x\\"\\\\ SET"\n'
        await pbx.say(b"200 result=1\n")
        assert await pbx.hear() == b'VERBOSE "it\'s %d" 3\n'
        await pbx.say(b"200 result=1\n")
        assert await pbx.hear() == b'STREAM FILE "a\\" \\"1" "1*"\n'
        await pbx.say(b"200 result=0 endpos=1\n")
        assert await pbx.hear() == b"WAIT FOR DIGIT 500\n"
        await pbx.say(b"200 result=42\n")
        assert await daemon.outcomes.get() == "*"


async def test_an_injection_sends_nothing_and_leaves_the_session_usable() -> None:
    async def dialogue(session: AgiSession) -> object:
        with pytest.raises(AgiProtocolError, match="cannot carry"):
            await session.set_variable("RC_REASON", 'x"\nEXEC System "id')
        return await session.get_variable("V")

    async with run_daemon(dialogue) as daemon, daemon.call() as pbx:
        assert await pbx.hear() == b'GET VARIABLE "V"\n'
        await pbx.say(b"200 result=0\n")
        assert await daemon.outcomes.get() is None


@pytest.mark.parametrize(
    ("answer", "streamed"),
    [
        (b"200 result=0 endpos=16000\n", Streamed(key=None, samples=16000, outcome=StreamOutcome.COMPLETED)),
        (b"200 result=49 endpos=9760\n", Streamed(key="1", samples=9760, outcome=StreamOutcome.KEY_PRESSED)),
        (b"511 Command Not Permitted\n", Streamed(key=None, samples=0, outcome=StreamOutcome.HUNG_UP)),
        (b"HANGUP\n511 Not Permitted\n", Streamed(key=None, samples=0, outcome=StreamOutcome.HUNG_UP)),
    ],
)
async def test_playing_tells_what_was_heard(answer: bytes, streamed: Streamed) -> None:
    assert await answered(play, answer) == streamed


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (b"200 result=6\n", StreamOutcome.FAILED),
        (b"HANGUP\n511 Command Not Permitted\n", StreamOutcome.HUNG_UP),
        (b"511 Command Not Permitted\n", StreamOutcome.HUNG_UP),
        (b"HANGUP\n200 result=6\n", StreamOutcome.HUNG_UP),
    ],
)
async def test_a_missing_sound_is_told_from_a_hang_up(status: bytes, outcome: StreamOutcome) -> None:
    async with run_daemon(play) as daemon, daemon.call() as pbx:
        await pbx.hear()
        await pbx.say(b"200 result=-1 endpos=80\n")
        assert await pbx.hear() == b"CHANNEL STATUS\n"
        await pbx.say(status)
        assert await daemon.outcomes.get() == Streamed(key=None, samples=80, outcome=outcome)


@pytest.mark.parametrize("answer", [b"200 result=0\n", b"200 result=7 endpos=1\n", b"200 result=999 endpos=1\n"])
async def test_playing_that_tells_nonsense_is_no_announcement(answer: bytes) -> None:
    assert isinstance(await answered(play, answer), AgiProtocolError)


async def test_a_variable_may_be_empty_or_absent() -> None:
    assert await answered(ask, b"200 result=1 ()\n") == ""
    assert await answered(ask, b"200 result=0\n") is None
    assert isinstance(await answered(ask, b"200 result=1\n"), AgiProtocolError)


async def test_a_variable_that_asterisk_may_have_cut_is_refused() -> None:
    assert await answered(ask, b"200 result=1 (%s)\n" % (b"x" * 1022)) == "x" * 1022
    assert isinstance(await answered(ask, b"200 result=1 (%s)\n" % (b"x" * 1023)), AgiProtocolError)


async def test_no_key_in_time_is_none_and_a_hang_up_is_raised() -> None:
    async def dialogue(session: AgiSession) -> object:
        return await session.wait_for_digit(10)

    assert await answered(dialogue, b"200 result=0\n") is None
    assert isinstance(await answered(dialogue, b"200 result=-1\n"), AgiHangup)


async def test_a_hangup_line_before_the_answer_raises_once_it_is_answered() -> None:
    assert isinstance(await answered(ask, b"HANGUP\n", b"200 result=0\n"), AgiHangup)
    assert isinstance(await answered(ask, b"HANGUP\n200 result=0\n"), AgiHangup)
    assert isinstance(await answered(ask, b"511 Command Not Permitted\n"), AgiHangup)


async def test_a_variable_is_still_sent_after_a_hang_up() -> None:
    async def dialogue(session: AgiSession) -> object:
        with pytest.raises(AgiHangup):
            await session.get_variable("V")
        await session.set_variable("RC_VERDICT", "refused")
        return None

    async with run_daemon(dialogue) as daemon, daemon.call() as pbx:
        await pbx.hear()
        await pbx.say(b"HANGUP\n200 result=0\n")
        assert await pbx.hear() == b'SET VARIABLE "RC_VERDICT" "refused"\n'
        await pbx.say(b"200 result=1\n")
        assert isinstance(await daemon.outcomes.get(), AgiHangup)


async def test_a_hangup_line_between_two_commands_is_seen_by_the_second() -> None:
    async def dialogue(session: AgiSession) -> object:
        assert await session.get_variable("V") == "first"
        return await session.get_variable("V")

    async with run_daemon(dialogue) as daemon, daemon.call() as pbx:
        await pbx.hear()
        await pbx.say(b"200 result=1 (first)\nHANGUP\n")
        await pbx.hear()
        await pbx.say(b"200 result=1 (second)\n")
        assert isinstance(await daemon.outcomes.get(), AgiHangup)


async def test_a_second_answer_glued_to_the_first_is_never_taken_for_the_next_command() -> None:
    async def dialogue(session: AgiSession) -> object:
        assert await session.get_variable("V") == "first"
        return await session.stream_file("announcement", "1", bound=60)

    async with run_daemon(dialogue) as daemon, daemon.call() as pbx:
        await pbx.hear()
        await pbx.say(b"200 result=1 (first)\n200 result=0 endpos=16000\n")
        assert isinstance(await daemon.outcomes.get(), AgiProtocolError)
        await pbx.assert_closed()


async def test_an_answer_may_arrive_byte_by_byte() -> None:
    packets = [bytes([byte]) for byte in "200 result=1 (à la carte)\n".encode()]
    assert await answered(ask, *packets) == "à la carte"


@pytest.mark.parametrize(
    "answer",
    [b"510 Invalid or unknown command\n", b"520-Invalid\nUsage: x\n520 End of proper usage.\n", b"nonsense\n"],
)
async def test_a_command_that_is_not_taken_is_a_protocol_error(answer: bytes) -> None:
    assert isinstance(await answered(ask, answer), AgiProtocolError)


async def test_two_commands_at_once_are_refused() -> None:
    async def dialogue(session: AgiSession) -> object:
        first = asyncio.create_task(session.get_variable("V"))
        await asyncio.sleep(0)
        with pytest.raises(AgiProtocolError, match="another command"):
            await session.verbose("meanwhile")
        return await first

    assert await answered(dialogue, b"200 result=1 (mine)\n") == "mine"


async def test_a_command_that_is_given_up_closes_the_session() -> None:
    async def dialogue(session: AgiSession) -> object:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await session.get_variable("V")
        return await session.get_variable("V")

    async with run_daemon(dialogue) as daemon, daemon.call() as pbx:
        await pbx.hear()
        assert isinstance(await daemon.outcomes.get(), AgiHangup)
        await pbx.assert_closed()


async def test_an_answer_that_does_not_come_in_time_ends_the_session() -> None:
    async with run_daemon(ask, QUICK) as daemon:
        async with daemon.call() as pbx:
            assert isinstance(await daemon.outcomes.get(), AgiProtocolError)
            await pbx.hear()
            await pbx.assert_closed()
        await daemon.assert_serves()


async def test_after_a_late_answer_no_further_command_is_sent() -> None:
    async def dialogue(session: AgiSession) -> object:
        with pytest.raises(AgiProtocolError, match="no answer in time"):
            await session.get_variable("V")
        return await session.get_variable("W")

    async with run_daemon(dialogue, QUICK) as daemon, daemon.call() as pbx:
        await pbx.hear()
        assert isinstance(await daemon.outcomes.get(), AgiHangup)
        await pbx.assert_closed()


async def test_playing_has_its_own_time_limit() -> None:
    async def dialogue(session: AgiSession) -> object:
        return await session.stream_file("announcement", "1", bound=0.05)

    async with run_daemon(dialogue) as daemon, daemon.call():
        assert isinstance(await daemon.outcomes.get(), AgiProtocolError)


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(ENVIRONMENT[:40], id="half a line"),
        pytest.param(ENVIRONMENT[:-1], id="all but its end"),
    ],
)
async def test_a_peer_that_connects_and_closes_does_no_harm(environment: bytes) -> None:
    async with run_daemon() as daemon:
        for _ in range(20):
            async with daemon.call(environment=environment):
                pass
        await daemon.assert_serves()


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param(b"x" * 1_000_000, id="a line of 1 MB"),
        pytest.param(b"agi_a: " + b"x" * 3000 + b"\n\n", id="a line over 2 kB"),
        pytest.param(b"".join(b"agi_%d: x\n" % n for n in range(200)), id="too many lines"),
        pytest.param(b"".join(b"agi_%d: %s\n" % (n, b"x" * 1900) for n in range(12)), id="too many bytes"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", id="another protocol"),
        pytest.param(b"\n", id="an empty environment"),
        pytest.param(bytes(range(256)) + b"\n\n", id="binary"),
    ],
)
async def test_a_malformed_environment_ends_that_session_only(environment: bytes) -> None:
    async with run_daemon() as daemon:
        async with daemon.call(environment=b"") as pbx:
            pbx.writer.write(environment)
            await pbx.assert_closed()
        await daemon.assert_serves()


async def test_a_peer_without_an_address_is_let_go_unasked() -> None:
    """One that has gone before it was met has none, and whoever is allowed is told by addresses."""
    asked: list[str] = []
    transport, writer = Mock(), Mock()
    writer.transport, writer.get_extra_info.return_value = transport, None

    async def served(_session: AgiSession) -> None: ...

    def allowed(peer: str) -> bool:
        asked.append(peer)
        return True

    async with FastAgiServer(host="127.0.0.1", port=0, allowed=allowed, handler=served) as server:
        server._connected(asyncio.StreamReader(), writer)
    assert (asked, transport.abort.called, server.session_count) == ([], True, 0)


async def test_a_slow_environment_ends_that_session_only() -> None:
    async with run_daemon(ask, QUICK) as daemon:
        async with daemon.call(environment=ENVIRONMENT[:-1]) as pbx:
            await pbx.assert_closed()
        await daemon.assert_serves()


async def test_a_line_of_one_megabyte_as_answer_ends_that_session_only() -> None:
    async with run_daemon() as daemon:
        async with daemon.call() as pbx:
            await pbx.hear()
            pbx.writer.write(b"200 result=1 (" + b"x" * 1_000_000 + b")\n")
            assert isinstance(await daemon.outcomes.get(), AgiProtocolError)
            await pbx.assert_closed()
        await daemon.assert_serves()


async def test_a_connection_lost_in_a_command_is_a_hang_up() -> None:
    async with run_daemon() as daemon:
        async with daemon.call() as pbx:
            await pbx.hear()
        assert isinstance(await daemon.outcomes.get(), AgiHangup)
        await daemon.assert_serves()


async def test_a_peer_that_is_not_allowed_is_refused_and_logged() -> None:
    with capture_logs() as logs:
        async with run_daemon(allowed=False) as daemon, daemon.call(environment=b"") as pbx:
            await pbx.assert_closed()
    assert logs == [{"event": "agi.peer_refused", "log_level": "warning", "peer": "127.0.0.1"}]


async def test_one_session_too_many_is_closed_at_once() -> None:
    async with run_daemon(ask, AgiLimits(sessions=1)) as daemon:
        async with daemon.call() as first:
            await first.hear()
            async with daemon.call(environment=b"") as second:
                await second.assert_closed()
            await first.say(b"200 result=1 (unharmed)\n")
            assert await daemon.outcomes.get() == "unharmed"
            await first.assert_closed()
        await daemon.assert_serves()


async def test_concurrent_sessions_are_independent() -> None:
    async with run_daemon() as daemon:
        calls: list[AbstractAsyncContextManager[Pbx]] = [daemon.call() for _ in range(50)]
        peers = [await call.__aenter__() for call in calls]
        for peer in peers:
            await peer.hear()
        for number, peer in reversed(list(enumerate(peers))):
            await peer.say(b"200 result=1 (%d)\n" % number)
            assert await daemon.outcomes.get() == str(number)
        for call in calls:
            await call.__aexit__(None, None, None)


async def test_a_handler_that_fails_is_logged_and_closes_its_session() -> None:
    async def dialogue(session: AgiSession) -> object:
        if await session.get_variable("V") == "boom":
            raise LookupError("a bug")
        return "still here"

    async with run_daemon(dialogue) as daemon:
        with capture_logs() as logs:
            async with daemon.call() as pbx:
                await pbx.hear()
                await pbx.say(b"200 result=1 (boom)\n")
                await pbx.assert_closed()
        assert [log["event"] for log in logs] == ["agi.handler_failed"]
        await daemon.assert_serves()


async def test_shutting_down_closes_every_session_at_once() -> None:
    started = asyncio.Event()

    async def dialogue(_: AgiSession) -> object:
        started.set()
        return await asyncio.Event().wait()

    daemon = Daemon(dialogue, PATIENT, allowed=True)
    async with daemon.server:
        calls = [daemon.call(environment=b"agi_request: half"), daemon.call()]
        peers = [await call.__aenter__() for call in calls]
        await started.wait()
        assert daemon.server.session_count == 2
    for peer in peers:
        await peer.assert_closed()
    assert daemon.server.session_count == 0
    for call in calls:
        await call.__aexit__(None, None, None)


@settings(max_examples=50, deadline=None)
@given(st.binary() | st.from_regex(rb"(HANGUP\n)?[25][012]0[ -]result=-?[0-9]+( \(.*\))?( endpos=[0-9]+)?\n"))
def test_whatever_the_answers_are_only_agi_errors_are_raised(answers: bytes) -> None:
    async def dialogue(session: AgiSession) -> object:
        for command in (play(session), ask(session), session.wait_for_digit(1), session.verbose("x")):
            try:
                await command
            except AgiError:
                continue
        return "only AgiErrors"

    async def call() -> None:
        async with run_daemon(dialogue) as daemon, daemon.call() as pbx:
            pbx.writer.write(answers)
            pbx.writer.write_eof()
            assert await daemon.outcomes.get() == "only AgiErrors"

    asyncio.run(call())
