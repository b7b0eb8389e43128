"""Whoever is asked gets back to their dialplan, whatever fails."""

import asyncio
from types import SimpleNamespace
from typing import cast

import pytest

from controller.agi.request import parse_request
from controller.agi.session import AgiSession, Streamed, StreamOutcome
from controller.ari.client import Ari
from controller.ari.resources import CallerId, Channel
from controller.domain.commands import Conclude, Play
from controller.domain.decision import Reason, Verdict
from controller.domain.names import CallId, ChannelId
from controller.domain.policy import Prompt
from controller.errors import Gone, PbxError, PbxUnreachable
from controller.numbers import hashed
from controller.runtime.dispatcher import Question
from controller.runtime.doors import AgiDoor, Door, StasisDoor
from controller.runtime.reception import Reception
from controller.sealed_numbers import display_key, unseal

CALLER = ChannelId("caller")
CONCLUSION = Conclude(channel=CALLER, verdict=Verdict.ALLOWED, reason=Reason.ANNOUNCED)
ENDING = Conclude(channel=CALLER, verdict=Verdict.REFUSED, reason=Reason.OPTED_OUT, hang_up=True)


class Pbx:
    """ARI, as far as a door needs it; what is named in ``broken`` does not answer."""

    def __init__(self, *broken: str) -> None:
        self._broken = broken
        self.variables: dict[str, str] = {}
        self.continued: list[str] = []
        self.hung_up: list[str] = []

    async def set_channel_variable(self, _channel: str, name: str, value: str) -> None:
        self._answer("variable")
        self.variables[name] = value

    async def hangup(self, channel: str) -> None:
        self.hung_up.append(channel)

    async def continue_in_dialplan(self, channel: str) -> None:
        self._answer("continue")
        self.continued.append(channel)

    def _answer(self, what: str) -> None:
        if what in self._broken:
            raise PbxUnreachable("no answer")


async def test_a_caller_in_stasis_goes_on_with_the_verdict() -> None:
    pbx = Pbx()
    await StasisDoor(cast("Ari", pbx), CALLER).conclude(CallId("call"), CONCLUSION)
    told = {"RC_CALL": "call", "RC_VERDICT": "allowed", "RC_REASON": "announced", "RC_HANGUP": "no"}
    assert pbx.variables == told
    assert pbx.continued == [CALLER]


async def test_a_caller_in_stasis_goes_on_even_where_the_verdict_cannot_be_told() -> None:
    pbx = Pbx("variable")
    await StasisDoor(cast("Ari", pbx), CALLER).conclude(CallId("call"), CONCLUSION)
    assert pbx.continued == [CALLER]


async def test_where_a_refusal_ends_the_call_a_caller_in_stasis_is_hung_up() -> None:
    pbx = Pbx()
    await StasisDoor(cast("Ari", pbx), CALLER).conclude(CallId("call"), ENDING)
    assert (pbx.hung_up, pbx.continued) == ([CALLER], [])


async def test_where_a_refusal_ends_the_call_the_dialplan_is_told_so() -> None:
    session = Session("fr")
    await AgiDoor(cast("AgiSession", session), limited=True).conclude(CallId("call"), ENDING)
    assert session.variables["RC_HANGUP"] == "yes"


@pytest.mark.parametrize("broken", ["variable", "continue"])
async def test_a_door_raises_nothing(broken: str) -> None:
    await StasisDoor(cast("Ari", Pbx(broken)), CALLER).conclude(CallId("call"), CONCLUSION)


async def test_who_is_being_asked_when_the_pbx_is_watched_no_more_goes_on() -> None:
    pbx = Pbx()
    reception = Reception(ari=cast("Ari", pbx), numbers_key=b"key", country="FR")
    waits = AgiDoor(cast("AgiSession", None), limited=False)
    doors: dict[ChannelId, Door] = {CALLER: StasisDoor(cast("Ari", pbx), CALLER), ChannelId("callee"): waits}
    reception.doors.update(doors)
    await reception.let_go_of_everybody()
    assert (pbx.continued, waits.concluded.is_set(), reception.doors) == ([CALLER], True, {})


class Session:
    """An AGI session of a channel that speaks ``language``; ``spoken`` is the language of each sound."""

    def __init__(self, language: str) -> None:
        self.request = SimpleNamespace(language=language)
        self.language = language
        self.spoken: list[str] = []
        self.changes = 0
        self.variables: dict[str, str] = {}

    async def set_variable(self, name: str, value: str) -> None:
        self.variables[name] = value
        if name == "CHANNEL(language)":
            self.language = value
            self.changes += 1

    async def stream_file(self, _sound: str, _keys: str, *, bound: float) -> Streamed:
        assert bound > 0
        self.spoken.append(self.language)
        return Streamed(key=None, samples=8000, outcome=StreamOutcome.COMPLETED)


def _play(language: str) -> Play:
    prompt = Prompt(name="quality", language=language, sound="quality", text="…", milliseconds=1000, digest="0")
    return Play(channel=CALLER, prompt=prompt, keys="", patience_ms=0)


async def test_a_prompt_is_spoken_in_its_own_language_and_the_channel_keeps_the_callers() -> None:
    session = Session("fr")
    door = AgiDoor(cast("AgiSession", session), limited=True)
    for language in ("en", "en", "fr", "en"):
        await door.play(_play(language))
    await door.conclude(CallId("call"), CONCLUSION)
    assert session.spoken == ["en", "en", "fr", "en"]
    assert session.language == "fr"


