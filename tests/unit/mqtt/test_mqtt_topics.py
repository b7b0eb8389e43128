"""Whom a topic is about."""

import pytest

from controller.mqtt.topics import About, Address, address, filters


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
