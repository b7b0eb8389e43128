"""Rules about agents, who is never recorded, what agents dial, and what pauses a call."""

from fnmatch import fnmatchcase
from itertools import combinations

from controller.config.draft import Draft, Finding, Findings
from controller.config.emergency import BY_COUNTRY
from controller.config.period import parse_duration
from controller.config.shape import KeysShape

FEATURE_CODES = ("#1", "*0", "*1", "*2", "*3", "#72")
"""What Asterisk's own features.conf proposes: transfers, disconnect, one-touch recording, parking."""


def check_people(draft: Draft) -> Findings:
    """Everything about those on our side of the line."""
    yield from _check_country(draft)
    yield from _check_lines(draft)
    if draft.keys is not None:
        yield from _check_sequences(draft.keys)
    yield from _check_pauses(draft)


def _check_country(draft: Draft) -> Findings:
    if draft.country is not None and draft.country not in BY_COUNTRY:
        message = (
            f"{draft.country} has no emergency numbers built in but 112: add those of the country to"
            " never_recorded.emergency_numbers"
        )
        yield Finding(path=("country",), message=message, warning=True)


def _check_lines(draft: Draft) -> Findings:
    representatives = draft.never_recorded.representatives if draft.never_recorded else []
    endpoints = draft.pauses.endpoints if draft.pauses else []
    yield from _check_patterns(draft, ("never_recorded", "representatives"), representatives, "nobody is ever recorded")
    yield from _check_patterns(draft, ("pauses", "endpoints"), endpoints, "every call is paused")


def _check_patterns(draft: Draft, path: tuple[str, str], patterns: list[str], result: str) -> Findings:
    if draft.agents is None:
        return
    for position, pattern in enumerate(patterns):
        if all(fnmatchcase(agents, pattern) for agents in draft.agents.channels):
            yield Finding(path=(*path, position), message=f"takes in every agent: {result}", warning=True)


def _check_sequences(keys: KeysShape) -> Findings:
    for one, other in combinations(KeysShape.model_fields, 2):
        first, second = getattr(keys, one), getattr(keys, other)
        if first in second or second in first:
            path = ("keys", other if other in keys.model_fields_set else one)
            yield Finding(path=path, message=f"{one} and {other} must differ, and neither be a part of the other")
    for name in KeysShape.model_fields:
        yield from _check_features(name, getattr(keys, name))


def _check_features(name: str, sequence: str) -> Findings:
    for code in FEATURE_CODES:
        if sequence.startswith(code) or code.startswith(sequence):
            message = f"clashes with {code}, a feature code that features.conf of Asterisk proposes"
            yield Finding(path=("keys", name), message=message)


def _check_pauses(draft: Draft) -> Findings:
    pauses = draft.pauses
    if pauses is None or parse_duration(pauses.alert_after) < parse_duration(pauses.longest):
        return
    path = ("pauses", "alert_after" if "alert_after" in pauses.model_fields_set else "longest")
    message = "alert_after must be shorter than longest: a forgotten pause alerts before it ends the recording"
    yield Finding(path=path, message=message)
