"""Who can hear whom, from channels and bridges that come and go."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.names import BridgeId, ChannelId
from controller.domain.switchboard import Switchboard

PHONES = {"customer": "PJSIP/carrier-00000001", "agent": "PJSIP/201-00000002", "other": "PJSIP/202-00000003"}
LOCAL = {"one": "Local/201@agents-00000001;1", "two": "Local/201@agents-00000001;2"}


def board(*bridged: str, also: dict[str, str] | None = None) -> Switchboard:
    """All phones exist; ``bridged`` are ``channel bridge``."""
    switchboard = Switchboard()
    for channel, name in {**PHONES, **(also or {})}.items():
        switchboard.seen(ChannelId(channel), name)
    for pair in bridged:
        channel, bridge = pair.split()
        switchboard.entered(ChannelId(channel), BridgeId(bridge))
    return switchboard


def hears(switchboard: Switchboard, channel: str = "customer") -> set[str]:
    """Everybody who can hear this channel, itself left out."""
    return {str(other) for other in switchboard.connected(ChannelId(channel))} - {channel}


@pytest.mark.parametrize(
    ("bridged", "also", "heard_by"),
    [
        pytest.param((), {}, set(), id="in no bridge nobody hears"),
        pytest.param(("customer a",), {}, set(), id="nor alone in a bridge"),
        pytest.param(("customer a", "agent a"), {}, {"agent"}, id="two in a bridge hear each other"),
        pytest.param(("customer a", "agent b"), {}, set(), id="in two bridges they do not"),
        pytest.param(("customer a", "agent a", "other a"), {}, {"agent", "other"}, id="three make a conference"),
        pytest.param(("customer a", "agent a", "customer b"), {}, set(), id="entering one bridge leaves the other"),
        pytest.param(("customer a", "one a", "two b", "agent b"), LOCAL, {"agent"}, id="behind a Local channel too"),
        pytest.param(("customer a", "one a", "two b"), LOCAL, set(), id="its halves themselves are nobody"),
        pytest.param(("customer a", "one a", "agent b"), LOCAL, set(), id="a half in no bridge leads nowhere"),
        pytest.param(
            ("customer a", "one a", "agent a"),
            {"one": LOCAL["one"]},
            {"agent"},
            id="a half whose other half is not known is skipped",
        ),
        pytest.param(
            ("customer a", "two a", "one b", "three b", "four c", "agent c"),
            {**LOCAL, "three": "Local/9@x-00000002;1", "four": "Local/9@x-00000002;2"},
            {"agent"},
            id="through one Local channel after another",
        ),
        pytest.param(("customer a", "snoop a"), {"snoop": "Snoop/c-00000001"}, set(), id="plumbing does not count"),
        pytest.param(("customer a", "late a"), {}, {"late"}, id="a channel that nobody announced counts"),
        pytest.param(
            ("customer a", "half a", "agent b"),
            {"half": "Local/201@agents"},
            set(),
            id="a Local channel that is no half leads nowhere",
        ),
    ],
)
def test_who_hears_the_customer(bridged: tuple[str, ...], also: dict[str, str], heard_by: set[str]) -> None:
    assert hears(board(*bridged, also=also)) == heard_by


def test_whoever_leaves_hears_no_more() -> None:
    switchboard = board("customer a", "agent a")
    switchboard.left(ChannelId("agent"), BridgeId("a"))
    assert hears(switchboard) == set()


def test_leaving_another_bridge_than_ones_own_changes_nothing() -> None:
    switchboard = board("customer a", "agent a")
    switchboard.left(ChannelId("agent"), BridgeId("b"))
    switchboard.left(ChannelId("nobody"), BridgeId("a"))
    assert hears(switchboard) == {"agent"}


def test_leaving_whatever_bridge_it_is() -> None:
    switchboard = board("customer a", "agent a")
    for channel in ("agent", "other", "nobody"):
        switchboard.left_any(ChannelId(channel))
    assert hears(switchboard) == set()


def test_whoever_is_gone_is_forgotten() -> None:
    switchboard = board("customer a", "agent a")
    for channel in ("agent", "other", "nobody"):
        switchboard.gone(ChannelId(channel))
    assert hears(switchboard) == set()
    assert list(switchboard) == ["customer"]
    assert ChannelId("agent") not in switchboard
    assert switchboard.name(ChannelId("agent")) == ""


def test_a_local_channel_that_is_gone_leads_nowhere() -> None:
    switchboard = board("customer a", "one a", "two b", "agent b", also=LOCAL)
    switchboard.gone(ChannelId("two"))
    assert hears(switchboard) == set()


def test_a_name_may_come_late_and_change() -> None:
    switchboard = board("customer a", "late a", "two b", "agent b", also={"two": LOCAL["two"]})
    switchboard.seen(ChannelId("late"), LOCAL["one"])
    assert hears(switchboard) == {"agent"}
    switchboard.seen(ChannelId("late"), "Local/elsewhere@x-00000009;1")
    switchboard.seen(ChannelId("late"), "Local/elsewhere@x-00000009;1")
    assert hears(switchboard) == set()
    assert hears(switchboard, "agent") == set()


def test_whoever_asks_about_an_unknown_channel_hears_of_nobody() -> None:
    assert board().connected(ChannelId("nobody")) == {"nobody"}


CHANNELS = st.sampled_from([*PHONES, *LOCAL, "late"]).map(ChannelId)
BRIDGES = st.sampled_from(["a", "b"]).map(BridgeId)
MOVES = st.lists(st.tuples(st.sampled_from(["entered", "left", "gone", "seen"]), CHANNELS, BRIDGES), max_size=25)


@given(MOVES)
def test_hearing_is_mutual_whatever_happens(moves: list[tuple[str, ChannelId, BridgeId]]) -> None:
    switchboard = board(also=LOCAL)
    for move, channel, bridge in moves:
        match move:
            case "entered":
                switchboard.entered(channel, bridge)
            case "left":
                switchboard.left(channel, bridge)
            case "gone":
                switchboard.gone(channel)
            case _:
                switchboard.seen(channel, {**PHONES, **LOCAL, "late": "PJSIP/203-00000004"}[channel])
    for one in PHONES:
        for other in hears(switchboard, one) & set(PHONES):
            assert one in hears(switchboard, other)


def test_a_switchboard_that_is_cleared_knows_nobody() -> None:
    board = Switchboard()
    board.seen(ChannelId("a"), "PJSIP/201-00000001")
    board.entered(ChannelId("a"), BridgeId("b"))
    board.clear()
    assert list(board) == []
    assert board.connected(ChannelId("a")) == {ChannelId("a")}
