"""SIP that is not answered, in both ways there are. That a real Asterisk answers, every lab waits for."""

import socket

from lab.ports import free_port
from lab.sip import SipPort


def at(port: int) -> SipPort:
    return SipPort(address="127.0.0.1", port=port, asker="127.0.0.3")


def test_a_port_where_nobody_is_does_not_answer() -> None:
    assert not at(free_port(socket.SOCK_DGRAM)).answers()


def test_a_port_whose_owner_says_nothing_does_not_answer() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        assert not at(silent.getsockname()[1]).answers(patience=0.05)
        asked, (asker, _) = silent.recvfrom(4096)
    assert (asked.split()[0], asker) == (b"OPTIONS", "127.0.0.3")
