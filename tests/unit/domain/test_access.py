"""What each role may do, as rows that read as sentences; the whole table is in docs/reference/access.md."""

from dataclasses import replace

import pytest

from controller.domain.access import (
    FRESH_FOR_S,
    ON_AN_OLD_WORD,
    TABLE,
    Action,
    Grant,
    grant,
    may_entrust,
    may_lie_open,
    word_holds,
)
from controller.domain.call import Call
from controller.domain.decision import Reason
from controller.domain.parties import Role as Part
from controller.domain.principal import Principal, Role
from controller.domain.records import EVERY_PURPOSE
from tests.unit.domain.stories import Story, purpose

QUALITY, EVIDENCE = purpose("quality"), purpose("evidence")


def principal(*roles: Role, purposes: tuple[str, ...] = (), extension: str | None = None) -> Principal:
    pbx = "main" if extension else None
    of = frozenset(purposes)
    return Principal(name="token:some", roles=frozenset(roles), purposes=of, extension=extension, pbx=pbx)


def call_of_201() -> Call:
    story = Story(QUALITY, EVIDENCE)
    story.caller_listens()
    story.agent_answers("201")
    return story.call


@pytest.mark.parametrize(
    ("who", "action", "of"),
    [
        pytest.param(
            principal(Role.LISTENER, purposes=("quality",)),
            Action.LISTEN,
            Grant(purposes=frozenset({"quality"})),
            id="a listener listens to what serves their purposes",
        ),
        pytest.param(
            principal(Role.LISTENER, purposes=(EVERY_PURPOSE,)),
            Action.LISTEN,
            Grant(purposes=None),
            id="a listener of every purpose listens to all",
        ),
        pytest.param(
            principal(Role.LISTENER, purposes=(EVERY_PURPOSE,)),
            Action.OPEN_ARCHIVE,
            None,
            id="not in the archive, though",
        ),
        pytest.param(principal(Role.DPO), Action.OPEN_ARCHIVE, Grant(purposes=None), id="the DPO does"),
        pytest.param(
            principal(Role.AGENT, extension="201"),
            Action.RECORD_LESS,
            Grant(extension="201", pbx="main"),
            id="an agent pauses their own call",
        ),
        pytest.param(
            principal(Role.AGENT, Role.SUPERVISOR, purposes=("quality",), extension="201"),
            Action.RECORD_LESS,
            Grant(purposes=frozenset({"quality"}), extension="201", pbx="main"),
            id="a supervisor who is an agent too pauses both",
        ),
        pytest.param(principal(Role.AGENT, extension="201"), Action.LISTEN, None, id="an agent listens to nothing"),
        pytest.param(principal(Role.ADMINISTRATOR), Action.LISTEN, None, id="an administrator hears nothing"),
        pytest.param(
            principal(Role.INTEGRATION, purposes=(EVERY_PURPOSE,)), Action.LISTEN, None, id="nor does an integration"
        ),
        pytest.param(
            principal(Role.SUPERVISOR, purposes=(EVERY_PURPOSE,)),
            Action.MAKE_PRIVATE,
            None,
            id="a call is private by word of its agent, not of a supervisor",
        ),
        pytest.param(principal(), Action.SEE_ONESELF, None, id="who has no role may do nothing"),
    ],
)
def test_of_what_somebody_may_do_it(who: Principal, action: Action, of: Grant | None) -> None:
    assert grant(who, action) == of


@pytest.mark.parametrize(
    ("of", "covered", "purposes"),
    [
        pytest.param(Grant(purposes=None), True, ("quality", "evidence"), id="all"),
        pytest.param(Grant(purposes=frozenset({"quality"})), True, ("quality",), id="one of its purposes"),
        pytest.param(Grant(purposes=frozenset({"sales"})), False, (), id="another purpose"),
        pytest.param(Grant(extension="201", pbx="main"), True, ("quality", "evidence"), id="their own call"),
        pytest.param(Grant(extension="202", pbx="main"), False, (), id="somebody else's call"),
        pytest.param(Grant(extension="201", pbx="other"), False, (), id="the same number on another PBX"),
        pytest.param(Grant(), False, (), id="nothing"),
    ],
)
def test_a_call_is_theirs_by_its_purposes_or_by_who_talks_in_it(
    *, of: Grant, covered: bool, purposes: tuple[str, ...]
) -> None:
    call = call_of_201()
    assert [party.role for party in call.parties] == [Part.AGENT]
    assert (of.covers_call(call), of.purposes_of(call)) == (covered, purposes)


