"""The lab's telephones, on two real Asterisks: a PBX with a small dialplan, and the telephones' own."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from controller.errors import Gone, PbxError
from lab.hearing import heard
from lab.pbx import Instance, PbxOptions, Plan, start_pbx, start_phones
from lab.phones import Phones
from lab.prompts import SpokenText, build
from lab.sweep import missing, moments

NOTICE = SpokenText(
    sound="recording-controller/notice",
    language="fr",
    text="Bonjour. Cet appel peut être enregistré. Pour vous y opposer, appuyez sur la touche un.",
)
CALLER = "0639980001"
DIALPLAN = """
[from-trunk](+)
exten => 0199000091,1,Answer()
 same => n,Playback(recording-controller/notice)
 same => n,Hangup()
exten => 0199000092,1,Answer()
 same => n,Background(recording-controller/notice)
 same => n,WaitExten(5)
 same => n,Hangup()
exten => 1,1,Hangup()
exten => 0199000093,1,Answer()
 same => n,Read(KEYS,,3,,,20)
 same => n,SendDTMF(${KEYS})
 same => n,Wait(1)
 same => n,Hangup()
exten => _01990002XX,1,Dial(PJSIP/${EXTEN:-3},20)
 same => n,Hangup()
"""


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the announcement."""
    folder = tmp_path_factory.mktemp("sounds")
    build([NOTICE], folder)
    return folder


@pytest.fixture(scope="module")
def lab(sounds: Path) -> Iterator[Instance]:
    """Both Asterisks; the telephones' one is what a test needs."""
    plan = Plan.free()
    with (
        start_phones(plan) as telephones,
        start_pbx(plan, PbxOptions(sounds=sounds, dialplan=DIALPLAN)),
    ):
        yield telephones


@pytest.fixture
async def phones(lab: Instance) -> AsyncIterator[Phones]:
    """Connected telephones."""
    async with Phones.of(lab) as connected:
        yield connected


async def test_a_caller_hears_the_whole_announcement(phones: Phones, sounds: Path) -> None:
    call = await phones.call("0199000091", caller=CALLER)
    await call.answered()
    await call.listen()
    await call.ended()
    assert heard(call.heard_file, sounds / "fr/recording-controller/notice.wav").share > 0.95


async def test_a_key_pressed_while_speaking_cuts_the_announcement_short(phones: Phones, sounds: Path) -> None:
    call = await phones.call("0199000092", caller=CALLER)
    await call.answered()
    await call.listen()
    await call.play_sweep()
    await asyncio.sleep(1.5)
    await call.press("1")
    await call.ended()
    assert 0.1 < heard(call.heard_file, sounds / "fr/recording-controller/notice.wav").share < 0.7


async def test_keys_arrive_in_order(phones: Phones) -> None:
    call = await phones.call("0199000093", caller=CALLER)
    await call.answered()
    await call.press("1*7")
    await call.ended()
    assert call.keys_heard == ["1", "*", "7"]


async def test_caller_and_agent_hear_one_another(phones: Phones) -> None:
    line = phones.agent("201", plays="sweep")
    call = await phones.call("0199000201", caller=CALLER)
    agent = await line.next_call()
    await asyncio.gather(call.answered(), agent.answered())
    await asyncio.gather(call.listen(), agent.listen())
    await call.play_sweep()
    await asyncio.sleep(2)
    await agent.press("*7")
    await asyncio.sleep(1)
    await agent.hang_up()
    await asyncio.gather(call.ended(), agent.ended())
    assert call.keys_heard == ["*", "7"]
    assert sum(stretch.seconds for stretch in moments(agent.heard_file)) > 2.5
    # A key takes the voice's place for as long as it is pressed: 100 ms each.
    gaps = missing(moments(call.heard_file))
    assert [gap.seconds for gap in gaps[:2]] == pytest.approx([0.1, 0.1], abs=0.03)


async def test_an_agent_who_does_not_answer_leaves_the_caller_ringing(phones: Phones) -> None:
    line = phones.agent("202", answers_after=None)
    call = await phones.call("0199000202", caller=CALLER)
    await line.next_call()
    with pytest.raises(PbxError, match=r"answer: not within 0\.3 s"):
        await call.answered(within_s=0.3)


async def test_a_number_that_is_not_there_ends_the_wait_for_an_answer(phones: Phones) -> None:
    call = await phones.call("0199009999", caller=CALLER)
    with pytest.raises(Gone, match="answer: the call ended"):
        await call.answered()


async def test_a_telephone_that_nobody_registered_hangs_up(phones: Phones) -> None:
    call = await phones.call("0199000203", caller=CALLER)
    await call.ended()


async def test_a_call_that_never_comes_is_named(phones: Phones) -> None:
    with pytest.raises(PbxError, match=r"a call to 204: not within 0\.2 s"):
        await phones.agent("204").next_call(within_s=0.2)


async def test_forty_calls_speak_and_listen_at_once(phones: Phones) -> None:
    numbers = [str(201 + index % 15) for index in range(40)]
    for number in set(numbers):
        phones.agent(number, plays="sweep")
    calls = await asyncio.gather(*(phones.call(f"0199000{number}", caller=CALLER) for number in numbers))
    await asyncio.gather(*(call.answered() for call in calls))
    await asyncio.gather(*(call.listen() for call in calls))
    await asyncio.gather(*(call.play_sweep() for call in calls))
    await asyncio.sleep(2)
    await asyncio.gather(*(call.hang_up() for call in calls))
    await asyncio.gather(*(call.ended() for call in calls))
    for call in calls:
        # In a thread: a loop that stands still answers no event.
        read = await asyncio.to_thread(moments, call.heard_file)
        assert sum(stretch.seconds for stretch in read) > 1.5


async def test_a_wrong_password_is_told_at_the_start(lab: Instance) -> None:
    phones = Phones(lab.ari_url, lab.ari_username, "wrong", directory=lab.directory)
    with pytest.raises(PbxError):
        async with phones:
            pass
