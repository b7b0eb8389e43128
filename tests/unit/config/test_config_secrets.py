"""Where secrets come from, and that they stay secret."""

from __future__ import annotations

import re
import stat
from base64 import b64encode
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from controller.config import Secret, Secrets
from controller.errors import ConfigurationError

if TYPE_CHECKING:
    from tests.unit.config.conftest import Place

PASSWORD = "RECORDING_CONTROLLER_ARI_PASSWORD"
KEY = "RECORDING_CONTROLLER_SAMPLING_KEY"
URL = "RECORDING_CONTROLLER_DATABASE_URL"


def stored(folder: Path, name: str, text: str, mode: int = 0o600) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(text)
    file.chmod(mode)
    return file


def test_password_comes_from_the_environment_then_a_named_file_then_the_folder(tmp_path: Path) -> None:
    stored(tmp_path, "ari-password", "from folder\n")
    named = {f"{PASSWORD}_FILE": str(stored(tmp_path, "elsewhere", "from file"))}
    for environ, expected in (({PASSWORD: "direct"}, "direct"), (named, "from file"), ({}, "from folder")):
        assert Secrets(directory=tmp_path, environ=environ).ari_password("main").reveal() == expected


def test_password_of_one_pbx_goes_before_the_common_one(tmp_path: Path) -> None:
    secrets = Secrets(directory=tmp_path, environ={PASSWORD: "common", f"{PASSWORD}_NORTH_2": "own"})
    assert secrets.ari_password("north-2").reveal() == "own"
    assert secrets.ari_password("south").reveal() == "common"


def test_missing_password_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Secrets(directory=tmp_path, environ={}).ari_password("main")
    assert str(caught.value) == (
        "secret ari-password is missing: the password of ARI on PBX main is looked for in"
        " RECORDING_CONTROLLER_ARI_PASSWORD_MAIN, RECORDING_CONTROLLER_ARI_PASSWORD, each with _FILE too, and in"
        f" {tmp_path}/ari-password-main and {tmp_path}/ari-password"
    )


def test_a_missing_secret_for_the_provider_is_a_problem_where_people_log_in_through_it(tmp_path: Path) -> None:
    secrets = Secrets(directory=tmp_path, environ={PASSWORD: "x"})
    assert secrets.problems([]) == ()
    [problem] = secrets.problems([], openid=True)
    assert "secret openid-client-secret is missing" in problem
    stored(tmp_path, "openid-client-secret", "hunter2")
    assert secrets.problems([], openid=True) == ()
    assert secrets.openid_client_secret() == Secret("hunter2")


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o644, 0o777])
def test_file_that_every_user_may_open_is_refused(tmp_path: Path, mode: int) -> None:
    file = stored(tmp_path, "ari-password", "hunter2", mode)
    with pytest.raises(ConfigurationError) as caught:
        Secrets(directory=tmp_path, environ={}).ari_password("main")
    expected = f"secret ari-password: {file} is open to every user (mode {mode:04o}); chmod 600 closes it"
    assert str(caught.value) == expected


REFUSED: Mapping[str, tuple[Callable[[Path], Mapping[str, str]], str]] = {
    "two sources": (
        lambda _: {PASSWORD: "a", f"{PASSWORD}_FILE": "/b"},
        f"secret ari-password: {PASSWORD} and {PASSWORD}_FILE exclude each other",
    ),
    "a named file that is absent": (
        lambda folder: {f"{PASSWORD}_FILE": str(folder / "none")},
        f"secret ari-password: the file that {PASSWORD}_FILE names does not exist",
    ),
    "a folder instead of a file": (
        lambda folder: {f"{PASSWORD}_FILE": str(folder)},
        "secret ari-password: FOLDER is not a file",
    ),
    "an empty variable": (lambda _: {PASSWORD: ""}, f"secret ari-password: {PASSWORD} is empty"),
    "two lines": (lambda _: {PASSWORD: "a\nb"}, f"secret ari-password: {PASSWORD} is not one line of text"),
    "an empty file": (
        lambda folder: {f"{PASSWORD}_FILE": str(stored(folder, "x", "\n"))},
        "secret ari-password: FOLDER/x is empty",
    ),
    "a file name that is none": (
        lambda _: {f"{PASSWORD}_FILE": "a\0b"},
        "secret ari-password: a\0b cannot be read: it has no valid name",
    ),
}