@pytest.mark.parametrize(
    ("of", "covered"),
    [
        pytest.param(Grant(purposes=None), True, id="all"),
        pytest.param(Grant(purposes=frozenset({"quality", "evidence", "sales"})), True, id="all of its purposes"),
        pytest.param(Grant(purposes=frozenset({"quality"})), False, id="one of its purposes"),
        pytest.param(Grant(extension="201", pbx="main"), True, id="their own call"),
        pytest.param(Grant(), False, id="nothing"),
    ],
)
def test_what_reaches_every_purpose_of_a_call_is_asked_by_who_may_for_each(*, of: Grant, covered: bool) -> None:
    assert of.covers_all_of(call_of_201()) is covered


def test_an_excluded_call_is_nobodys_but_of_those_who_talk_in_it() -> None:
    call = replace(call_of_201(), excluded=Reason.PRIVATE_CALL)
    of = (Grant(purposes=None), Grant(purposes=frozenset({"quality"})), Grant(extension="201", pbx="main"))
    assert [grant.covers_call(call) for grant in of] == [False, False, True]
    assert [grant.covers_all_of(call) for grant in of] == [False, False, True]


def test_an_old_word_is_taken_for_what_stops_and_for_nothing_that_records_more_discards_or_gives_out() -> None:
    a_day_s = 86_400.0
    assert {action for action in Action if word_holds(action, a_day_s)} == {Action.RECORD_LESS}
    after_some_minutes = {action for action in Action if word_holds(action, 600)}
    assert after_some_minutes == {Action.SEE_ONESELF, Action.SEE_CALLS, Action.RECORD_LESS} == set(ON_AN_OLD_WORD)
    assert all(word_holds(action, FRESH_FOR_S - 1) for action in Action)


def test_every_action_has_its_row_and_every_role_does_something() -> None:
    assert set(TABLE) == set(Action)
    assert {role for row in TABLE.values() for role in row} == set(Role)


def test_a_token_may_lie_open_where_it_does_nothing_but_list() -> None:
    viewer = principal(Role.VIEWER, purposes=(EVERY_PURPOSE,))
    assert {action for action in Action if grant(viewer, action)} == {Action.SEE_ONESELF, Action.FIND_RECORDINGS}
    assert may_lie_open(viewer)
    for role in set(Role) - {Role.VIEWER}:
        assert not may_lie_open(principal(role))
        assert not may_lie_open(principal(role, Role.VIEWER))


ADMINISTRATOR, DPO = principal(Role.ADMINISTRATOR), principal(Role.DPO)
LISTENER = principal(Role.LISTENER, purposes=("quality",))


@pytest.mark.parametrize(
    ("giver", "given", "may"),
    [
        pytest.param(ADMINISTRATOR, LISTENER, False, id="who runs the system lets nobody listen"),
        pytest.param(ADMINISTRATOR, principal(Role.SUPERVISOR, purposes=("quality",)), False, id="nor as a supervisor"),
        pytest.param(ADMINISTRATOR, DPO, False, id="nor serve data subjects"),
        pytest.param(ADMINISTRATOR, principal(Role.AGENT, Role.DPO, extension="201"), False, id="nor beside a role"),
        pytest.param(ADMINISTRATOR, ADMINISTRATOR, True, id="they let others run it"),
        pytest.param(ADMINISTRATOR, principal(Role.AGENT, extension="201"), True, id="and agents talk"),
        pytest.param(
            ADMINISTRATOR, principal(Role.INTEGRATION, purposes=(EVERY_PURPOSE,)), True, id="and programs drive calls"
        ),
        pytest.param(DPO, LISTENER, True, id="the DPO lets somebody listen"),
        pytest.param(DPO, principal(Role.SUPERVISOR, purposes=(EVERY_PURPOSE,)), True, id="to every purpose"),
        pytest.param(DPO, DPO, True, id="and another DPO stand in"),
        pytest.param(DPO, ADMINISTRATOR, False, id="but nobody run the system"),
        pytest.param(
            principal(Role.ADMINISTRATOR, Role.LISTENER, purposes=("quality",)),
            LISTENER,
            True,
            id="who listens themselves lets others listen to the same",
        ),
        pytest.param(
            principal(Role.ADMINISTRATOR, Role.LISTENER, purposes=("quality",)),
            principal(Role.LISTENER, purposes=("quality", "evidence")),
            False,
            id="and to nothing else",
        ),
        pytest.param(
            principal(Role.ADMINISTRATOR, Role.LISTENER, purposes=("quality",)),
            principal(Role.LISTENER, purposes=(EVERY_PURPOSE,)),
            False,
            id="least of all to everything",
        ),
    ],
)
def test_nobody_hands_on_what_is_not_theirs(giver: Principal, given: Principal, *, may: bool) -> None:
    assert may_entrust(giver, given) is may
