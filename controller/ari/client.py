"""The ARI operations that this product uses, one method each.

Owns their paths, parameters and answers. Does not own connections, retries or errors (`http`), nor the
websocket's life (`stream`). Every method raises PbxAuthenticationFailed, PbxRefused or PbxUnreachable
besides what it names.

Urgent operations (pause, stop, discard, hang-up, state of a recording) have connections of their own. What
may be done twice is sent again when its kept-alive connection turns out dead (tried on Asterisk 22.10: a
second pause or resume answers 204 and changes nothing; a second stop, discard or hang-up answers 404, so
Gone means that it is over). What creates something (snoop, record, play, originate) is never sent twice.
"""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Final, Literal, Never, Self, TypeVar

import aiohttp
import msgspec
import structlog

from controller.ari.http import AriHttp, Download, Lane, Query, path_of
from controller.ari.resources import (
    AsteriskInfo,
    Bridge,
    Channel,
    LiveRecording,
    Playback,
    RtpStatistics,
    StoredRecording,
)
from controller.errors import Gone, PbxError, PbxRefused, PbxUnreachable

T = TypeVar("T")
Spy = Literal["both", "in", "out"]

WARM_EVERY_S: Final = 5.0
"""Twice within the time after which an idle connection is given up."""
_IN_A_FUNCTION: Final = frozenset("(),{}$\\\"'")
"""Characters with a meaning of their own inside `EXPORT(…)`."""

_log = structlog.get_logger(__name__)


class _Value(msgspec.Struct):
    value: str


