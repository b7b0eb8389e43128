"""Reads a configuration file, and says everything that is wrong with it at once."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pydantic import ValidationError

from controller.config.accountability_rules import check_accountability
from controller.config.build import (
    build_http,
    build_mqtt,
    build_openid_connect,
    build_pbx,
    build_policy,
    build_storage,
    build_webhook,
    secrets_directory,
)
from controller.config.credentials import DATABASE_URL, Secret, Secrets, misspelt, variable
from controller.config.document import Document, read
from controller.config.draft import Draft, Finding, partial, whole
from controller.config.faults import ConfigurationFaults, Fault
from controller.config.people_rules import check_people
from controller.config.period import parse_duration
from controller.config.purpose_rules import check_purposes
from controller.config.route_rules import check_routes
from controller.config.settings import Database, DataController, Listener, Settings
from controller.config.shape import DatabaseShape, FileShape
from controller.config.sounds import Prompts, prompts_of
from controller.config.system_rules import check_system
from controller.config.translate import translate
from controller.errors import ConfigurationError
from controller.runtime import clock


def load(
    path: str | os.PathLike[str], environ: Mapping[str, str] = os.environ, *, today: date | None = None
) -> Settings:
    """The settings of a file. Creates nothing: keys are made when ``Settings.secrets`` is first asked for them.

    ``today``, the machine's unless given, is the day that the past of the file is measured by.

    Raises ``ConfigurationFaults`` (a ``ConfigurationError``) with every fault of the file and of its sounds.
    """
    document = read(Path(path))
    file, shape_faults, draft = _shaped(document)
    prompts, sound_findings = prompts_of(draft)
    findings = [
        *check_system(draft),
        *check_people(draft),
        *check_purposes(draft),
        *check_accountability(draft, today or clock.today()),
        *check_routes(draft),
        *sound_findings,
    ]
    faults = [*document.faults, *shape_faults, *_located(document, findings, warning=False)]
    if faults or file is None:
        raise ConfigurationFaults(_in_order(faults))
    warnings = [
        *_in_order([*_located(document, findings, warning=True), *_ignored(file.database, document, environ)]),
        *misspelt(
            environ, [pbx.name for pbx in file.pbxs], [build_webhook(webhook).secret for webhook in file.webhooks]
        ),
    ]
    return _settings(file, document, _Rest(environ=environ, prompts=prompts, warnings=warnings))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rest:
    """What settings are made of beside the file."""

    environ: Mapping[str, str]
    prompts: Prompts
    warnings: list[Fault]


def _shaped(document: Document) -> tuple[FileShape | None, list[Fault], Draft]:
    if not isinstance(document.value, dict):
        raise ConfigurationFaults([*document.faults, document.fault((), "must be a block of keys")])
    try:
        file = FileShape.model_validate(document.value)
    except ValidationError as error:
        told = {fault.path for fault in document.faults}
        faults = [fault for fault in translate(error, document) if fault.path not in told]
        faulty = frozenset(str(details["loc"][0]) for details in error.errors() if details["loc"])
        return None, faults, partial(document.value, faulty)
    return file, [], whole(file)


def _located(document: Document, findings: Iterable[Finding], *, warning: bool) -> list[Fault]:
    return [finding.fault(document) for finding in findings if finding.warning is warning]


def _ignored(shape: DatabaseShape, document: Document, environ: Mapping[str, str]) -> Iterator[Fault]:
    """What somebody has set and will wonder about."""
    if shape.embedded and any(variable(DATABASE_URL) + ending in environ for ending in ("", "_FILE")):
        yield document.fault(("database", "embedded"), "is true: the secret database-url is not used")


def _in_order(faults: list[Fault]) -> list[Fault]:
    return sorted(dict.fromkeys(faults), key=lambda fault: fault.line)


def _settings(file: FileShape, document: Document, rest: _Rest) -> Settings:
    secrets = Secrets(directory=secrets_directory(file.state_directory, file.secrets_directory), environ=rest.environ)
    return Settings(
        file=Path(document.file),
        text=document.text,
        data_controller=DataController(name=file.data_controller.name, contact=file.data_controller.contact),
        country=file.country,
        state_directory=Path(file.state_directory),
        pbxs=tuple(build_pbx(shape) for shape in file.pbxs),
        fastagi=Listener(listen=file.fastagi.listen, port=file.fastagi.port),
        http=build_http(file.http),
        openid_connect=(
            build_openid_connect(file.http.openid_connect) if file.http.openid_connect is not None else None
        ),
        embedded_by=tuple(file.http.embedded_by),
        database=_database(file.database, secrets, document),
        mqtt=build_mqtt(file.mqtt) if file.mqtt is not None else None,
        webhooks=tuple(build_webhook(shape) for shape in file.webhooks),
        storage=build_storage(file.storage, Path(file.state_directory)) if file.storage is not None else None,
        most_calls=file.limits.calls,
        sign_every_s=parse_duration(file.audit.sign_every),
        most_journal_bytes=file.journal.most_megabytes * 2**20,
        on_shutdown=file.on_shutdown,
        secrets=secrets,
        policy=build_policy(file, version=document.digest, prompts=rest.prompts),
        warnings=tuple(rest.warnings),
    )


def _database(shape: DatabaseShape, secrets: Secrets, document: Document) -> Database:
    """The embedded one where the file says so; else the secret URL, else the file's, else the embedded one."""
    if shape.embedded:
        return Database(url=None)
    try:
        url = secrets.database_url()
    except ConfigurationError as error:
        raise ConfigurationFaults([document.fault(("database",), str(error))]) from None
    if url is None and shape.url is not None:
        url = Secret(shape.url)
    if url is None and shape.embedded is False:
        message = "is nowhere: embedded is false, there is no url and no secret database-url"
        raise ConfigurationFaults([document.fault(("database",), message)])
    return Database(url=url)
