"""What stands in a lab whose daemon each test starts, and breaks, for itself: for modules that have such a ``lab``."""

from collections.abc import AsyncIterator, Iterator

import pytest

from lab.phones import Phones
from lab.world import Daemon, World


@pytest.fixture
def daemon(lab: World) -> Iterator[Daemon]:
    """The daemon, running."""
    lab.daemon.start()
    yield lab.daemon
    lab.daemon.stop()


@pytest.fixture
async def phones(lab: World) -> AsyncIterator[Phones]:
    """Its telephones; whatever a test leaves off the hook is hung up."""
    async with Phones.of(lab.phones) as ready:
        yield ready