class Ari:
    """One Asterisk's ARI. Use as an async context manager.

    `url` is ARI's root (`http://pbx:8088/ari`), `application` the Stasis application that the events and
    snoop channels belong to, `timeout_s` the bound on each request in seconds.
    """

    def __init__(self, *, url: str, username: str, password: str, application: str, timeout_s: float = 5.0) -> None:
        self.application = application
        self._http = AriHttp(url=url, username=username, password=password, timeout_s=timeout_s)

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.__aexit__(kind, error, trace)

    # Connections

    async def warm(self, *, connections: int = 4) -> None:
        """Have so many urgent connections open and freshly used."""
        await self._http.warm("asterisk/ping", connections=connections)

    async def keep_warm(self, *, connections: int = 4, every_s: float = WARM_EVERY_S) -> Never:
        """Keep urgent connections open for ever; an Asterisk that is away is tried again, quietly."""
        while True:
            try:
                await self.warm(connections=connections)
            except PbxError as error:
                _log.debug("ari.warming_failed", error=type(error).__name__)
            await asyncio.sleep(every_s)

    async def open_events(self, *, heartbeat_s: float, message_limit: int) -> aiohttp.ClientWebSocketResponse[bool]:
        """Open the websocket that brings every channel's events; text comes as bytes."""
        query: Query = {"app": self.application, "subscribeAll": "true"}
        return await self._http.websocket("events", query=query, heartbeat_s=heartbeat_s, message_limit=message_limit)

    # What is true on the PBX

    async def info(self) -> AsteriskInfo:
        """Say which Asterisk this is."""
        return _read(await self._get("asterisk", "info"), AsteriskInfo)

    async def has_module(self, name: str) -> bool:
        """Say whether a module (`func_export.so`) is loaded."""
        try:
            await self._get("asterisk", "modules", name)
        except Gone:
            return False
        return True

    async def channels(self) -> list[Channel]:
        """List every channel."""
        return _read(await self._get("channels"), list[Channel])

    async def channel(self, channel_id: str) -> Channel:
        """Read one channel. Raises Gone."""
        return _read(await self._get("channels", channel_id), Channel)

    async def packets_sent(self, channel_id: str) -> int:
        """Count the RTP packets that a channel has been sent. Raises Gone, PbxRefused: where it has no RTP, too."""
        return _read(await self._get("channels", channel_id, "rtp_statistics"), RtpStatistics).txcount

    async def bridges(self) -> list[Bridge]:
        """List every bridge."""
        return _read(await self._get("bridges"), list[Bridge])

    async def set_event_filter(self, *, allowed: Iterable[str]) -> None:
        """Have Asterisk send events of these types only. Raises Gone while no websocket is open."""
        body = msgspec.json.encode({"allowed": [{"type": kind} for kind in sorted(allowed)]})
        path = path_of("applications", self.application, "eventFilter")
        await self._http.call("PUT", path, body=body, lane="fresh", repeatable=True)

    # Recording

    async def snoop(self, channel_id: str, snoop_id: str, *, spy: Spy = "both") -> Channel:
        """Listen to a channel; the snoop channel can record from its own StasisStart on.

        Raises Gone; PbxRefused (500) where the snoop id is taken.
        """
        return await self._snoop(channel_id, snoop_id, {"spy": spy})

    async def whisper(self, channel_id: str, snoop_id: str) -> Channel:
        """Speak to a channel and to nobody else: by playing to the snoop channel once its own StasisStart has come.

        Raises as ``snoop``.
        """
        return await self._snoop(channel_id, snoop_id, {"whisper": "out"})

    async def _snoop(self, channel_id: str, snoop_id: str, how: Query) -> Channel:
        path = path_of("channels", channel_id, "snoop", snoop_id)
        answer = await self._http.call("POST", path, query={**how, "app": self.application})
        return _read(answer, Channel)

    async def record(self, channel_id: str, name: str, *, fmt: str = "wav", max_seconds: int = 0) -> LiveRecording:
        """Ask for a recording; `queued` is no promise: RecordingStarted or RecordingFailed follows.

        `max_seconds` 0: no limit. Raises Gone; NotNow for a name in use or a channel outside Stasis.
        """
        query: Query = {"name": name, "format": fmt, "maxDurationSeconds": max_seconds, "ifExists": "fail"}
        answer = await self._http.call("POST", path_of("channels", channel_id, "record"), query=query)
        return _read(answer, LiveRecording)

    async def live_recording(self, name: str) -> LiveRecording:
        """Read a live recording's state; urgent, since it confirms a pause. Raises Gone once it has ended."""
        return _read(await self._urgent("GET", "recordings", "live", name), LiveRecording)

    async def pause_recording(self, name: str) -> None:
        """Pause; the audio follows within a frame. Raises Gone, NotNow."""
        await self._urgent("POST", "recordings", "live", name, "pause")

    async def resume_recording(self, name: str) -> None:
        """Go on recording. Raises Gone, NotNow."""
        await self._urgent("DELETE", "recordings", "live", name, "pause")

    async def stop_recording(self, name: str) -> None:
        """End it and keep the file. Raises Gone where it has ended already."""
        await self._urgent("POST", "recordings", "live", name, "stop")

    async def discard_recording(self, name: str) -> None:
        """End it and delete the file. Raises Gone where it has ended already."""
        await self._urgent("DELETE", "recordings", "live", name)

    async def keep_recording_alive(self, snoop_channel_name: str, seconds: int) -> None:
        """Have Asterisk hang the snoop channel up by itself in `seconds`, unless this is sent again before.

        Takes the channel's name, not its id. Asterisk answers success for a channel that is gone, too: this
        proves nothing. Raises PbxRefused for a name that would change the meaning of the dialplan function.
        """
        if not snoop_channel_name or _IN_A_FUNCTION & set(snoop_channel_name):
            raise PbxRefused("this channel name cannot stand inside a dialplan function")
        await self.set_global_variable(f"EXPORT({snoop_channel_name},TIMEOUT(absolute))", str(seconds))

    def stored_recording(self, name: str) -> AbstractAsyncContextManager[Download]:
        """Ask for a finished recording's file, which says first how long it is, then comes piece by piece.

        Raises Gone; PbxUnreachable where the file breaks off.
        """
        return self._http.download(path_of("recordings", "stored", name, "file"))

    async def stored_recordings(self) -> list[str]:
        """Name every recording file on the PBX, those under way and those in folders included."""
        return [found.name for found in _read(await self._get("recordings", "stored"), list[StoredRecording])]

    async def delete_stored_recording(self, name: str) -> None:
        """Delete a finished recording's file from the PBX. Raises Gone."""
        await self._http.call("DELETE", path_of("recordings", "stored", name), repeatable=True)

    async def copy_stored_recording(self, name: str, to: str) -> None:
        """Copy a finished recording's file on the PBX. Raises Gone; NotNow where there is one of that name."""
        path = path_of("recordings", "stored", name, "copy")
        await self._http.call("POST", path, query={"destinationRecordingName": to})

    # Channels

    async def hangup(self, channel_id: str, *, fresh: bool = False) -> None:
        """End a channel; urgent, since it ends a recording whose pause is not confirmed. Raises Gone.

        `fresh`: over a connection of its own, for when the kept-alive ones did not answer.
        """
        lane: Lane = "fresh" if fresh else "urgent"
        await self._http.call("DELETE", path_of("channels", channel_id), lane=lane, repeatable=True)

    async def continue_in_dialplan(self, channel_id: str) -> None:
        """Give a channel back to the dialplan. Raises Gone; NotNow where it is not in Stasis."""
        await self._post("channels", channel_id, "continue")

    async def answer(self, channel_id: str) -> None:
        """Answer a channel in Stasis. Raises Gone, NotNow."""
        await self._post("channels", channel_id, "answer")

    async def ring(self, channel_id: str) -> None:
        """Signal ringing on a channel in Stasis. Raises Gone, NotNow."""
        await self._post("channels", channel_id, "ring")

    async def play(self, channel_id: str, playback_id: str, *, media: str, language: str = "") -> Playback:
        """Play `sound:…`, `tone:…` or `digits:…` to a channel in Stasis. Raises Gone, NotNow.

        `language` empty: the channel's own.
        """
        query: Query = {"media": media, "lang": language} if language else {"media": media}
        path = path_of("channels", channel_id, "play", playback_id)
        return _read(await self._http.call("POST", path, query=query), Playback)

    async def stop_playback(self, playback_id: str) -> None:
        """Stop a sound. Raises Gone where it has ended already."""
        await self._http.call("DELETE", path_of("playbacks", playback_id), repeatable=True)

    async def send_dtmf(self, channel_id: str, digits: str, *, between_ms: int = 100, duration_ms: int = 100) -> None:
        """Send keys out on a channel in Stasis. Raises Gone, NotNow."""
        query: Query = {"dtmf": digits, "between": between_ms, "duration": duration_ms}
        await self._http.call("POST", path_of("channels", channel_id, "dtmf"), query=query)

    async def originate(
        self,
        endpoint: str,
        *,
        channel_id: str,
        caller_id: str = "",
        variables: Mapping[str, str] | None = None,
        timeout_s: int = 30,
    ) -> Channel:
        """Call an endpoint and hand it to our application once it answers. Raises NotNow for an id in use."""
        destination: Query = {"app": self.application}
        return await self._originate(
            destination | {"endpoint": endpoint, "channelId": channel_id, "callerId": caller_id, "timeout": timeout_s},
            variables or {},
        )

    async def originate_into_dialplan(
        self,
        endpoint: str,
        *,
        context: str,
        exten: str,
        channel_id: str,
        caller_id: str = "",
        variables: Mapping[str, str] | None = None,
        timeout_s: int = 30,
    ) -> Channel:
        """Call an endpoint and send it to an extension once it answers. Raises NotNow for an id in use."""
        destination: Query = {"context": context, "extension": exten, "priority": 1}
        return await self._originate(
            destination | {"endpoint": endpoint, "channelId": channel_id, "callerId": caller_id, "timeout": timeout_s},
            variables or {},
        )

    # Variables

    async def set_channel_variable(self, channel_id: str, variable: str, value: str) -> None:
        """Set a variable. Raises Gone; hangs while the channel records, or plays a sound, in Stasis."""
        path = path_of("channels", channel_id, "variable")
        await self._http.call("POST", path, query={"variable": variable, "value": value}, repeatable=True)

    async def set_global_variable(self, variable: str, value: str) -> None:
        """Set a global variable, or write through a dialplan function."""
        query: Query = {"variable": variable, "value": value}
        await self._http.call("POST", "asterisk/variable", query=query, repeatable=True)

    async def global_variable(self, variable: str) -> str:
        """Read a global variable; one that is not set is empty."""
        answer = await self._http.call("GET", "asterisk/variable", query={"variable": variable}, repeatable=True)
        return _read(answer, _Value).value

    async def _get(self, *parts: str) -> bytes:
        return await self._http.call("GET", path_of(*parts), repeatable=True)

    async def _post(self, *parts: str) -> None:
        await self._http.call("POST", path_of(*parts))

    async def _urgent(self, method: str, *parts: str) -> bytes:
        return await self._http.call(method, path_of(*parts), lane="urgent", repeatable=True)

    async def _originate(self, query: Query, variables: Mapping[str, str]) -> Channel:
        body = msgspec.json.encode({"variables": variables})
        return _read(await self._http.call("POST", "channels", query=query, body=body), Channel)


def _read(raw: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise PbxUnreachable(f"what answers does not speak ARI: {type(error).__name__}") from error
