"""Rules about PBXs, listeners, the broker, webhooks, the database and announcements."""

from collections.abc import Iterator, Sequence

from controller.config.credentials import WEBHOOK
from controller.config.draft import Draft, Finding, Findings, known_purpose
from controller.config.faults import Path
from controller.config.shape import OpenIdConnectShape, PbxShape
from controller.config.text import is_loopback, mqtt_url, network
from controller.domain.decision import Kind

DAEMONS = "daemons"
"""Where the topics of the daemons are, beside those of each PBX."""

ABOUT_NO_PURPOSE = frozenset({Kind.CONSENT, Kind.HOLD, Kind.ACCESS, Kind.CONFIG})
"""Kinds of decision about a call, a person or the configuration; only an objection on file may be about a purpose."""


CHANGING_CLAIMS = frozenset({"preferred_username", "email", "name", "nickname", "upn", "unique_name", "phone_number"})
"""What a provider says of somebody and may say of somebody else tomorrow."""


def check_system(draft: Draft) -> Findings:
    """Everything about what the daemon is connected to, and what it says."""
    yield from _check_pbxs(draft)
    yield from _check_listeners(draft)
    yield from _check_broker(draft)
    yield from _check_webhooks(draft)
    yield from _check_database(draft)
    yield from _check_texts(draft)


def _check_pbxs(draft: Draft) -> Findings:
    first: dict[str, int] = {}
    for index, pbx in draft.pbxs.items():
        path = ("pbxs", index, "name")
        if pbx.name in first:
            yield Finding(path=path, message=f"is the name of pbxs[{first[pbx.name]}] too")
        first.setdefault(pbx.name, index)
        if pbx.name == "file" or pbx.name.endswith("-file"):
            yield Finding(path=path, message="must not end in file: that is how variables with secret files end")
        yield from _check_clients(draft, index, pbx)


def _check_clients(draft: Draft, index: int, pbx: PbxShape) -> Findings:
    for position, text in enumerate(pbx.fastagi_clients):
        for number, other in _others(draft, index):
            if any(_overlap(text, theirs) for theirs in other.fastagi_clients):
                path = ("pbxs", index, "fastagi_clients", position)
                message = f"belongs to pbxs[{number}] ({other.name}) too: the address tells which PBX is asking"
                yield Finding(path=path, message=message)


def _others(draft: Draft, index: int) -> Iterator[tuple[int, PbxShape]]:
    return ((number, pbx) for number, pbx in draft.pbxs.items() if number < index)


def _overlap(one: str, other: str) -> bool:
    a, b = network(one), network(other)
    return a.version == b.version and (a.network_address in b or b.network_address in a)


def _check_listeners(draft: Draft) -> Findings:
    if draft.http is None:
        return
    yield from _check_openid(draft.http.openid_connect)
    if not is_loopback(draft.http.listen) and draft.http.tls is None:
        message = "is reached from outside without encryption: use http.tls, or a proxy with TLS before it"
        yield Finding(path=("http", "listen"), message=message, warning=True)
    agi = draft.fastagi
    if agi is not None and agi.port == draft.http.port and _same_place(agi.listen, draft.http.listen):
        yield Finding(path=("http", "port"), message="is the port of fastagi too")


def _check_openid(openid: OpenIdConnectShape | None) -> Findings:
    if openid is None:
        return
    if "openid" not in openid.scopes:
        message = "must have openid: without it the provider names nobody (OpenID Connect Core 3.1.2.1)"
        yield Finding(path=("http", "openid_connect", "scopes"), message=message)
    if openid.claim in CHANGING_CLAIMS:
        message = (
            f"{openid.claim} may become another person's, or be chosen by them: forbid both at the provider, or use sub"
            " (OpenID Connect Core 5.7)"
        )
        yield Finding(path=("http", "openid_connect", "claim"), message=message, warning=True)


def _check_broker(draft: Draft) -> Findings:
    if draft.mqtt is None:
        return
    for index, pbx in draft.pbxs.items():
        if pbx.name == DAEMONS:
            message = f"must not be {DAEMONS}: the topics of the daemons begin so (mqtt)"
            yield Finding(path=("pbxs", index, "name"), message=message)
    url = mqtt_url(draft.mqtt.url)
    if url.scheme == "mqtt" and not is_loopback(url.hostname or ""):
        message = "goes over the network without encryption: use mqtts"
        yield Finding(path=("mqtt", "url"), message=message, warning=True)
    for position, purpose in enumerate(draft.mqtt.purposes):
        yield from known_purpose(purpose, ("mqtt", "purposes", position), draft.names)
    publish = draft.mqtt.publish
    yield from _check_chosen(draft, ("mqtt", "publish"), "decisions", publish.decisions, publish.purposes)


def _check_webhooks(draft: Draft) -> Findings:
    first: dict[str, int] = {}
    for index, webhook in draft.webhooks.items():
        if webhook.name in first:
            path = ("webhooks", index, "name")
            yield Finding(path=path, message=f"is the name of webhooks[{first[webhook.name]}] too")
        first.setdefault(webhook.name, index)
        secret = webhook.secret or f"{WEBHOOK}-{webhook.name}"
        if secret.endswith("-file"):
            path = ("webhooks", index, "secret" if webhook.secret else "name")
            yield Finding(path=path, message="must not end in file: that is how variables with secret files end")
        yield from _check_chosen(draft, ("webhooks", index), "kinds", webhook.kinds, webhook.purposes)


def _check_chosen(draft: Draft, where: Path, key: str, kinds: Sequence[Kind], purposes: Sequence[str]) -> Findings:
    """Which decisions go out: those of some kinds, about some purposes."""
    for position, purpose in enumerate(purposes):
        yield from known_purpose(purpose, (*where, "purposes", position), draft.names)
    for position, kind in enumerate(kinds):
        if purposes and kind in ABOUT_NO_PURPOSE:
            message = f"{kind} is not sent where purposes are given: such a decision is mostly about none"
            yield Finding(path=(*where, key, position), message=message, warning=True)


def _same_place(one: str, other: str) -> bool:
    return one == other or bool({one, other} & {"0.0.0.0", "::"})


def _check_database(draft: Draft) -> Findings:
    if draft.database is not None and draft.database.embedded and draft.database.url is not None:
        yield Finding(path=("database", "url"), message="and embedded: true exclude each other")


def _check_texts(draft: Draft) -> Findings:
    language = draft.default_language
    for name, announcement in draft.announcements.items():
        if language is not None and language not in announcement.text:
            path = ("announcements", name, "text")
            yield Finding(path=path, message=f"has no text in {language}, the default language")
