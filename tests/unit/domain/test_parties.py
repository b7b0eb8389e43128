"""Who a channel is, by its name."""

from dataclasses import replace

import pytest

from controller.domain.names import ChannelId
from controller.domain.parties import Role, is_machinery, line_of, party
from controller.domain.policy import Exclusions, Pauses
from tests.unit.domain.stories import policy


@pytest.mark.parametrize(
    ("name", "line"),
    [
        pytest.param("PJSIP/201-0000002a", "PJSIP/201", id="the unique suffix goes"),
        pytest.param("PJSIP/sales-desk-0000002a", "PJSIP/sales-desk", id="a dash in the line stays"),
        pytest.param("PJSIP/carrier-deadbeef-0000002a", "PJSIP/carrier-deadbeef", id="only the last suffix goes"),
        pytest.param("Local/201@agents-0000000f;2", "Local/201@agents", id="with the half of a Local channel"),
        pytest.param("PJSIP/201-2a", "PJSIP/201-2a", id="what is too short for a suffix stays"),
        pytest.param("PJSIP/201", "PJSIP/201", id="a line is its own name"),
        pytest.param("", "", id="no name is no line"),
    ],
)
def test_the_line_of_a_channel(name: str, line: str) -> None:
    assert line_of(name) == line


@pytest.mark.parametrize(
    ("name", "role"),
    [
        pytest.param("PJSIP/201-0000002a", Role.AGENT, id="an agents' pattern makes an agent"),
        pytest.param("PJSIP/290-0000002a", Role.REPRESENTATIVE, id="a representative's line wins over an agent's"),
        pytest.param("PJSIP/202-0000002a", Role.UNINFORMED, id="whom nobody has told is an agent who is not informed"),
        pytest.param("PJSIP/payment-0000002a", Role.PAYMENT, id="a payment platform is what it is"),
        pytest.param("PJSIP/280-0000002a", Role.PAYMENT, id="even where it looks like an agent"),
        pytest.param("PJSIP/carrier-0000002a", Role.EXTERNAL, id="a trunk is an outsider"),
        pytest.param("SIP/201-0000002a", Role.EXTERNAL, id="another technology is another line"),
        pytest.param("pjsip/201-0000002a", Role.EXTERNAL, id="capitals count"),
        pytest.param("", Role.EXTERNAL, id="whoever has no name is an outsider"),
    ],
)
def test_the_role_of_a_channel(name: str, role: Role) -> None:
    rules = policy(pauses=Pauses(endpoints=("PJSIP/payment*", "PJSIP/28*")))
    assert party(ChannelId("c"), name, rules, informed={"201", "290"}).role is role


def test_where_no_lines_are_named_everybody_is_an_outsider() -> None:
    nobody = replace(policy(exclusions=Exclusions()), agents=())
    assert party(ChannelId("c"), "PJSIP/201-0000002a", nobody).role is Role.EXTERNAL


def test_a_party_keeps_its_channel_and_has_an_extension() -> None:
    who = party(ChannelId("17.3"), "PJSIP/201-0000002a", policy())
    assert (who.channel, who.extension) == ("17.3", "201")


@pytest.mark.parametrize(
    ("name", "machinery"),
    [
        pytest.param("Snoop/17.1-00000001", True, id="a snoop channel is plumbing"),
        pytest.param("Local/201@agents-0000000f;1", True, id="so is half a Local channel"),
        pytest.param("Announcer/ARI-00000001;2", True, id="and an announcer"),
        pytest.param("PJSIP/Local/201-0000002a", False, id="but only by how the name begins"),
        pytest.param("PJSIP/201-0000002a", False, id="a telephone is somebody"),
        pytest.param("", False, id="whoever has no name may be somebody"),
    ],
)
def test_plumbing_is_told_from_people(name: str, *, machinery: bool) -> None:
    assert is_machinery(name) is machinery
