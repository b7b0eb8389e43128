"""The stories of the law, each a file in ``scenes``, played on the real PBX by real telephones.

Scenes of one policy are played at the same time; each is judged by its own test.
"""

import asyncio
from collections.abc import Iterator

import pytest
import yaml

from lab.broker import ADDRESS, Broker
from lab.pbx import PbxOptions
from lab.world import World, shorten
from tests.acceptance.cast import AGENTS, PLATFORM, REPRESENTATIVES
from tests.acceptance.judge import judge, places_of
from tests.acceptance.scene import FOLDER, POLICY, Scene, read_scene
from tests.acceptance.stage import Played, over, play_all

PUBLISHED = "published"
LONG_PAUSE = "longest-pause-ends-the-recording"
SCENES = sorted(path.stem for path in FOLDER.glob("*.yaml") if path != POLICY)


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    with Broker.running() as running:
        yield running


@pytest.fixture(scope="module")
def world(broker: Broker) -> Iterator[World]:
    """A lab with the policy and the lines of the scenes, and a broker that hears of them."""

    def by_the_policy_of_the_scenes(config: dict[str, object]) -> None:
        config.update(over(config, yaml.safe_load(POLICY.read_text())))
        config["mqtt"] = {"url": f"mqtt://{ADDRESS}:{broker.port}"}

    options = PbxOptions(
        agents=(*AGENTS, *REPRESENTATIVES, PLATFORM),
        queues={f"agent-{agent}": [agent] for agent in AGENTS},
        dialplan=(FOLDER / "lines.conf").read_text(),
    )
    with World.running(shorten, by_the_policy_of_the_scenes, options=options) as running:
        yield running


@pytest.fixture(scope="module")
def played(world: World, broker: Broker, request: pytest.FixtureRequest) -> dict[str, Played]:
    """Every scene that is asked for, played."""
    ours = [item for item in request.session.items if item.getparent(pytest.Module) is request.node]
    asked = {item.callspec.params["name"] for item in ours if hasattr(item, "callspec")}
    scenes = [read_scene(FOLDER / f"{name}.yaml") for name in SCENES if name in asked]
    return asyncio.run(_overheard(world, broker, scenes))


async def _overheard(world: World, broker: Broker, scenes: list[Scene]) -> dict[str, Played]:
    """Play them; whatever is published meanwhile is kept in a file beside the daemon's own, where it is searched."""
    async with broker.hearing("#") as heard:
        played = await play_all(world, scenes)
        await asyncio.sleep(1)
    (world.daemon.directory / PUBLISHED).write_bytes(b"\n".join(heard.get_nowait() for _ in range(heard.qsize())))
    return played


@pytest.mark.parametrize("name", SCENES)
def test_scene(world: World, played: dict[str, Played], name: str) -> None:
    """It ends as its file says."""
    faults = judge(world, played[name])
    assert not faults, "\n".join(faults)


def test_what_is_kept_is_found_by_the_search_for_what_must_not_be(world: World, played: dict[str, Played]) -> None:
    """Else the search of a scene could not fail."""
    assert played
    version = yaml.safe_load(world.daemon.config.read_text())["agents"]["notice"]
    places = set(places_of(world, version))
    assert {"the table policy_version", world.daemon.config.name} <= places
    assert world.daemon.log.name in set(places_of(world, "pbx.ready"))
    if LONG_PAUSE in played:
        assert PUBLISHED in set(places_of(world, "pause-too-long"))
