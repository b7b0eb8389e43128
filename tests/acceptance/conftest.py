"""The lab of the acceptance tests: one PBX and its telephones for the whole session, both real."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from lab.pbx import Instance, PbxOptions, Plan, start_pbx, start_phones
from lab.phones import Phones
from lab.stories import Staff
from lab.world import World, record_every_call, shorten


@pytest.fixture(scope="session")
def plan() -> Plan:
    """The ports of the session's lab; `plan.fastagi` is where its PBX looks for a controller."""
    return Plan.free()


@pytest.fixture(scope="session")
def sounds() -> Iterator[Path]:
    """The folder of the announcements, `{fr,en}/recording-controller/*.wav`, empty at first."""
    with tempfile.TemporaryDirectory(prefix="rc-sounds-") as folder:
        for language in ("en", "fr"):
            (Path(folder) / language / "recording-controller").mkdir(parents=True)
        yield Path(folder)


@pytest.fixture(scope="session")
def pbx(plan: Plan, sounds: Path) -> Iterator[Instance]:
    """The PBX, with what `asterisk-conf/` puts on it; no controller runs beside it unless a test starts one."""
    with start_pbx(plan, PbxOptions(sounds=sounds)) as running:
        yield running


@pytest.fixture(scope="session")
def phones_asterisk(plan: Plan) -> Iterator[Instance]:
    """The Asterisk that plays every telephone round the PBX."""
    with start_phones(plan) as running:
        yield running


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    """A lab with a daemon, for the tests that leave it as it was."""
    with World.running(shorten, record_every_call) as running:
        yield running


@pytest.fixture
async def phones(world: World) -> AsyncIterator[Phones]:
    """The telephones of that lab; whatever a test leaves off the hook is hung up."""
    async with Phones.of(world.phones) as ready:
        yield ready


@pytest.fixture
def staff(phones: Phones) -> Staff:
    """The agents of its queues, who answer at once."""
    return Staff(phones)
