"""What each role may do, as one table: by action and, where it is about a call or a recording, by purpose.

What the table does not say, nobody may. What somebody may not see does not exist for them: whoever answers says what
they would say if there were none (GDPR art. 32; CNIL: only the services that the purpose concerns).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from controller.domain.call import Call
from controller.domain.principal import Principal, Role


class Action(StrEnum):
    """What somebody may do."""

    SEE_ONESELF = "see-oneself"
    SEE_CALLS = "see-calls"
    RECORD_LESS = "record-less"
    """Pause or stop what is recorded of a call: what exists is kept."""
    RECORD_MORE = "record-more"
    """Resume or start it."""
    DISCARD = "discard"
    """Have what is recorded of a call discarded, since the customer objects or there is other proof."""
    MAKE_PRIVATE = "make-private"
    """The call is the agent's own business."""
    FIND_RECORDINGS = "find-recordings"
    READ_DECISIONS = "read-decisions"
    """About a call that was recorded: they name who acted."""
    LISTEN = "listen"
    OPEN_ARCHIVE = "open-archive"
    """Whatever they may do with a recording or a document, in the intermediate archive too."""
    PROVE_OTHERWISE = "prove-otherwise"
    TELL_OUTCOMES = "tell-outcomes"
    READ_DOCUMENTS = "read-documents"
    ADD_DOCUMENTS = "add-documents"
    SEE_HOLDS = "see-holds"
    CHANGE_HOLDS = "change-holds"
    FORESEE_RETENTION = "foresee-retention"
    REVIEW_RETENTION = "review-retention"
    APPLY_RETENTION = "apply-retention"
    SERVE_SUBJECTS = "serve-subjects"
    SEE_NOTICES = "see-notices"
    CHANGE_NOTICES = "change-notices"
    SEE_OBJECTIONS = "see-objections"
    CHANGE_OBJECTIONS = "change-objections"
    SEE_SAMPLING = "see-sampling"
    """What share of calls was chosen: it counts the calls of each agent."""
    SEE_CONFIGURATION = "see-configuration"
    SEE_AUDIT = "see-audit"
    SEE_IDENTITIES = "see-identities"
    """See who may come in, and in which roles."""
    CHANGE_IDENTITIES = "change-identities"
    RELOAD = "reload"


class Reach(StrEnum):
    """Of what a role may do it."""

    ALL = "all"
    PURPOSES = "their purposes"
    OWN_CALL = "their own call"


_ALL, _PURPOSES, _OWN_CALL = Reach.ALL, Reach.PURPOSES, Reach.OWN_CALL
_AGENT, _LISTENER, _SUPERVISOR = Role.AGENT, Role.LISTENER, Role.SUPERVISOR
_DPO, _ADMINISTRATOR, _INTEGRATION, _VIEWER = Role.DPO, Role.ADMINISTRATOR, Role.INTEGRATION, Role.VIEWER

TABLE: Mapping[Action, Mapping[Role, Reach]] = {
    Action.SEE_ONESELF: dict.fromkeys(Role, _ALL),
    Action.SEE_CALLS: {_AGENT: _OWN_CALL, _SUPERVISOR: _PURPOSES, _INTEGRATION: _PURPOSES},
    Action.RECORD_LESS: {_AGENT: _OWN_CALL, _SUPERVISOR: _PURPOSES, _INTEGRATION: _PURPOSES},
    Action.RECORD_MORE: {_AGENT: _OWN_CALL, _SUPERVISOR: _PURPOSES, _INTEGRATION: _PURPOSES},
    Action.DISCARD: {_AGENT: _OWN_CALL, _SUPERVISOR: _PURPOSES, _INTEGRATION: _PURPOSES},
    Action.MAKE_PRIVATE: {_AGENT: _OWN_CALL, _INTEGRATION: _PURPOSES},
    Action.FIND_RECORDINGS: {
        _LISTENER: _PURPOSES,
        _SUPERVISOR: _PURPOSES,
        _DPO: _ALL,
        _INTEGRATION: _PURPOSES,
        _VIEWER: _PURPOSES,
    },
    Action.READ_DECISIONS: {_LISTENER: _PURPOSES, _SUPERVISOR: _PURPOSES, _DPO: _ALL, _INTEGRATION: _PURPOSES},
    Action.LISTEN: {_LISTENER: _PURPOSES, _SUPERVISOR: _PURPOSES, _DPO: _ALL},
    Action.OPEN_ARCHIVE: {_DPO: _ALL},
    Action.PROVE_OTHERWISE: {_SUPERVISOR: _PURPOSES, _DPO: _ALL, _INTEGRATION: _PURPOSES},
    Action.TELL_OUTCOMES: {_SUPERVISOR: _PURPOSES, _DPO: _ALL, _INTEGRATION: _PURPOSES},
    Action.READ_DOCUMENTS: {_LISTENER: _PURPOSES, _SUPERVISOR: _PURPOSES, _DPO: _ALL},
    Action.ADD_DOCUMENTS: {_LISTENER: _PURPOSES, _SUPERVISOR: _PURPOSES, _DPO: _ALL},
    Action.SEE_HOLDS: {_DPO: _ALL},
    Action.CHANGE_HOLDS: {_DPO: _ALL},
    Action.FORESEE_RETENTION: {_DPO: _ALL},
    Action.REVIEW_RETENTION: {_DPO: _ALL, _ADMINISTRATOR: _ALL},
    Action.APPLY_RETENTION: {_DPO: _ALL},
    Action.SERVE_SUBJECTS: {_DPO: _ALL},
    Action.SEE_NOTICES: {_SUPERVISOR: _ALL, _DPO: _ALL, _ADMINISTRATOR: _ALL, _INTEGRATION: _ALL},
    Action.CHANGE_NOTICES: {_DPO: _ALL, _ADMINISTRATOR: _ALL, _INTEGRATION: _ALL},
    Action.SEE_OBJECTIONS: {_DPO: _ALL, _INTEGRATION: _PURPOSES},
    Action.CHANGE_OBJECTIONS: {_DPO: _ALL, _INTEGRATION: _PURPOSES},
    Action.SEE_SAMPLING: {_SUPERVISOR: _PURPOSES, _DPO: _ALL},
    Action.SEE_CONFIGURATION: {_DPO: _ALL, _ADMINISTRATOR: _ALL},
    Action.SEE_AUDIT: {_DPO: _ALL, _ADMINISTRATOR: _ALL},
    Action.SEE_IDENTITIES: {_DPO: _ALL, _ADMINISTRATOR: _ALL},
    Action.CHANGE_IDENTITIES: {_DPO: _ALL, _ADMINISTRATOR: _ALL},
    Action.RELOAD: {_ADMINISTRATOR: _ALL},
}

