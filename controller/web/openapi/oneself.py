"""Requests of whoever asks about themselves, and about the daemon."""

from collections.abc import Mapping
from typing import Any, Final

from controller.web.openapi import people_shapes
from controller.web.openapi.calls import BEFORE, LIMIT
from controller.web.openapi.operation import JSON, Answer, Operation, Part, json_body, json_of

ONESELF: Final[Mapping[str, Operation]] = {
    "POST /session": Operation(
        part=Part.ONESELF,
        summary="Log in",
        text="The answer sets the cookie `rc_session`, which goes wherever another program sends a token.",
        body=json_body(people_shapes.LogIn, '{"name": "alice", "password": "…"}'),
        answers=json_of("In.", people_shapes.Session),
        problems={
            401: "No account has this name and this password.",
            415: "The body is not `application/json`.",
            429: "Too many have failed: `Retry-After` says when to try again.",
        },
    ),
    "DELETE /session": Operation(part=Part.ONESELF, summary="Log out", answers={204: Answer(text="Out.")}),
    "GET /me": Operation(
        part=Part.ONESELF, summary="Who asks, and what they may", answers=json_of("That.", people_shapes.Me)
    ),
    "POST /me/password": Operation(
        part=Part.ONESELF,
        summary="Change one's own password",
        text="Who has logged in with one. They are logged out everywhere else, and stay logged in here.",
        body=json_body(people_shapes.OwnPassword, '{"current": "…", "new": "…"}'),
        answers={204: Answer(text="It is changed.")},
        problems={
            403: "The current password is another one; who asks has none here.",
            429: "Too many have failed: `Retry-After` says when to try again.",
        },
    ),
    "GET /me/accesses": Operation(
        part=Part.ONESELF,
        summary="What they had, as the access log has it",
        query=(BEFORE, LIMIT),
        answers=json_of("A page of it, the newest first.", people_shapes.Accesses),
    ),
    "GET /openapi.json": Operation(
        part=Part.DAEMON,
        summary="This document",
        answers=json_of("OpenAPI 3.1.", dict[str, Any]),
    ),
    "POST /config/reload": Operation(
        part=Part.DAEMON,
        summary="Read the configuration file again",
        text="What `SIGHUP` does. A faulty file changes nothing.",
        answers=json_of("What is in force.", people_shapes.Reloaded),
        problems={422: "The file has faults: each is told, on a line of its own."},
    ),
}

BESIDE: Final[Mapping[str, Operation]] = {
    "GET /healthz": Operation(
        part=Part.DAEMON, summary="Whether the daemon answers", answers=json_of("It does.", people_shapes.Health)
    ),
    "GET /readyz": Operation(
        part=Part.DAEMON,
        summary="Whether it is ready",
        answers={
            200: Answer(text="It is.", content={JSON: people_shapes.Readiness}),
            503: Answer(text="It is not.", content={JSON: people_shapes.Readiness}),
        },
    ),
    "GET /metrics": Operation(
        part=Part.DAEMON,
        summary="Metrics for Prometheus",
        answers={
            200: Answer(text="What is counted.", content={"text/plain": str, "application/openmetrics-text": str})
        },
    ),
}
"""What is asked beside ``/api/v1``, by anybody."""