async def test_a_prompt_in_the_language_of_the_channel_changes_nothing_on_it() -> None:
    session = Session("fr")
    door = AgiDoor(cast("AgiSession", session), limited=True)
    await door.play(_play("fr"))
    await door.conclude(CallId("call"), CONCLUSION)
    assert (session.spoken, session.changes) == (["fr"], 0)


class Shaky(Pbx):
    """Does not answer the first time."""

    async def continue_in_dialplan(self, channel: str) -> None:
        broken, self._broken = self._broken, ()
        if broken:
            raise PbxUnreachable("no answer")
        await super().continue_in_dialplan(channel)


async def test_a_caller_whom_asterisk_did_not_take_back_is_given_back_again() -> None:
    pbx = Shaky("continue")
    await StasisDoor(cast("Ari", pbx), CALLER).let_go()
    assert pbx.continued == [CALLER]


class Lines:
    """A PBX that knows its channels better than its events have told."""

    def __init__(self, found: Channel | PbxError) -> None:
        self._found = found

    async def channel(self, _channel: str) -> Channel:
        if isinstance(self._found, PbxError):
            raise self._found
        return self._found


@pytest.mark.parametrize(
    ("known", "found", "seen", "asked"),
    [
        pytest.param(True, PbxUnreachable("no answer"), [], True, id="who was seen is known"),
        pytest.param(
            False, Channel(id="290", name="PJSIP/290-1"), ["PJSIP/290-1"], True, id="who was not is looked up"
        ),
        pytest.param(False, Gone("no such channel"), [], True, id="who has left calls nobody"),
        pytest.param(False, PbxUnreachable("no answer"), [], False, id="whom nobody can tell is not asked for"),
    ],
)
async def test_who_calls_is_known_before_the_person_called_is_asked(
    found: Channel | PbxError, seen: list[str], *, known: bool, asked: bool
) -> None:
    """FastAGI may be quicker than the events: a representative would be taken for anybody else."""
    reception = Reception(ari=cast("Ari", Lines(found)), numbers_key=b"key", country="FR")
    names: list[str] = []
    questions: list[Question] = []
    reception.known = lambda _channel: known
    reception.seen = lambda channel: names.append(channel.name)
    reception.ask = questions.append
    environment = ["agi_request: agi://127.0.0.1/consent?direction=outbound", "agi_uniqueid: callee"]
    request = parse_request([*environment, "agi_channel: PJSIP/carrier-00000001"])
    session = SimpleNamespace(request=request, get_variable=_linkedid)
    serving = asyncio.create_task(reception.consent(cast("AgiSession", session)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    assert (names, bool(questions)) == (seen, asked)


@pytest.mark.parametrize(("caller_id", "number"), [("06 39 98 00 01", "+33639980001"), ("anonymous", None), ("", None)])
async def test_a_caller_is_known_by_a_hash_and_a_sealed_number_or_by_nothing(
    caller_id: str, number: str | None
) -> None:
    """Whoever withholds theirs must not be taken for all others who do."""
    reception = Reception(ari=cast("Ari", Pbx()), numbers_key=b"key", country="FR")
    questions: list[Question] = []
    reception.ask = questions.append
    reception.came(Channel(id=CALLER, name="PJSIP/carrier-00000001", caller=CallerId(number=caller_id)), ("consent",))
    [question] = questions
    assert question.customer_hash == hashed(caller_id, country="FR", key=b"key")
    sealed = question.customer_sealed
    assert (unseal(sealed, display_key(b"key")) if sealed else None) == number


async def _linkedid(_name: str) -> str:
    return "290"


class Mute:
    """A PBX that does not answer."""

    async def channel(self, _channel: str) -> Channel:
        await asyncio.Event().wait()
        raise AssertionError


async def test_nobody_who_was_called_waits_for_a_pbx_that_does_not_say_who_calls() -> None:
    reception = Reception(ari=cast("Ari", Mute()), numbers_key=b"key", country="FR")
    questions: list[Question] = []
    reception.known = lambda _channel: False
    reception.ask = questions.append
    environment = ["agi_request: agi://127.0.0.1/consent?direction=outbound", "agi_uniqueid: callee"]
    request = parse_request([*environment, "agi_channel: PJSIP/carrier-00000001"])
    session = SimpleNamespace(request=request, get_variable=_linkedid)
    async with asyncio.timeout(10):
        await reception.consent(cast("AgiSession", session))
    assert questions == []


async def test_a_caller_who_is_let_go_waits_for_nobody_else() -> None:
    """One whom Asterisk does not take back holds up none of the others."""
    reception = Reception(ari=cast("Ari", None), numbers_key=b"key", country="FR")
    stuck, free = Pbx("continue"), Pbx()
    doors = {ChannelId("free"): free, ChannelId("stuck"): stuck}
    reception.doors.update({channel: StasisDoor(cast("Ari", pbx), channel) for channel, pbx in doors.items()})
    letting_go = asyncio.create_task(reception.let_go_of_everybody())
    async with asyncio.timeout(10):
        while not free.continued:
            await asyncio.sleep(0.01)
    assert not letting_go.done()
    letting_go.cancel()
    await asyncio.gather(letting_go, return_exceptions=True)
