"""From the shape of a faultless file to the frozen settings and the policy."""

from pathlib import Path
from types import MappingProxyType

from controller.config.period import parse_period
from controller.config.purpose_rules import DEFAULT_OBJECT_KEY, HIGHEST_RATE, LOWEST_RATE
from controller.config.settings import Ari, Pbx
from controller.config.shape import ConsentShape, FileShape, PbxShape, PurposeShape, RouteShape, SamplingShape
from controller.config.sounds import Prompts
from controller.config.text import network
from controller.domain.policy import Consent, Keys, Policy, Purpose, Route, Sampling


def build_policy(file: FileShape, *, version: str, prompts: Prompts) -> Policy:
    """The policy that the core decides by."""
    return Policy(
        version=version,
        purposes=MappingProxyType({name: _purpose(name, shape) for name, shape in file.purposes.items()}),
        routes=tuple(_route(shape) for shape in file.routes),
        agents=tuple(file.agents.channels),
        representatives=tuple(file.never_recorded.representatives),
        keys=Keys(pause=file.keys.pause, resume=file.keys.resume),
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
    )


def _sampling(shape: SamplingShape) -> Sampling:
    return Sampling(
        rate=shape.rate,
        block=shape.block,
        minimum=min(LOWEST_RATE, shape.rate) if shape.minimum is None else shape.minimum,
        maximum=max(HIGHEST_RATE, shape.rate) if shape.maximum is None else shape.maximum,
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
        languages=tuple(shape.languages),
        language=shape.language,
    )
