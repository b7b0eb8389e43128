"""What a payload asks, and what an answer says. Parses and writes JSON; does nothing itself."""

from http import HTTPStatus
from typing import Annotated, Final

import msgspec

from controller.domain.decision import Reason
from controller.domain.names import CallId
from controller.faults import Code, code_of
from controller.runtime.requests import CAUSES, CallState, Verb

MOST_BYTES: Final = 4 * 1024
"""The longest payload that is read."""

RECORDS_MORE: Final = frozenset({Verb.RESUME, Verb.START})
"""What lets something be recorded that was not; every other verb pauses or ends."""


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """One thing asked. ``reason`` is for a pause and its end, ``purpose`` (None: all) for start, stop and proof."""

    command: Verb
    reason: Annotated[str, msgspec.Meta(pattern=rf"^({'|'.join(CAUSES)})\Z")] = "payment"
    purpose: Annotated[str, msgspec.Meta(max_length=80)] | None = None

    @property
    def cause(self) -> Reason:
        """The reason, as the core names it."""
        return CAUSES[self.reason]


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Why something asked was not done, as the HTTP API says it: RFC 9457, and a ``code`` of ours for programs."""

    title: str
    status: int
    code: Code
    detail: str

    @classmethod
    def of(cls, status: HTTPStatus, detail: str, *, code: Code | None = None) -> "Problem":
        """A problem with the title, and unless there is a better one the code, that go with its status."""
        return cls(title=status.phrase, status=status.value, code=code or code_of(status), detail=detail)


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What a call's recordings are, after what was asked."""

    call: CallId
    state: CallState


Answer = Done | Problem

_decoder = msgspec.json.Decoder(Command)


def read(payload: bytes) -> Command | Problem:
    """The command in a payload. Unknown members are passed over, so that others can add their own."""
    if len(payload) > MOST_BYTES:
        return Problem.of(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a command has at most {MOST_BYTES} bytes")
    try:
        return _decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        words = ", ".join(verb.value for verb in Verb)
        reasons = ", ".join(CAUSES)
        detail = f'the payload is {{"command": …}}, one of {words}, with a reason, one of {reasons}, or a purpose'
        return Problem.of(HTTPStatus.BAD_REQUEST, detail)


def written(answer: Answer) -> bytes:
    """An answer as JSON."""
    return msgspec.json.encode(answer)
