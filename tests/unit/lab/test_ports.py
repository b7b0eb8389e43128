"""Ports of the lab: nobody is given what somebody else has been given, used or not."""

import subprocess
import sys

from lab.ports import free_port

MANY = 150
"""More than a process claims at once."""

ASKED = f"from lab.ports import free_port\nprint(*(free_port() for _ in range({MANY})), flush=True)\ninput()"


def ask() -> subprocess.Popen[bytes]:
    """Have another process, which keeps what it is given until it is told to end."""
    return subprocess.Popen(  # noqa: S603 - our own words
        [sys.executable, "-c", ASKED], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


def test_no_port_is_given_to_two_processes() -> None:
    ours = {free_port() for _ in range(MANY)}
    with ask() as other:
        assert other.stdout is not None
        theirs = {int(port) for port in other.stdout.readline().split()}
        ours |= {free_port() for _ in range(MANY)}
        other.communicate(b"\n")
    assert (len(ours), len(theirs)) == (2 * MANY, MANY)
    assert ours.isdisjoint(theirs)


def test_the_ports_of_a_process_that_has_ended_can_be_given_again() -> None:
    """One after the other they take more than there is."""
    for _ in range(31):
        with ask() as other:
            told, _ = other.communicate(b"\n")
        assert len(told.split()) == MANY
