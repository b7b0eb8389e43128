"""What a payload asks, and what an answer looks like."""

import json
from http import HTTPStatus

import pytest

from controller.domain.decision import Reason
from controller.domain.names import CallId
from controller.faults import Code
from controller.mqtt.command import MOST_BYTES, Command, Done, Problem, read, written
from controller.runtime.requests import CAUSES, CallState, Verb


@pytest.mark.parametrize("verb", Verb)
def test_every_word_is_understood_alone(verb: Verb) -> None:
    assert read(json.dumps({"command": verb.value}).encode()) == Command(command=verb)


@pytest.mark.parametrize(("reason", "cause"), CAUSES.items())
def test_a_pause_says_its_reason(reason: str, cause: Reason) -> None:
    command = read(json.dumps({"command": "pause", "reason": reason}).encode())
    assert isinstance(command, Command)
    assert command.cause is cause


def test_a_pause_without_a_reason_is_for_a_payment() -> None:
    command = read(b'{"command": "pause"}')
    assert isinstance(command, Command)
    assert command.cause is Reason.PAYMENT


def test_what_others_add_is_passed_over() -> None:
    """A pause must not fail because somebody's screen sends more than it needs to."""
    assert read(b'{"command": "pause", "screen": {"id": [1, null]}}') == Command(command=Verb.PAUSE)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"pause",
        b"null",
        b'"pause"',
        b"[]",
        b"{}",
        b"\xff\xfe\x00",
        b'{"command": "PAUSE"}',
        b'{"command": null}',
        b'{"command": ["pause"]}',
        b'{"command": "erase"}',
        b'{"command": "pause", "reason": "boredom"}',
        b'{"command": "pause", "reason": "payment\\n"}',
        b'{"command": "pause", "reason": 1}',
        b'{"command": "start", "purpose": 1}',
        b'{"command": "start", "purpose": "' + b"x" * 81 + b'"}',
        b'{"command": "pause"',
        b'{"command": "pause"} {}',
        b"[" * MOST_BYTES,
        b'{"more": ' + b"[" * (MOST_BYTES - 9),
    ],
    ids=lambda payload: repr(payload[:40]),
)
def test_anything_else_is_a_bad_request_that_repeats_nothing(payload: bytes) -> None:
    problem = read(payload)
    assert isinstance(problem, Problem)
    assert (problem.title, problem.status) == ("Bad Request", 400)
    assert problem == read(b"\x00")


def test_a_payload_that_is_too_long_is_not_read() -> None:
    fitting = b'{"command": "pause"}'.ljust(MOST_BYTES)
    assert read(fitting) == Command(command=Verb.PAUSE)
    problem = read(fitting + b" ")
    assert isinstance(problem, Problem)
    assert (problem.status, problem.code) == (413, Code.TOO_LARGE)


def test_answers_are_those_of_the_http_api() -> None:
    assert json.loads(written(Done(call=CallId("17"), state=CallState.PAUSED))) == {"call": "17", "state": "paused"}
    assert set(json.loads(written(Problem.of(HTTPStatus.NOT_FOUND, "none")))) == {
        "title",
        "status",
        "code",
        "detail",
    }
