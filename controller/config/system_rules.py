"""Rules about PBXs, listeners, the broker, the database and announcements."""

from collections.abc import Iterator
from ipaddress import ip_address

from controller.config.draft import Draft, Finding, Findings
from controller.config.shape import PbxShape
from controller.config.text import mqtt_url, network


def check_system(draft: Draft) -> Findings:
    """Everything about what the daemon is connected to, and what it says."""
    yield from _check_pbxs(draft)
    yield from _check_listeners(draft)
    yield from _check_broker(draft)
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
    if not _is_loopback(draft.http.listen):
        message = "is reached from outside without encryption: put a proxy with TLS before it"
        yield Finding(path=("http", "listen"), message=message, warning=True)
    agi = draft.fastagi
    if agi is not None and agi.port == draft.http.port and _same_place(agi.listen, draft.http.listen):
        yield Finding(path=("http", "port"), message="is the port of fastagi too")


def _check_broker(draft: Draft) -> Findings:
    if draft.mqtt is None:
        return
    url = mqtt_url(draft.mqtt.url)
    if url.scheme == "mqtt" and not _is_loopback(url.hostname or ""):
        message = "goes over the network without encryption: use mqtts"
        yield Finding(path=("mqtt", "url"), message=message, warning=True)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


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
