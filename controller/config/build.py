"""From the shape of a faultless file to the frozen settings and the policy."""

from pathlib import Path
from types import MappingProxyType

from controller.config.consent_rules import DEFAULT_OBJECT_KEY
from controller.config.credentials import WEBHOOK
from controller.config.emergency import emergency_numbers
from controller.config.period import parse_duration, parse_period
from controller.config.purpose_rules import LOWEST_RATE, highest_share
from controller.config.settings import Ari, Http, Mqtt, OpenIdConnect, Pbx, Publishing, Storage, Tls, Webhook
from controller.config.shape import (
    ConsentShape,
    FileShape,
    HttpShape,
    MqttShape,
    NeverRecordedShape,
    ObjectionsShape,
    OpenIdConnectShape,
    PausesShape,
    PbxShape,
    PurposeShape,
    RouteShape,
    SamplingShape,
    StorageShape,
    WebhookShape,
)
from controller.config.sounds import Prompts
from controller.config.text import consultation, day, mqtt_url, network, proxy_network
from controller.domain.policy import Consent, Exclusions, Keys, Objections, Pauses, Policy, Purpose, Route, Sampling

MQTT_PORT = 1883
MQTT_TLS_PORT = 8883


def build_policy(file: FileShape, *, version: str, prompts: Prompts) -> Policy:
    """The policy that the core decides by."""
    return Policy(
        version=version,
        purposes=MappingProxyType({name: _purpose(name, shape) for name, shape in file.purposes.items()}),
        routes=tuple(_route(shape) for shape in file.routes),
        agents=tuple(file.agents.channels),
        notice=file.agents.notice,
        exclusions=_exclusions(file.never_recorded, file.country),
        pauses=_pauses(file.pauses),
        objections=_objections(file.objections),
        keys=Keys(**file.keys.model_dump()),
        on_database_loss=file.on_database_loss,
        prompts=MappingProxyType({name: MappingProxyType(dict(spoken)) for name, spoken in prompts.items()}),
        default_language=file.default_language,
    )


def build_pbx(shape: PbxShape) -> Pbx:
    """A PBX as the adapters want it."""
    ari = shape.ari
    return Pbx(
        name=shape.name,
        ari=Ari(url=ari.url.rstrip("/"), username=ari.username, application=ari.application),
        fastagi_clients=tuple(network(text) for text in shape.fastagi_clients),
        sounds=Path(shape.sounds),
        recordings=Path(shape.recordings) if shape.recordings is not None else None,
    )


def build_http(shape: HttpShape) -> Http:
    """The listener as the server wants it."""
    tls = shape.tls
    return Http(
        listen=shape.listen,
        port=shape.port,
        tls=Tls(certificate=Path(tls.certificate), key=Path(tls.key)) if tls is not None else None,
        trusted_proxies=tuple(proxy_network(text) for text in shape.trusted_proxies),
    )


def build_mqtt(shape: MqttShape) -> Mqtt:
    """The broker as the adapter wants it."""
    url = mqtt_url(shape.url)
    tls = url.scheme == "mqtts"
    port = url.port or (MQTT_TLS_PORT if tls else MQTT_PORT)
    publish = shape.publish
    return Mqtt(
        host=url.hostname or "",
        port=port,
        tls=tls,
        username=shape.username,
        topic=shape.topic,
        name=shape.name,
        purposes=frozenset(shape.purposes),
        publish=Publishing(
            decisions=frozenset(publish.decisions),
            purposes=frozenset(publish.purposes),
            state=publish.state,
            agents=publish.agents,
            metrics_every_s=parse_duration(publish.metrics_every) if publish.metrics else None,
        ),
    )


def build_openid_connect(shape: OpenIdConnectShape) -> OpenIdConnect:
    """The provider as whoever asks it wants it."""
    return OpenIdConnect(
        issuer=shape.issuer,
        client_id=shape.client_id,
        address=shape.address.rstrip("/"),
        claim=shape.claim,
        scopes=tuple(shape.scopes),
    )


def build_webhook(shape: WebhookShape) -> Webhook:
    """A webhook as the adapter wants it."""
    return Webhook(
        name=shape.name,
        url=shape.url,
        secret=shape.secret or f"{WEBHOOK}-{shape.name}",
        kinds=frozenset(shape.kinds),
        purposes=frozenset(shape.purposes),
        give_up_after=parse_period(shape.give_up_after),
    )


def build_storage(shape: StorageShape, state: Path) -> Storage:
    """The object store as whoever uses it wants it."""
    return Storage(
        url=shape.url or (state / "recordings").as_uri(),
        options=MappingProxyType(dict(shape.options)),
        gaps=shape.gaps,
        archive_after=parse_period(shape.archive_after),
        access_kept=parse_period(shape.access_kept),
        quarantine_kept=parse_period(shape.quarantine_kept),
        least_free_bytes=shape.least_free_megabytes * 2**20,
    )


def secrets_directory(state: str, secrets: str | None) -> Path:
    """Where secret files are."""
    return Path(secrets) if secrets is not None else Path(state) / "secrets"


def _purpose(name: str, shape: PurposeShape) -> Purpose:
    return Purpose(
        name=name,
        basis=shape.basis,
        start=shape.starts,
        sampling=_sampling(shape.sampling) if isinstance(shape.sampling, SamplingShape) else None,
        consent=_consent(shape.consent),
        retention=parse_period(shape.retention),
        without_contract=parse_period(shape.without_contract) if shape.without_contract is not None else None,
        notice=shape.notice,
        analyses=parse_period(shape.analyses) if shape.analyses is not None else None,
        listeners=tuple(shape.listeners),
        reason_required=shape.reason_required,
        assessed=day(shape.assessed),
        consulted=consultation(shape.consulted),
        channels=shape.channels,
    )


def _exclusions(shape: NeverRecordedShape, country: str) -> Exclusions:
    return Exclusions(
        representatives=tuple(shape.representatives),
        representative_numbers=tuple(shape.representative_numbers),
        queues=tuple(shape.queues),
        numbers=tuple(shape.numbers),
        emergency=emergency_numbers(country) | frozenset(shape.emergency_numbers),
    )


def _pauses(shape: PausesShape) -> Pauses:
    return Pauses(
        endpoints=tuple(shape.endpoints),
        contexts=tuple(shape.contexts),
        hold=shape.hold,
        alert_s=parse_duration(shape.alert_after),
        most_s=parse_duration(shape.longest),
    )


def _objections(shape: ObjectionsShape) -> Objections:
    return Objections(remember=parse_period(shape.remember), scope=shape.scope, ask_again=shape.ask_again)


def _sampling(shape: SamplingShape) -> Sampling:
    return Sampling(
        rate=shape.rate,
        block=shape.block,
        minimum=min(LOWEST_RATE, shape.rate) if shape.minimum is None else shape.minimum,
        maximum=highest_share(shape),
        strata=tuple(shape.strata),
    )


def _consent(shape: ConsentShape) -> Consent:
    return Consent(
        mode=shape.mode,
        announcement=shape.announcement,
        information=shape.information,
        choice=shape.choice,
        object_key=shape.keys.object or DEFAULT_OBJECT_KEY,
        agree_key=shape.keys.agree,
        information_key=shape.keys.information,
    )


def _route(shape: RouteShape) -> Route:
    return Route(
        name=shape.name,
        purposes=tuple(shape.purposes),
        direction=shape.direction,
        queues=tuple(shape.queues),
        called=tuple(shape.called),
        calling=tuple(shape.calling),
        contexts=tuple(shape.contexts),
        languages=tuple(shape.languages),
        language=shape.language,
    )