@pytest.mark.parametrize("row", REFUSED.values(), ids=REFUSED)
def test_password_is_refused(row: tuple[Callable[[Path], Mapping[str, str]], str], tmp_path: Path) -> None:
    prepare, expected = row
    with pytest.raises(ConfigurationError) as caught:
        Secrets(directory=tmp_path, environ=prepare(tmp_path)).ari_password("main")
    assert str(caught.value).replace(str(tmp_path), "FOLDER") == expected


def test_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    stored(tmp_path, "ari-password", "").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="is not UTF-8"):
        Secrets(directory=tmp_path, environ={}).ari_password("main")


def test_keys_are_made_once_and_kept(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "secrets"
    first, second = (Secrets(directory=folder, environ={}) for _ in range(2))
    assert first.sampling_key() == first.sampling_key() == second.sampling_key()
    assert first.numbers_key() == second.numbers_key() != first.sampling_key()
    assert len(first.sampling_key()) == 32
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {
        "sampling-key": 0o600,
        "numbers-key": 0o600,
    }
    assert re.fullmatch("[0-9a-f]{64}\n", (folder / "sampling-key").read_text())


def test_key_that_is_given_is_not_made(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    assert Secrets(directory=folder, environ={KEY: "0f" * 32}).sampling_key() == b"\x0f" * 32
    assert not folder.exists()


def test_key_of_another_length_is_refused_and_kept(tmp_path: Path) -> None:
    file = stored(tmp_path, "sampling-key", "0f0f")
    with pytest.raises(ConfigurationError, match="must be 32 bytes in hexadecimal, 64 digits"):
        Secrets(directory=tmp_path, environ={}).sampling_key()
    assert file.read_text() == "0f0f"


def test_daemons_that_begin_together_have_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(lambda _: Secrets(directory=tmp_path / "new", environ={}).sampling_key(), range(32)))
    assert len(set(keys)) == 1
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["sampling-key"]


def test_key_that_cannot_be_stored_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="secret numbers-key"):
        Secrets(directory=tmp_path / "file" / "secrets", environ={}).numbers_key()


def test_short_token_is_refused_and_none_is_none(tmp_path: Path) -> None:
    name = "RECORDING_CONTROLLER_HTTP_TOKEN"
    with pytest.raises(ConfigurationError, match="secret http-token is shorter than 16 characters"):
        Secrets(directory=tmp_path, environ={name: "short"}).http_token()
    token = Secrets(directory=tmp_path, environ={name: "0123456789abcdef"}).http_token()
    assert token == Secret("0123456789abcdef")
    assert Secrets(directory=tmp_path, environ={}).http_token() is None


def test_password_of_the_broker_is_found_and_none_is_none(tmp_path: Path) -> None:
    assert Secrets(directory=tmp_path, environ={}).mqtt_password() is None
    stored(tmp_path, "mqtt-password", "hunter2\n")
    assert Secrets(directory=tmp_path, environ={}).mqtt_password() == Secret("hunter2")


def test_what_signs_a_webhook_is_one_key_or_several(tmp_path: Path) -> None:
    one, other = bytes(range(24)), bytes(range(64))
    words = [f"whsec_{b64encode(key).decode()}" for key in (one, other)]
    stored(tmp_path, "webhook-crm", f"{words[0]} {words[1]}\n")
    assert Secrets(directory=tmp_path, environ={}).webhook_keys("webhook-crm") == (one, other)
    environ = {"RECORDING_CONTROLLER_WEBHOOK_CRM": words[1]}
    assert Secrets(directory=tmp_path, environ=environ).webhook_keys("webhook-crm") == (other,)


@pytest.mark.parametrize(
    "text", ["hunter2", "whsec_", "whsec_hunter2!", f"whsec_{'A' * 28}", f"whsec_{'A' * 88}", f"whsec_{'A' * 32}  "]
)
def test_what_could_not_sign_is_refused_and_not_shown(tmp_path: Path, text: str) -> None:
    secrets = Secrets(directory=tmp_path, environ={"RECORDING_CONTROLLER_WEBHOOK_CRM": text})
    [problem] = Secrets(directory=tmp_path, environ={PASSWORD: "x", **secrets.environ}).problems([], ["webhook-crm"])
    assert problem == "secret webhook-crm must be whsec_ and 24 to 64 bytes in Base64"


