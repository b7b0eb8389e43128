"""docker-compose.yml cannot be started here: this checks all that it refers to."""

import re
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from controller.__main__ import main
from controller.config.credentials import NAMES, variable

ROOT = Path(__file__).parents[2]
VARIABLE = re.compile(r"\$\{([A-Z_]+)[^}]*\}")


@pytest.fixture(scope="module")
def text() -> str:
    return (ROOT / "docker-compose.yml").read_text()


@pytest.fixture(scope="module")
def guide() -> str:
    return (ROOT / "docs" / "how-to" / "compose.md").read_text()


@pytest.fixture(scope="module")
def compose(text: str) -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load(text)
    return parsed


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    parsed: dict[str, dict[str, Any]] = compose["services"]
    return parsed


def mounts(services: dict[str, dict[str, Any]]) -> list[str]:
    return [volume.split(":")[0] for service in services.values() for volume in service.get("volumes", ())]


def test_the_four_services_are_there_and_each_says_whether_it_is_well(services: dict[str, Any]) -> None:
    lasting = {name: service for name, service in services.items() if service["restart"] == "unless-stopped"}
    assert set(lasting) == {"asterisk", "postgres", "mosquitto", "controller"}
    assert all(service["healthcheck"]["test"][0] == "CMD" for service in lasting.values())


def test_the_controller_starts_once_the_database_has_its_tables(services: dict[str, Any]) -> None:
    assert services["controller"]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    command, *arguments = services["migrate"]["command"]
    migrate = main.get_command(click.Context(main), command)
    assert migrate is not None
    assert [parameter.opts[0] for parameter in migrate.params if "--config" in parameter.opts]
    mounted = [volume.split(":")[1] for volume in services["migrate"]["volumes"]]
    assert arguments == ["--config", mounted[0]]


def test_what_is_not_in_the_repository_is_made_by_a_command_of_the_guide(guide: str) -> None:
    example = (ROOT / ".env.example").read_text()
    paths = [line.split("=./", 1)[1] for line in example.splitlines() if "=./" in line]
    made = next(line.split()[2:] for line in guide.splitlines() if line.startswith("mkdir -p "))
    assert paths != []
    assert [path for path in paths if not (ROOT / path).exists() and path not in made] == []


def test_every_secret_is_made_by_a_command_of_the_guide(guide: str, compose: dict[str, Any]) -> None:
    looped = re.search(r"^for name in (.*); do .*> \$name; done$", guide, re.MULTILINE)
    assert looped
    made = {*looped[1].split(), *re.findall(r"> ([a-z-]+)$", guide, re.MULTILINE)}
    assert made == {secret["file"].rpartition("/")[2] for secret in compose["secrets"].values()}


def test_every_secret_of_the_controller_belongs_to_its_user_in_the_image(guide: str, services: dict[str, Any]) -> None:
    image = re.search(r"useradd --uid (\d+)", (ROOT / "Dockerfile").read_text())
    given = re.search(r"^sudo chown (\d+) ([a-z -]+?) +#", guide, re.MULTILINE)
    assert image
    assert given
    assert given[1] == image[1]
    assert set(given[2].split()) == set(services["controller"]["secrets"])


def test_every_command_of_the_guide_runs_in_a_service_that_is_there(guide: str, services: dict[str, Any]) -> None:
    run = re.findall(r"^docker compose exec (?:-T )?(\w+) recording-controller (\w+)", guide, re.MULTILINE)
    assert run != []
    assert {service for service, _ in run} <= set(services)
    assert {command for _, command in run} <= set(main.list_commands(click.Context(main)))


def test_every_build_context_holds_a_dockerfile_and_all_that_it_copies(services: dict[str, Any]) -> None:
    contexts = [ROOT / service["build"] for service in services.values() if "build" in service]
    assert len(set(contexts)) == 2
    for context in contexts:
        for line in (context / "Dockerfile").read_text().splitlines():
            if line.startswith("COPY ") and "--from=" not in line:
                *sources, _ = line.split()[1:]
                assert [name for name in sources if not (context / name).exists()] == []


def test_what_the_daemons_image_copies_is_not_ignored() -> None:
    kept = {line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text().split() if line[0] == "!"}
    copied: set[str] = set()
    for line in (ROOT / "Dockerfile").read_text().splitlines():
        if line.startswith("COPY ") and "--from=" not in line:
            copied.update(line.split()[1:-1])
    assert copied == kept


def test_every_file_mounted_from_the_repository_exists(services: dict[str, Any]) -> None:
    ours = [mount for mount in mounts(services) if mount.startswith(".")]
    assert ours != []
    assert [mount for mount in ours if not (ROOT / mount).exists()] == []


def test_every_named_volume_is_declared_and_every_declared_one_is_used(
    compose: dict[str, Any], services: dict[str, Any]
) -> None:
    named = {mount for mount in mounts(services) if mount[0] not in "./$"}
    assert named == set(compose["volumes"])


def test_every_secret_is_declared_as_a_file_and_every_declared_one_is_used(
    compose: dict[str, Any], services: dict[str, Any]
) -> None:
    used = {secret for service in services.values() for secret in service.get("secrets", ())}
    assert used == set(compose["secrets"])
    assert all(secret["file"].startswith("${RC_SECRETS}/") for secret in compose["secrets"].values())


def test_every_variable_is_documented_and_every_documented_one_is_used(text: str) -> None:
    example = (ROOT / ".env.example").read_text()
    documented = dict(line.split("=", 1) for line in example.splitlines() if line and line[0] != "#")
    assert set(VARIABLE.findall(text)) == set(documented)
    assert (ROOT / documented["RC_CONFIG"]).is_file()


def test_every_service_waited_for_exists(services: dict[str, Any]) -> None:
    awaited = {name for service in services.values() for name in service.get("depends_on", ())}
    assert awaited <= set(services)


def test_no_password_stands_in_the_file(services: dict[str, Any]) -> None:
    for service in services.values():
        for name, value in service.get("environment", {}).items():
            if re.search("PASSWORD|TOKEN|SECRET|KEY|URL", name):
                assert name.endswith("_FILE")
                assert value.removeprefix("/run/secrets/") in service["secrets"]


def test_the_variables_of_the_controller_are_ones_that_it_reads(services: dict[str, Any]) -> None:
    known = {f"{variable(name)}_FILE" for name in NAMES}
    for name in ("controller", "migrate"):
        assert set(services[name]["environment"]) <= known
