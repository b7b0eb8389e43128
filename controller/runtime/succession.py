"""A call under way written down for the next daemon, and read back by it.

The policy is named by its version, and purposes by their names: a call that was decided by another policy than the one
in force cannot be read back, and is not gone on with.
"""

import json
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, Final, cast, get_type_hints

import msgspec

from controller.domain.call import Call, Track
from controller.domain.hindrance import NOTHING_HINDERS
from controller.domain.policy import Policy

_FORGOTTEN: Final = ("parties", "keyed", "hindrances", "alone_timer", "looking_up")
"""What is true only where it was seen, or belongs to the daemon that was."""

_CALL: Final = get_type_hints(Call)
_TRACK: Final = get_type_hints(Track)


def written(call: Call) -> str:
    """A call as text."""
    bare = replace(
        call,
        policy=cast("Policy", None),
        route=None,
        parties=(),
        keyed=(),
        hindrances=NOTHING_HINDERS,
        tracks=tuple(replace(track, purpose=cast("Any", None), ticket=None) for track in call.tracks),
    )
    plain: dict[str, Any] = msgspec.to_builtins(bare)
    plain["policy"] = call.policy.version
    plain["route"] = call.route.name if call.route else None
    for track, written_track in zip(call.tracks, plain["tracks"], strict=True):
        written_track["purpose"] = track.purpose.name
    for name in _FORGOTTEN:
        del plain[name]
    return msgspec.json.encode(plain).decode()


def read(state: str, policy: Policy) -> Call | None:
    """The call of such a text; None where it was decided by another policy, or written by another program."""
    try:
        plain = json.loads(state)
        if plain["policy"] != policy.version:
            return None
        return _call(plain, policy)
    except (msgspec.ValidationError, KeyError, TypeError, ValueError, StopIteration):
        return None


def _call(plain: Mapping[str, Any], policy: Policy) -> Call:
    known: dict[str, Any] = {
        "policy": policy,
        "route": next(route for route in policy.routes if route.name == plain["route"]) if plain["route"] else None,
        "tracks": tuple(_track(track, policy) for track in plain["tracks"]),
    }
    return Call(**known, **_values(plain, _CALL, but={*known, *_FORGOTTEN}, kind=Call))


def _track(plain: Mapping[str, Any], policy: Policy) -> Track:
    purpose = policy.purposes[plain["purpose"]]
    return Track(purpose=purpose, **_values(plain, _TRACK, but={"purpose"}, kind=Track))


def _values(
    plain: Mapping[str, Any], hints: Mapping[str, Any], *, but: set[str], kind: type[Call | Track]
) -> dict[str, Any]:
    names = [field.name for field in fields(kind) if field.name not in but]
    return {name: msgspec.convert(plain[name], hints[name]) for name in names}
