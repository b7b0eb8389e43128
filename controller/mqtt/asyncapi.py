"""All topics and payloads as one AsyncAPI 3.0 document, for programs: ``python -m controller.mqtt.asyncapi``.

Made of the types that are read and written and of the functions that make topics, so that it cannot say anything else
than the code does. What is sent and received is so from the daemon's side, as the standard has it.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from controller.domain.decision import StoredDecision
from controller.domain.names import CallId
from controller.mqtt import topics
from controller.mqtt.alarm import Alert
from controller.mqtt.command import Command, Done, Problem
from controller.mqtt.messages import LiveAgent, LiveCall, Status, Vitals
from controller.mqtt.topics import About

VERSION: Final = "1"
"""Of the topics and payloads; a program that reads one goes on reading the next, unless this changes."""

_PARAMETERS: Final[Mapping[str, str]] = {
    "topic": "mqtt.topic of the configuration, recording-controller unless given; may have several levels.",
    "pbx": "The PBX, as the configuration names it.",
    "call_id": "The call, as in decisions.",
    "extension": "The extension of the agent, 201 of PJSIP/201.",
    "daemon": "The daemon: mqtt.name of the configuration, or the name of its machine.",
}
_ROOT, _PBX, _CALL, _EXTENSION, _DAEMON = (f"{{{name}}}" for name in _PARAMETERS)
_END: Final = (r"\\Z", "$")
"""The end of a text in a pattern: as Python has it, and as JSON Schema does (ECMA-262)."""
_BINDINGS: Final = "0.2.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One topic: what is said there, how, and by whom."""

    name: str
    address: str
    payload: type
    summary: str
    qos: int = 1
    retain: bool = False
    received: bool = False


def _channels() -> Iterator[Channel]:
    call, agent = topics.commands(_ROOT, _PBX, About.CALL, _CALL), topics.commands(_ROOT, _PBX, About.AGENT, _EXTENSION)
    yield Channel(name="callCommand", address=call, payload=Command, summary="Ask something of a call.", received=True)
    summary = "Ask something of the call in which an agent talks."
    yield Channel(name="agentCommand", address=agent, payload=Command, summary=summary, received=True)
    summary = "People should look at a call."
    yield Channel(name="alerts", address=topics.alerts(_ROOT, _PBX), payload=Alert, summary=summary)
    for name, pbx, of, summary in (
        ("callDecisions", _PBX, CallId(_CALL), "A decision about a call, once it is in PostgreSQL."),
        ("pbxDecisions", _PBX, None, "A decision about no call of a PBX."),
        ("decisions", "", None, "A decision about no PBX."),
    ):
        yield Channel(name=name, address=topics.decisions(_ROOT, pbx, of), payload=StoredDecision, summary=summary)
    for name, about, which, payload, summary in (
        ("callState", About.CALL, _CALL, LiveCall, "What the recordings of a call are; empty once it is over."),
        ("agentState", About.AGENT, _EXTENSION, LiveAgent, "The same of an agent's calls; empty when there is none."),
    ):
        address = topics.state_address(_ROOT, _PBX, about, which)
        yield Channel(name=name, address=address, payload=payload, summary=summary, retain=True)
    summary = "Whether a daemon is there; its last will."
    yield Channel(name="status", address=topics.status(_ROOT, _DAEMON), payload=Status, summary=summary, retain=True)
    summary = "The metrics of a daemon."
    yield Channel(name="metrics", address=topics.metrics(_ROOT, _DAEMON), payload=Vitals, summary=summary, qos=0)


CHANNELS: Final = tuple(_channels())


def document() -> dict[str, Any]:
    """The document, as JSON has it."""
    used = dict.fromkeys([*(channel.payload for channel in CHANNELS), Done, Problem])
    references, schemas = msgspec.json.schema_components(tuple(used), ref_template="#/components/schemas/{name}")
    payloads = dict(zip(used, references, strict=True))
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "recording-controller over MQTT 5",
            "version": VERSION,
            "description": "Commands, alerts, decisions, live state and metrics. See docs/reference/mqtt.md.",
        },
        "defaultContentType": "application/json",
        "channels": {**{one.name: _channel(one) for one in CHANNELS}, "answers": _answers()},
        "operations": {one.name: _operation(one) for one in CHANNELS},
        "components": {
            "messages": {of.__name__: {"name": of.__name__, "payload": payloads[of]} for of in used},
            "schemas": schemas,
        },
    }


def text() -> str:
    """The document as it stands in docs/reference."""
    written = json.dumps(document(), indent=2, ensure_ascii=False) + "\n"
    return written.replace(*_END)


def _channel(channel: Channel) -> dict[str, Any]:
    named = [name for name in _PARAMETERS if f"{{{name}}}" in channel.address]
    return {
        "address": channel.address,
        "description": channel.summary,
        "parameters": {name: {"description": _PARAMETERS[name]} for name in named},
        "messages": _messages(channel.payload),
    }


def _answers() -> dict[str, Any]:
    return {
        "address": None,
        "description": "The response topic of the command, with its correlation data (MQTT 5, 4.10).",
        "messages": _messages(Done, Problem),
    }


def _messages(*payloads: type) -> dict[str, Any]:
    return {of.__name__: {"$ref": f"#/components/messages/{of.__name__}"} for of in payloads}


def _operation(channel: Channel) -> dict[str, Any]:
    reply = {"reply": {"channel": {"$ref": "#/channels/answers"}}} if channel.received else {}
    return {
        "action": "receive" if channel.received else "send",
        "channel": {"$ref": f"#/channels/{channel.name}"},
        "summary": channel.summary,
        "bindings": {"mqtt": {"qos": channel.qos, "retain": channel.retain, "bindingVersion": _BINDINGS}},
        **reply,
    }


if __name__ == "__main__":
    sys.stdout.write(text())
