"""Requests about stored recordings: found, described, given out."""

from collections.abc import Mapping
from typing import Any, Final, Literal

from controller.audio.gaps import GapStyle
from controller.custody.finding import Order
from controller.web.openapi import shapes
from controller.web.openapi.calls import LIMIT
from controller.web.openapi.operation import Answer, Operation, Parameter, Part, json_body, json_of

_NAME: Final = Parameter(name="name", text="The recording.", example="$NAME")
_SHAPE: Final = Parameter(name="shape", text="Of which kind.", of=Literal["mp3", "wav"], example="mp3")
_GAPS: Final = Parameter(
    name="gaps", text="What stands for a pause; by `storage.gaps` unless given.", of=GapStyle, example="silence"
)
REASON: Final = Parameter(
    name="reason",
    text="Why: written down with who had it. What is archived needs one, and a purpose that asks for it.",
    example="complaint%2012",
)
_FOUND: Final = json_of("A page of them.", shapes.Recordings)
_NOT_THERE: Final = {404: "No such recording is stored, or it is none of theirs who ask."}
_NO_AUDIO: Final = {409: "What is stored is no audio that can be read."}
_RANGES: Final[Mapping[str, Any]] = {"audio/mpeg": None, "audio/wav": None}

STORED: Final[Mapping[str, Operation]] = {
    "GET /recordings": Operation(
        part=Part.RECORDINGS,
        summary="Find stored recordings",
        text="Every condition must be met. A customer's number is no condition here: addresses are logged.",
        query=(
            Parameter(name="call", text="The call that it is of.", of=shapes.CallRef, example="$ID"),
            Parameter(name="purpose", text="What it is for.", example="quality"),
            Parameter(name="queue", text="Where the customer waited."),
            Parameter(name="agent", text="The extension of who talked.", example="201"),
            Parameter(name="since", text="It began then or later.", of=shapes.AskedMoment),
            Parameter(name="until", text="It began before.", of=shapes.AskedMoment),
            Parameter(name="name", text="The recording."),
            Parameter(name="after", text="`next` of the page before."),
            Parameter(name="order", text="Which comes first; `oldest` unless given.", of=Order, example="newest"),
            LIMIT,
        ),
        answers=_FOUND,
    ),
    "POST /recordings/search": Operation(
        part=Part.RECORDINGS,
        summary="Find them by a customer's number, too",
        text="A search by number stands in the access log.",
        body=json_body(shapes.Conditions, '{"number": "01 99 00 00 17"}'),
        answers=_FOUND,
    ),
    "GET /calls/{id}/decisions": Operation(
        part=Part.RECORDINGS,
        summary="How it was decided about a call",
        text="Of which they may find a recording: every decision that is for a purpose of theirs or for none.",
        path=(Parameter(name="id", text="The call.", of=shapes.CallRef, example="$ID"),),
        answers=json_of("The decisions, in the order in which they were written.", list[shapes.Decision]),
        problems={404: "No recording of such a call is stored, or it is none of theirs who ask."},
    ),
    "GET /recordings/{name}": Operation(
        part=Part.RECORDINGS,
        summary="One of them",
        path=(_NAME,),
        answers=json_of("The recording.", shapes.Recording),
        problems=_NOT_THERE,
    ),
    "GET /recordings/{name}/audio.{shape}": Operation(
        part=Part.RECORDINGS,
        summary="Its audio, or a range of it",
        text="With pauses put back as `gaps` says. An entry of the access log.",
        path=(_NAME, _SHAPE),
        query=(_GAPS, REASON),
        answers={
            200: Answer(text="All of it.", content=_RANGES),
            206: Answer(text="The range that was asked for.", content=_RANGES),
        },
        problems={**_NOT_THERE, **_NO_AUDIO, 416: "The range begins beyond the end."},
    ),
    "GET /recordings/{name}/peaks": Operation(
        part=Part.RECORDINGS,
        summary="Its waveform",
        text="An entry of the access log.",
        path=(_NAME,),
        query=(_GAPS, REASON),
        answers=json_of("800 numbers for each channel.", shapes.Peaks) | json_of("A range.", shapes.Peaks, status=206),
        problems={**_NOT_THERE, **_NO_AUDIO, 416: "The range begins beyond the end."},
    ),
    "GET /recordings/{name}/timeline": Operation(
        part=Part.RECORDINGS,
        summary="Its stretches, recorded and paused",
        text="An entry of the access log.",
        path=(_NAME,),
        query=(_GAPS, REASON),
        answers=json_of("In milliseconds of what is listened to.", list[shapes.Stretch]),
        problems=_NOT_THERE,
    ),
    "POST /recordings/{name}/proof": Operation(
        part=Part.RECORDINGS,
        summary="There is other proof of the contract that it was to prove",
        text="It is destroyed (CNIL, 25 April 2022).",
        path=(_NAME,),
        answers=json_of("It is no more.", shapes.Destroyed),
        problems=_NOT_THERE,
    ),
}
