"""What the file, read again while the daemon runs, puts in force."""

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest

from controller.config import ConfigurationFaults, Settings
from controller.domain.decision import Decision
from controller.domain.policy import Policy
from controller.runtime.ports import Entry, Receipt
from controller.runtime.reloading import AT_THE_NEXT_START, Reloading
from controller.runtime.writer import Writer
from tests.unit.config.conftest import FAULTLESS, Place, replaced, write_sound


class Pbx:
    """What a reload needs of one."""

    name = "main"

    def __init__(self) -> None:
        self.policies: list[Policy] = []

    async def decide_by(self, policy: Policy) -> None:
        self.policies.append(policy)


class Written(Writer):
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def log(self, entry: Entry) -> None:
        self.entries.append(entry)

    def commit(self, entry: Entry, done: Callable[[Receipt | None], None]) -> None:
        raise AssertionError((entry, done))


class Daemon:
    """One that runs, with the faultless file."""

    def __init__(self, place: Place) -> None:
        self.pbx, self.writer, self.told = Pbx(), Written(), 0
        self.reloading = Reloading(
            place.load(), links=lambda: [self.pbx], writer=self.writer, keep=self._keep, in_force=self._in_force
        )

    async def is_told_to_reload(self) -> list[str]:
        """The reasons of what was written down for it."""
        before = len(self.writer.entries)
        await self.reloading.reload(actor="api")
        return [entry.reason for entry in self.writer.entries[before:] if isinstance(entry, Decision)]

    async def _keep(self, settings: Settings) -> None:
        assert len(self.pbx.policies) == self.told, settings

    async def _in_force(self) -> None:
        """The policy is in force by then."""
        assert self.pbx.policies
        self.told += 1


@pytest.fixture
def daemon(place: Place) -> Daemon:
    return Daemon(place)


async def test_a_file_that_is_the_same_changes_nothing(daemon: Daemon) -> None:
    assert await daemon.is_told_to_reload() == []
    assert (daemon.pbx.policies, daemon.told) == ([], 0)


async def test_another_file_is_in_force_before_anybody_is_told(daemon: Daemon, place: Place) -> None:
    place.write(FAULTLESS + "# another version\n")
    assert await daemon.is_told_to_reload() == ["policy-loaded"]
    assert daemon.told == 1


async def test_another_sound_under_the_same_name_is_another_proof(daemon: Daemon, place: Place) -> None:
    """What a caller hears is proven by the digest and the length of the file as it is."""
    sound = Path("rc") / "told.wav"
    for language in ("fr", "en"):
        write_sound(place.sounds / language / sound, seconds=2)
    assert await daemon.is_told_to_reload() == ["policy-loaded"]
    [policy] = daemon.pbx.policies
    assert {prompt.milliseconds for prompt in policy.prompts["told"].values()} == {2000}


async def test_what_waits_for_a_restart_is_named_until_it_comes(daemon: Daemon, place: Place) -> None:
    place.write(replaced(FAULTLESS, {"data_controller:": "on_shutdown: stop\ndata_controller:"}))
    for _ in range(2):
        done = await daemon.reloading.reload(actor="api")
        assert done.at_the_next_start == ("on_shutdown",)
    place.write(FAULTLESS)
    assert (await daemon.reloading.reload(actor="api")).at_the_next_start == ()


def test_each_setting_is_in_force_at_once_or_waits_for_a_restart() -> None:
    waiting = {of.partition(".")[0] for of in AT_THE_NEXT_START.values()}
    assert {field.name for field in fields(Settings)} == waiting | {"file", "text", "policy", "warnings"}


async def test_a_faulty_file_changes_nothing(daemon: Daemon, place: Place) -> None:
    place.write("routes: []\n")
    with pytest.raises(ConfigurationFaults):
        await daemon.is_told_to_reload()
    assert (daemon.pbx.policies, daemon.told) == ([], 0)
