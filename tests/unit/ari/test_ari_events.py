"""Decoding of ARI messages: exact where it matters, tolerant everywhere else."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.ari.events import (
    HANDLED,
    ApplicationReplaced,
    ChannelDtmfReceived,
    ChannelEnteredBridge,
    ChannelStateChange,
    Malformed,
    RecordingFinished,
    StasisStart,
    decode,
)

WHEN = "2026-11-23T23:18:00.123+0000"
CHANNEL: dict[str, Any] = {
    "id": "1764000000.7",
    "name": "PJSIP/customer-00000003",
    "state": "Up",
    "protocol_id": "a@b",
    "caller": {"name": "", "number": "0199000001"},
    "connected": {"name": "", "number": ""},
    "accountcode": "",
    "dialplan": {"context": "in", "exten": "100", "priority": 3, "app_name": "Queue", "app_data": "sales"},
    "creationtime": WHEN,
    "language": "fr",
    "channelvars": {"CHANNEL(linkedid)": "1764000000.1", "CHANNEL(language)": "fr"},
}


def message(kind: str, **fields: object) -> bytes:
    """Write a message as Asterisk does."""
    return json.dumps({"type": kind, "timestamp": WHEN, "application": "rc", **fields}).encode()


def test_a_channel_event_carries_what_ties_the_channel_to_its_call() -> None:
    event = decode(message("ChannelStateChange", channel=CHANNEL))
    assert isinstance(event, ChannelStateChange)
    assert event.channel.id == "1764000000.7"
    assert event.channel.linkedid == "1764000000.1"
    assert event.channel.caller_number == "0199000001"
    assert (event.channel.dialplan.context, event.channel.dialplan.exten) == ("in", "100")
    assert event.channel.language == "fr"


def test_asterisks_timestamp_becomes_an_aware_datetime() -> None:
    event = decode(message("ApplicationReplaced"))
    assert isinstance(event, ApplicationReplaced)
    assert event.timestamp == datetime(2026, 11, 23, 23, 18, 0, 123000, tzinfo=UTC)


def test_a_timestamp_of_another_zone_keeps_its_offset() -> None:
    event = decode(message("ApplicationReplaced", timestamp="2026-11-24T01:18:00.123+0200"))
    assert isinstance(event, ApplicationReplaced)
    assert event.timestamp.utcoffset() == timedelta(hours=2)
    assert event.timestamp == datetime(2026, 11, 23, 23, 18, 0, 123000, tzinfo=UTC)


@pytest.mark.parametrize("when", ["2026-11-23T23:18:00.123", "yesterday", 1764000000, None])
def test_a_timestamp_that_names_no_moment_is_malformed(when: object) -> None:
    assert isinstance(decode(message("ApplicationReplaced", timestamp=when)), Malformed)


def test_a_channel_without_the_configured_variables_belongs_to_no_known_call() -> None:
    event = decode(message("ChannelStateChange", channel={"id": "1"}))
    assert isinstance(event, ChannelStateChange)
    assert event.channel.linkedid == ""
    assert event.channel.caller_number == ""


def test_fields_of_a_newer_asterisk_are_skipped() -> None:
    event = decode(message("StasisStart", channel=CHANNEL | {"novelty": {"deep": [1]}}, novelty=[None]))
    assert isinstance(event, StasisStart)
    assert event.args == ()


def test_a_bridge_may_be_entered_by_a_channel_that_asterisk_leaves_out() -> None:
    event = decode(message("ChannelEnteredBridge", bridge={"id": "b", "channels": ["1", "2"]}))
    assert isinstance(event, ChannelEnteredBridge)
    assert event.channel is None
    assert event.bridge.channels == ("1", "2")


def test_a_key_is_read_with_its_duration() -> None:
    event = decode(message("ChannelDtmfReceived", channel=CHANNEL, digit="*", duration_ms=120))
    assert isinstance(event, ChannelDtmfReceived)
    assert (event.digit, event.duration_ms) == ("*", 120)


def test_a_finished_recording_tells_its_seconds() -> None:
    recording = {"name": "r", "format": "wav", "state": "done", "target_uri": "channel:1", "duration": 6}
    event = decode(message("RecordingFinished", recording=recording))
    assert isinstance(event, RecordingFinished)
    assert (event.recording.state, event.recording.duration, event.recording.talking_duration) == ("done", 6, None)


@pytest.mark.parametrize("kind", ["ChannelVarset", "Dial", "SomethingOfAsterisk30", ""])
def test_a_type_that_nobody_handles_is_no_event_and_no_fault(kind: str) -> None:
    assert decode(message(kind, channel="not even looked at")) is None


@pytest.mark.parametrize("kind", sorted(HANDLED - {"ApplicationReplaced"}))
def test_every_handled_type_without_its_subject_is_malformed(kind: str) -> None:
    broken = decode(message(kind))
    assert isinstance(broken, Malformed)
    assert broken.kind == kind


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00",
        b"\xff\xfe",
        b"null",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b'{"type":' + b"[" * 100_000,
        b'{"type":"\xff"}',
        b'{"type":7}',
        message("StasisStart", channel=CHANNEL)[:-20],
        message("StasisStart", channel=CHANNEL).replace(b"1764000000.7", b"\xff"),
        message("StasisStart", channel={"id": 7}),
        message("ChannelDtmfReceived", channel=CHANNEL, digit="1", duration_ms="long"),
    ],
)
def test_garbage_is_malformed(raw: bytes) -> None:
    assert isinstance(decode(raw), Malformed)


def test_the_fault_of_a_malformed_message_holds_nothing_of_its_content() -> None:
    broken = decode(message("ChannelDtmfReceived", channel=CHANNEL, digit=["4970", "0199000001"]))
    assert isinstance(broken, Malformed)
    assert not any(secret in broken.fault for secret in ("4970", "0199"))


@given(st.binary())
def test_no_bytes_raise(raw: bytes) -> None:
    decode(raw)


_text = st.text(alphabet='aZ0é\0"\\{', max_size=6)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | _text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
    max_leaves=6,
)
_fields = st.sampled_from(["channel", "bridge", "recording", "playback", "digit", "args", "timestamp", "userevent"])


@given(kind=st.sampled_from(sorted(HANDLED)), fields=st.dictionaries(_fields, _json, max_size=4))
def test_no_handled_type_raises_whatever_its_fields(kind: str, fields: dict[str, object]) -> None:
    decode(json.dumps({"type": kind, "timestamp": WHEN} | fields).encode())


@given(cut=st.integers(min_value=0, max_value=500), junk=st.binary(max_size=8))
def test_no_damaged_message_raises(cut: int, junk: bytes) -> None:
    whole = message("StasisStart", channel=CHANNEL, args=["x"])
    decode(whole[:cut] + junk + whole[cut + len(junk) :])
