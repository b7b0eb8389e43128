"""What of the file can be judged although another part of it is wrong, so that every fault is told at once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from controller.config.document import Document, Value
from controller.config.faults import Fault, Path, did_you_mean
from controller.config.shape import (
    AgentsShape,
    AnnouncementShape,
    DatabaseShape,
    FastAgiShape,
    FileShape,
    HttpShape,
    KeysShape,
    MqttShape,
    NeverRecordedShape,
    PausesShape,
    PbxShape,
    PurposeShape,
    RouteShape,
    WebhookShape,
)

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a rule has to say about a path. A warning lets the file be used."""

    path: Path
    message: str
    warning: bool = False

    def fault(self, document: Document) -> Fault:
        """The same with its place in the file."""
        return document.fault(self.path, self.message)


Findings = Iterator[Finding]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The parts of the file that have the right shape; None for one that has not.

    ``names`` has what is written under announcements and purposes, whatever its shape: what names it does not dangle.
    """

    country: str | None
    pbxs: Mapping[int, PbxShape]
    fastagi: FastAgiShape | None
    http: HttpShape | None
    database: DatabaseShape | None
    mqtt: MqttShape | None
    webhooks: Mapping[int, WebhookShape]
    agents: AgentsShape | None
    never_recorded: NeverRecordedShape | None
    keys: KeysShape | None
    pauses: PausesShape | None
    default_language: str | None
    announcements: Mapping[str, AnnouncementShape]
    purposes: Mapping[str, PurposeShape]
    routes: Mapping[int, RouteShape]
    names: Mapping[str, frozenset[str]]


def whole(file: FileShape) -> Draft:
    """The draft of a file whose shape is right."""
    return Draft(
        country=file.country,
        pbxs=dict(enumerate(file.pbxs)),
        fastagi=file.fastagi,
        http=file.http,
        database=file.database,
        mqtt=file.mqtt,
        webhooks=dict(enumerate(file.webhooks)),
        agents=file.agents,
        never_recorded=file.never_recorded,
        keys=file.keys,
        pauses=file.pauses,
        default_language=file.default_language,
        announcements=file.announcements,
        purposes=file.purposes,
        routes=dict(enumerate(file.routes)),
        names={"announcements": frozenset(file.announcements), "purposes": frozenset(file.purposes)},
    )


def partial(value: Mapping[str, Value], faulty: frozenset[str]) -> Draft:
    """The draft of a file whose shape is wrong in the sections that are named."""
    return Draft(
        country=_word("country", value, faulty),
        pbxs=_listed(PbxShape, value.get("pbxs")),
        fastagi=_section(FastAgiShape, value.get("fastagi", {})),
        http=_section(HttpShape, value.get("http", {})),
        database=_section(DatabaseShape, value.get("database", {})),
        mqtt=_section(MqttShape, value.get("mqtt")),
        webhooks=_listed(WebhookShape, value.get("webhooks")),
        agents=_section(AgentsShape, value.get("agents")),
        never_recorded=_section(NeverRecordedShape, value.get("never_recorded", {})),
        keys=_section(KeysShape, value.get("keys", {})),
        pauses=_section(PausesShape, value.get("pauses", {})),
        default_language=_word("default_language", value, faulty),
        announcements=_named(AnnouncementShape, value.get("announcements")),
        purposes=_named(PurposeShape, value.get("purposes")),
        routes=_listed(RouteShape, value.get("routes")),
        names={section: _names(value.get(section)) for section in ("announcements", "purposes")},
    )


def known_announcement(name: str | None, path: Path, names: Mapping[str, frozenset[str]]) -> Findings:
    """That what is named, if anything, is an announcement of the file."""
    known = names["announcements"]
    if name is not None and name not in known:
        message = f"names no announcement of this file: {name}{did_you_mean(name, sorted(known))}"
        yield Finding(path=path, message=message)


def known_purpose(name: str, path: Path, names: Mapping[str, frozenset[str]]) -> Findings:
    """That what is named is a purpose of the file."""
    known = names["purposes"]
    if name not in known:
        message = f"names no purpose of this file: {name}{did_you_mean(name, sorted(known))}"
        yield Finding(path=path, message=message)


def _word(key: str, value: Mapping[str, Value], faulty: frozenset[str]) -> str | None:
    word = value.get(key)
    return word if isinstance(word, str) and key not in faulty else None


def _section(model: type[M], value: Value) -> M | None:
    try:
        return model.model_validate(value)
    except ValidationError:
        return None


def _named(model: type[M], value: Value) -> dict[str, M]:
    items = value.items() if isinstance(value, dict) else ()
    return {name: part for name, item in items if (part := _section(model, item)) is not None}


def _listed(model: type[M], value: Value) -> dict[int, M]:
    items = value if isinstance(value, list) else ()
    return {index: part for index, item in enumerate(items) if (part := _section(model, item)) is not None}


def _names(value: Value) -> frozenset[str]:
    return frozenset(value) if isinstance(value, dict) else frozenset()
