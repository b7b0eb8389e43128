"""A call written down by one daemon and read by the next."""

import json
from dataclasses import replace

import pytest

from controller.domain import events
from controller.domain.call import Call
from controller.domain.hindrance import Hindrance
from controller.domain.policy import Policy, Route
from controller.domain.recording import Phase
from controller.runtime import succession
from tests.unit.domain.stories import Story, agent, policy
from tests.unit.domain.test_tracking import up_to


def told(*, phase: Phase = Phase.PAUSED) -> Call:
    """A call with something of everything that is kept."""
    story = up_to(phase)
    story.happens(events.Hindered(at=story.now, hindrances=frozenset({Hindrance.HANDING_OVER})))
    story.moves("payment", agent().channel)
    story.pauses()
    return story.call


def as_the_next_daemon_sees_it(call: Call) -> Call:
    """Without what was true only where it was seen."""
    tracks = tuple(replace(track, ticket=None) for track in call.tracks)
    return replace(
        call,
        parties=(),
        keyed=(),
        hindrances=frozenset(),
        alone_timer=None,
        looking_up=None,
        tracks=tracks,
    )


@pytest.mark.parametrize("phase", [Phase.RECORDING, Phase.PAUSED, Phase.STOPPING])
def test_a_call_is_read_as_it_was_written(phase: Phase) -> None:
    call = told(phase=phase)
    assert succession.read(succession.written(call), call.policy) == as_the_next_daemon_sees_it(call)


def test_a_withdrawal_and_an_objection_are_read_again() -> None:
    story = up_to(Phase.RECORDING)
    story.customer_objects()
    story.pbx_says(events.RecordingEnded)
    read = succession.read(succession.written(story.call), story.call.policy)
    assert read == as_the_next_daemon_sees_it(story.call)


def test_a_call_without_a_route_is_read_too() -> None:
    story = Story(asked=False)
    assert succession.read(succession.written(story.call), story.call.policy) is not None


def other_version(rules: Policy) -> Policy:
    return replace(rules, version="another")


def without_its_route(rules: Policy) -> Policy:
    return replace(rules, routes=(Route(name="another", purposes=("quality",)),))


def without_its_purpose(rules: Policy) -> Policy:
    return replace(rules, purposes={})


@pytest.mark.parametrize("change", [other_version, without_its_route, without_its_purpose])
def test_a_call_of_another_policy_is_not_read(change: object) -> None:
    call = told()
    assert callable(change)
    assert succession.read(succession.written(call), change(call.policy)) is None


@pytest.mark.parametrize(
    "state",
    ["", "[]", "null", "{", '{"policy": "v1"}', json.dumps({"policy": "v1", "route": 3, "tracks": [{"purpose": 1}]})],
)
def test_what_is_no_call_of_ours_is_not_read(state: str) -> None:
    assert succession.read(state, policy()) is None


@pytest.mark.parametrize("name", ["id", "began_at", "suspensions", "tracks", "objections"])
def test_a_call_that_lacks_something_is_not_read(name: str) -> None:
    call = told()
    plain = json.loads(succession.written(call))
    del plain[name]
    assert succession.read(json.dumps(plain), call.policy) is None


def test_nothing_of_the_policy_is_in_it() -> None:
    assert "legitimate-interest" not in succession.written(told())
