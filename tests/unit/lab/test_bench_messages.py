"""What a PBX that is not there says is such as the daemon reads: its events and its FastAGI."""

from controller.agi.protocol import Answer, AnswerParser
from controller.agi.request import parse_request
from controller.ari.events import ChannelEnteredBridge, Event, RecordingStarted, decode
from controller.runtime.listener import Heeded
from lab.bench import messages, stub

NAME = "rc-01a20c52-e7d0-7afc-9ba5-b0b403b04e9f-every-1"


def read(message: str) -> Event:
    event = decode(message.encode())
    assert isinstance(event, Event)
    return event


def answer(command: str) -> Answer:
    told = AnswerParser().feed(stub.answer_to(command, 7).rstrip("\n"))
    assert told is not None
    return told


def test_the_daemon_heeds_every_message_of_a_calls_life() -> None:
    life = [
        messages.event("ChannelCreated", channel=messages.customer(7)),
        *messages.beginning(7),
        *messages.snooping(NAME),
        *messages.recording(NAME),
        *messages.ending(7),
        *messages.recorded(NAME),
    ]
    assert len(life) == 14
    assert all(isinstance(read(message), Heeded) for message in life)


def test_the_agent_answers_the_customer_in_their_bridge() -> None:
    event = read(messages.beginning(7)[-1])
    assert isinstance(event, ChannelEnteredBridge)
    assert event.channel is not None
    assert event.channel.linkedid == event.channel.id == "customer-7"
    assert event.bridge.channels == ("agent-7", "customer-7")


def test_what_is_recorded_is_the_snoop_channel_of_that_name() -> None:
    event = read(messages.recording(NAME)[0])
    assert isinstance(event, RecordingStarted)
    assert (event.recording.name, event.recording.target_uri) == (NAME, f"channel:{NAME}")


def test_a_dialogue_is_asked_for_as_the_dialplan_asks() -> None:
    request = parse_request(stub.environment(7).splitlines()[:-1])
    assert (request.path, request.channel_id, request.caller_number) == ("/consent", "customer-7", "0639980007")
    assert request.query == {"queue": "every", "direction": "inbound"}


def test_every_prompt_is_heard_to_its_end_and_no_key_is_pressed() -> None:
    assert answer('STREAM FILE "recording-controller/quality" "1*"').endpos == 8 * 3_600_000
    assert answer('STREAM FILE "recording-controller/quality" "1*"').result == 0
    assert answer("WAIT FOR DIGIT 3000").result == 0
    assert answer('GET VARIABLE "CHANNEL(linkedid)"').value == "customer-7"
    assert answer('SET VARIABLE "RC_CALL" "x"').result == 1
