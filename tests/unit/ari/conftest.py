"""What the tests of the ARI client share."""

import socket

import pytest


@pytest.fixture
def unused_port() -> int:
    """Give a loopback port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
