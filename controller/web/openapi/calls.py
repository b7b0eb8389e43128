"""Requests about calls under way."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Final

from msgspec import Meta

from controller.runtime.requests import Verb
from controller.web.bodies import MOMENT_AND_ID
from controller.web.openapi import shapes
from controller.web.openapi.operation import Answer, Operation, Parameter, Part, json_body, json_of

CALL: Final = Parameter(name="id", text="The call: `RC_CALL` of the dialplan.", example="$ID")
_WHERE: Final = (
    Parameter(name="agent", text="Only calls in which this extension talks.", example="201"),
    Parameter(name="pbx", text="Only calls of this PBX."),
)
_NOT_THERE: Final = {404: "No such call is under way, or it is none of theirs who ask."}

_VERBS: Final[Mapping[Verb, tuple[str, str, str]]] = {
    Verb.PAUSE: (
        "Pause every recording of the call",
        (
            "And each that would begin later. Answered once Asterisk has confirmed it, or once the recording has been "
            "stopped because it did not: `paused` and `not-recorded` both mean that nothing goes into a file. "
            "Ask for a card number only after a 200."
        ),
        '{"reason": "payment"}',
    ),
    Verb.RESUME: ("End that pause", "It goes on once the decision is in PostgreSQL, 0.3 s after the last pause.", ""),
    Verb.START: ("What an on-trigger purpose is about begins now", "", '{"purpose": "orders"}'),
    Verb.STOP: ("End the recordings for the rest of the call", "What exists is kept.", ""),
    Verb.OBJECTION: ("The customer objects", "Ends the recordings, and discards what exists.", ""),
    Verb.PRIVATE: ("The call is the agent's own business", "The same, but for what a law demands.", ""),
    Verb.PROOF: ("There is other proof of what was recorded on trigger", "That recording is discarded.", ""),
}


def _operations() -> Iterator[tuple[str, Operation]]:
    yield (
        "GET /live",
        Operation(
            part=Part.CALLS,
            summary="What goes on, as it happens",
            text="Server-sent events: `calls` has all calls under way and comes first; `call` is one as it is now; "
            '`over` is `{"id": …}`. A line that begins with `:` comes every second where there is nothing else.',
            query=_WHERE,
            answers={200: Answer(text="A stream that does not end.", content={"text/event-stream": str})},
        ),
    )
    yield (
        "GET /calls",
        Operation(
            part=Part.CALLS,
            summary="Every call under way",
            query=_WHERE,
            answers=json_of("Those that are theirs who ask.", list[shapes.Call]),
        ),
    )
    yield (
        "GET /calls/{id}",
        Operation(
            part=Part.CALLS,
            summary="One call under way",
            path=(CALL,),
            answers=json_of("The call.", shapes.Call),
            problems=_NOT_THERE,
        ),
    )
    for verb, (summary, text, example) in _VERBS.items():
        yield (
            f"POST /calls/{{id}}/{verb}",
            Operation(
                part=Part.CALLS,
                summary=summary,
                text=text,
                path=(CALL,),
                body=json_body(shapes.Asked, example, required=False),
                answers=json_of("It is done; what the recordings are now.", shapes.Done),
                problems=_NOT_THERE,
            ),
        )


CALLS: Final[Mapping[str, Operation]] = dict(_operations())

Limit = Annotated[int, Meta(ge=1, le=200)]
BEFORE: Final = Parameter(
    name="before", text="`next` of the page before, or a time.", of=Annotated[str, Meta(pattern=MOMENT_AND_ID)]
)
LIMIT: Final = Parameter(name="limit", text="How many on a page: 50, at most 200.", of=Limit, example="20")
