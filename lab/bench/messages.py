"""ARI's messages as Asterisk writes them, of the size that it writes them, for a PBX that is not there.

Owns the text of events and of the objects in them. Fields that nobody here reads are there too: they cost their reader.
"""

import json
from collections.abc import Iterable

_AT = "2026-01-05T09:00:00.000+0000"
_EVENT = {"timestamp": _AT, "application": "recording-controller", "asterisk_id": "02:42:ac:11:00:02"}

Object = dict[str, object]


def customer(serial: int) -> Object:
    """A customer's channel."""
    return channel(f"customer-{serial}", f"PJSIP/trunk-{serial:08x}", linkedid=f"customer-{serial}")


def agent(serial: int) -> Object:
    """The channel of the agent who answers that customer."""
    return channel(f"agent-{serial}", f"PJSIP/201-{serial:08x}", linkedid=f"customer-{serial}")


def snoop(recording: str) -> Object:
    """The snoop channel of a recording."""
    return channel(recording, f"Snoop/{recording}-00000001", linkedid=recording)


def channel(identity: str, name: str, *, linkedid: str) -> Object:
    """A channel that is up."""
    return {
        "id": identity,
        "name": name,
        "state": "Up",
        "protocol_id": f"{identity}@127.0.0.3",
        "caller": {"name": "", "number": ""},
        "connected": {"name": "", "number": ""},
        "accountcode": "",
        "dialplan": {
            "context": "from-trunk",
            "exten": "0199000032",
            "priority": 2,
            "app_name": "Dial",
            "app_data": "PJSIP/201,30",
        },
        "creationtime": _AT,
        "language": "fr",
        "channelvars": {"CHANNEL(linkedid)": linkedid, "CHANNEL(language)": "fr"},
    }


def live_recording(name: str, state: str) -> Object:
    """A recording from a snoop channel."""
    return {"name": name, "format": "wav", "state": state, "target_uri": f"channel:{name}"}


def beginning(serial: int) -> list[str]:
    """The agent answers the customer."""
    caller, answerer = customer(serial), agent(serial)
    return [
        event("ChannelCreated", channel=answerer),
        event("ChannelEnteredBridge", channel=answerer, bridge=_bridge(serial, [answerer])),
        event("ChannelEnteredBridge", channel=caller, bridge=_bridge(serial, [answerer, caller])),
    ]


def snooping(recording: str) -> list[str]:
    """The snoop channel is there."""
    listening = snoop(recording)
    return [event("ChannelCreated", channel=listening), event("StasisStart", channel=listening, args=[])]


def recording(name: str) -> list[str]:
    """Asterisk records."""
    return [event("RecordingStarted", recording=live_recording(name, "recording"))]


def ending(serial: int) -> list[str]:
    """Both hang up."""
    caller, answerer = customer(serial), agent(serial)
    return [
        event("ChannelLeftBridge", channel=answerer, bridge=_bridge(serial, [caller])),
        event("ChannelLeftBridge", channel=caller, bridge=_bridge(serial, [])),
        event("ChannelDestroyed", channel=answerer, cause=16, cause_txt="Normal Clearing"),
        event("ChannelDestroyed", channel=caller, cause=16, cause_txt="Normal Clearing"),
    ]


def recorded(name: str) -> list[str]:
    """The snoop channel is hung up, and its file closed."""
    listening = snoop(name)
    return [
        event("RecordingFinished", recording=live_recording(name, "done")),
        event("StasisEnd", channel=listening),
        event("ChannelDestroyed", channel=listening, cause=16, cause_txt="Normal Clearing"),
    ]


def event(kind: str, **fields: object) -> str:
    """One message of the websocket."""
    return json.dumps({"type": kind, **_EVENT, **fields})


def _bridge(serial: int, members: Iterable[Object]) -> Object:
    return {
        "id": f"bridge-{serial}",
        "technology": "simple_bridge",
        "bridge_type": "basic",
        "bridge_class": "basic",
        "creator": "",
        "name": "",
        "channels": [member["id"] for member in members],
        "creationtime": _AT,
        "video_mode": "talker",
    }