def test_a_webhook_without_a_secret_says_where_it_was_looked_for(tmp_path: Path) -> None:
    [problem] = Secrets(directory=tmp_path, environ={}).problems([], ["webhook-crm"])
    variable = "RECORDING_CONTROLLER_WEBHOOK_CRM"
    assert problem == (
        "secret webhook-crm is missing: what signs a webhook is looked for in"
        f" {variable}, {variable}_FILE and {tmp_path}/webhook-crm"
    )


def test_problems_are_all_told_and_nothing_is_made(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    environ = {KEY: "x", URL: "mysql://a:hunter2@b/c", "RECORDING_CONTROLLER_MQTT_PASSWORD": ""}
    problems = Secrets(directory=folder, environ=environ).problems(["main"])
    assert [problem.split(":")[0] for problem in problems] == [
        "secret ari-password is missing",
        "secret database-url must be a URL such as postgresql",
        "secret mqtt-password",
        "secret sampling-key must be 32 bytes in hexadecimal, 64 digits",
    ]
    assert not any("hunter2" in problem for problem in problems)
    assert not folder.exists()
    assert Secrets(directory=folder, environ={PASSWORD: "x"}).problems(["main"]) == ()


def test_loading_makes_nothing(place: Place) -> None:
    place.load()
    assert not place.state.exists()


def test_secrets_show_themselves_nowhere(place: Place) -> None:
    place.environ.update({PASSWORD: "hunter2", URL: "postgresql://me:hunter3@db.example/rc"})
    settings = place.load()
    assert settings.database.url is not None
    assert settings.database.url.reveal() == "postgresql://me:hunter3@db.example/rc"
    shown = f"{settings!r} {settings} {settings.secrets.ari_password('main')} {settings.database.url!r}"
    assert "hunter" not in shown
    assert "Secret(…)" in shown


def test_secrets_compare_by_what_they_hide() -> None:
    assert Secret("a") == Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2


def test_secret_url_goes_before_that_of_the_file(place: Place, changed: Callable[[Mapping[str, str]], str]) -> None:
    text = changed({"routes:": 'database: {url: "postgresql://file.example/rc"}\nroutes:'})
    url = place.load(text).database.url
    assert url == Secret("postgresql://file.example/rc")
    place.environ[URL] = "postgresql://secret.example/rc"
    assert place.load(text).database.url == Secret("postgresql://secret.example/rc")


def test_secret_url_is_not_used_where_the_file_says_embedded(
    place: Place, changed: Callable[[Mapping[str, str]], str]
) -> None:
    place.environ[URL] = "postgresql://secret.example/rc"
    text = changed({"routes:": "database: {embedded: true}\nroutes:"})
    assert place.load(text).database.embedded
    assert place.warnings(text) == ["30: database.embedded: is true: the secret database-url is not used"]


def test_secret_url_that_is_none_is_a_fault_of_the_database(
    place: Place, changed: Callable[[Mapping[str, str]], str]
) -> None:
    place.environ[URL] = "hunter2"
    assert place.faults(changed({"routes:": "database: {}\nroutes:"})) == [
        "30: database: secret database-url must be a URL such as postgresql://user@host/database"
    ]


def test_misspelt_variable_is_warned_of(place: Place) -> None:
    place.environ.update(
        {
            "RECORDING_CONTROLLER_ARI_PASWORD": "hunter2",
            "RECORDING_CONTROLLER_ARI_PASSWORD_MAIN_FILE": "/x",
            "RECORDING_CONTROLLER_XYZZY": "hunter2",
            "PATH": "/bin",
        }
    )
    assert place.warnings() == [
        (
            "environment: RECORDING_CONTROLLER_ARI_PASWORD: is not a variable of recording-controller"
            " (did you mean RECORDING_CONTROLLER_ARI_PASSWORD?)"
        ),
        "environment: RECORDING_CONTROLLER_XYZZY: is not a variable of recording-controller",
    ]
