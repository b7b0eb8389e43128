"""Whom a topic is about."""

import pytest

from controller.domain.names import CallId
from controller.mqtt.topics import About, Address, address, decisions, filters, pbx_of_state, state, states


def test_calls_and_agents_of_a_pbx_are_subscribed_to() -> None:
    assert filters("site/rc", "lab") == ("site/rc/lab/calls/+/command", "site/rc/lab/agents/+/command")


@pytest.mark.parametrize(
    ("topic", "about", "name"),
    [("rc/lab/calls/0199/command", About.CALL, "0199"), ("rc/lab/agents/201/command", About.AGENT, "201")],
)
def test_a_topic_names_the_pbx_and_the_call_or_the_agent(topic: str, about: About, name: str) -> None:
    assert address("rc", topic) == Address(pbx="lab", about=about, name=name)
    assert address("site/rc", f"site/{topic}") == Address(pbx="lab", about=about, name=name)


@pytest.mark.parametrize(
    "topic",
    [
        "rc/lab/calls/1/state",
        "rc/lab/queues/1/command",
        "rc/lab/calls//command",
        "rc/lab/calls/1/2/command",
        "rc/lab/command",
        "other/lab/calls/1/command",
        "rcx/lab/calls/1/command",
        "rc/",
        "",
    ],
)
def test_any_other_topic_is_about_nobody(topic: str) -> None:
    assert address("rc", topic) is None


def test_a_state_is_known_again_by_its_topic() -> None:
    for about, name in ((About.CALL, "0199"), (About.AGENT, "201")):
        topic = state("site/rc", "lab", about, name)
        assert topic == f"site/rc/lab/{about.value}/{name}/state"
        assert pbx_of_state("site/rc", topic) == "lab"
    assert states("rc", "lab") == ("rc/lab/calls/+/state", "rc/lab/agents/+/state")


@pytest.mark.parametrize("name", ["", "+", "#", "2/1", "a b", "x" * 80])
def test_an_extension_that_is_no_part_of_a_topic_has_no_state(name: str) -> None:
    assert state("rc", "lab", About.AGENT, name) is None


@pytest.mark.parametrize("topic", ["rc/lab/calls/1/command", "rc/lab/state", "other/lab/calls/1/state", "rc/decisions"])
def test_no_other_topic_is_a_state(topic: str) -> None:
    assert pbx_of_state("rc", topic) is None


def test_a_decision_is_told_by_the_nearest_thing_that_it_is_about() -> None:
    told = [decisions("rc", "lab", CallId("1")), decisions("rc", "lab", None), decisions("rc", "", None)]
    assert told == ["rc/lab/calls/1/decisions", "rc/lab/decisions", "rc/decisions"]