ENTRUSTED: Final = (
    Action.LISTEN,
    Action.READ_DOCUMENTS,
    Action.OPEN_ARCHIVE,
    Action.SERVE_SUBJECTS,
    Action.RELOAD,
)
"""What is handed on by those alone who have it: hearing customers and acting for them, and running the system."""

FRESH_FOR_S = 10.0
"""How old the word on who somebody is may be for everything: longer than PostgreSQL takes to say it again."""
_AN_HOUR_S = 3600.0

ON_AN_OLD_WORD: Mapping[Action, float] = {
    Action.SEE_ONESELF: _AN_HOUR_S,
    Action.SEE_CALLS: _AN_HOUR_S,
    Action.RECORD_LESS: float("inf"),
}
"""For how many seconds somebody may do what, while nobody can say whether they still may: nothing stands between a
trigger and a pause, and what is discarded does not come back."""


def word_holds(action: Action, age_s: float) -> bool:
    """Whether a word of this age on who somebody is will do for this."""
    return age_s < ON_AN_OLD_WORD.get(action, FRESH_FOR_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Of what somebody may do something: of ``purposes`` (None: of all there is), and of the call at ``extension``.

    ``extension`` is one of the PBX ``pbx``: another PBX may have the same number for somebody else.
    """

    purposes: frozenset[str] | None = frozenset()
    extension: str | None = None
    pbx: str | None = None

    def covers(self, purpose: str) -> bool:
        """Whether it is for what serves this purpose."""
        return self.purposes is None or purpose in self.purposes

    def covers_any(self, purposes: Iterable[str]) -> bool:
        """Whether it is for what serves these purposes; where there are none, only for who may do it of all."""
        return self.purposes is None or any(purpose in self.purposes for purpose in purposes)

    def covers_call(self, call: Call) -> bool:
        """Whether it is for this call: it may be recorded for a purpose of theirs, or they talk in it.

        A call that is excluded is nobody's business but of those who talk in it (Cass. soc. 2004, n° 02-40.498).
        """
        named = self.covers_any(track.purpose.name for track in call.tracks)
        return self.is_their_own(call) or (named and call.excluded is None)

    def covers_all_of(self, call: Call) -> bool:
        """Whether it is for this call and for every purpose of it."""
        return self.covers_call(call) and len(self.purposes_of(call)) == len(call.tracks)

    def is_their_own(self, call: Call) -> bool:
        """Whether they talk in this call."""
        return self.extension is not None and call.pbx == self.pbx and call.staffed_at(self.extension)

    def purposes_of(self, call: Call) -> tuple[str, ...]:
        """The purposes of a call that it is for: all of them where they talk in it."""
        own = self.is_their_own(call)
        return tuple(track.purpose.name for track in call.tracks if own or self.covers(track.purpose.name))


def grant(principal: Principal, action: Action) -> Grant | None:
    """Of what this principal may do this: what any of their roles says. None where no role of theirs ever does it."""
    reaches = {reach for role, reach in TABLE[action].items() if role in principal.roles}
    if not reaches:
        return None
    own = Reach.OWN_CALL in reaches
    extension, pbx = (principal.extension, principal.pbx) if own else (None, None)
    if Reach.ALL in reaches:
        return Grant(purposes=None, extension=extension, pbx=pbx)
    purposes = principal.limited_to if Reach.PURPOSES in reaches else frozenset()
    return Grant(purposes=purposes, extension=extension, pbx=pbx)


def may_entrust(giver: Principal, given: Principal) -> bool:
    """Whether somebody may give another one their roles, or touch an account that has them.

    So nobody comes by another name to what is not theirs: neither who makes accounts to a customer's voice, nor who
    hears customers to the configuration (GDPR art. 32).
    """
    return all(_is_within(grant(given, action), grant(giver, action)) for action in ENTRUSTED)


def may_lie_open(principal: Principal) -> bool:
    """Whether a token may stand in a page of another program, for whoever reads that page: it does nothing but list."""
    return principal.roles == {Role.VIEWER}


def _is_within(given: Grant | None, own: Grant | None) -> bool:
    if given is None:
        return True
    if own is None or own.purposes is None:
        return own is not None
    return given.purposes is not None and given.purposes <= own.purposes
