"""What may be asked of a call just now: what would make a difference, by those whose it is to ask."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from controller.domain import events
from controller.domain.decision import Reason
from controller.domain.policy import Basis, Start
from controller.domain.principal import Principal, Role
from controller.web.offers import offered
from tests.unit.domain.stories import TOLD_ONLY, Story, purpose

AGENT = Principal(name="account:a", roles=frozenset({Role.AGENT}), extension="201", pbx="main")
PAUSE, OBJECTION, PRIVATE = {"verb": "pause", "reason": "payment"}, {"verb": "objection"}, {"verb": "private"}
RESUME = {"verb": "resume", "reason": "payment"}
LEGAL = purpose("legal", basis=Basis.LEGAL_OBLIGATION, consent=TOLD_ONLY)


def stop(name: str) -> dict[str, str]:
    return {"verb": "stop", "purpose": name}


def start(name: str) -> dict[str, str]:
    return {"verb": "start", "purpose": name}


def proof(name: str) -> dict[str, str]:
    return {"verb": "proof", "purpose": name}


def of(role: Role, *purposes: str) -> Principal:
    return Principal(name="token:t", roles=frozenset({role}), purposes=frozenset(purposes))


def talking() -> Story:
    """Quality is recorded, evidence waits for somebody to say so."""
    story = Story(purpose("quality"), purpose("evidence", basis=Basis.CONTRACT, start=Start.ON_TRIGGER))
    story.is_recorded()
    return story


def _nothing(_story: Story) -> None:
    pass


def _paused(story: Story) -> None:
    story.pauses(origin="agent")
    story.pbx_says(events.PauseConfirmed)


def _paused_by_dialplan(story: Story) -> None:
    story.pauses(origin="dialplan")


def _paused_twice(story: Story) -> None:
    story.pauses(origin="agent")
    story.pauses(origin="agent", cause=Reason.AGENT_REQUEST)


def _triggered(story: Story) -> None:
    story.is_triggered()
    story.ledger_commits()


def _proven(story: Story) -> None:
    _triggered(story)
    story.is_proven_otherwise()


def _stopped(story: Story) -> None:
    story.is_stopped()
    story.pbx_says(events.RecordingEnded)


def _stopped_and_paused(story: Story) -> None:
    _stopped(story)
    story.pauses(origin="agent")


def _objected(story: Story) -> None:
    story.customer_objects()
    story.pbx_says(events.RecordingEnded)


@pytest.mark.parametrize(
    ("happens", "may"),
    [
        pytest.param(
            _nothing, [PAUSE, stop("quality"), start("evidence"), OBJECTION, PRIVATE], id="one is recorded, one waits"
        ),
        pytest.param(
            _paused,
            [RESUME, stop("quality"), start("evidence"), OBJECTION, PRIVATE],
            id="a pause is ended, not repeated",
        ),
        pytest.param(
            _paused_by_dialplan,
            [PAUSE, stop("quality"), start("evidence"), OBJECTION, PRIVATE],
            id="a pause of the dialplan is not ended by hand",
        ),
        pytest.param(
            _paused_twice,
            [RESUME, {**RESUME, "reason": "agent-request"}, stop("quality"), start("evidence"), OBJECTION, PRIVATE],
            id="each pause is ended by itself",
        ),
        pytest.param(
            _triggered,
            [PAUSE, stop("quality"), stop("evidence"), proof("evidence"), OBJECTION, PRIVATE],
            id="what was triggered is stopped, or proven otherwise",
        ),
        pytest.param(
            _proven,
            [PAUSE, stop("quality"), stop("evidence"), OBJECTION, PRIVATE],
            id="what is proven otherwise is not proven twice",
        ),
        pytest.param(_stopped, [OBJECTION, PRIVATE], id="what is stopped stays so"),
        pytest.param(_stopped_and_paused, [OBJECTION, PRIVATE], id="what is stopped is not resumed"),
        pytest.param(_objected, [PRIVATE], id="an objection is made once"),
    ],
)
def test_what_makes_sense_is_offered(happens: Callable[[Story], None], may: list[dict[str, str]]) -> None:
    story = talking()
    happens(story)
    assert offered(story.call, AGENT) == may


def test_what_a_law_demands_is_neither_objected_to_nor_made_private() -> None:
    story = Story(LEGAL)
    story.is_recorded()
    assert offered(story.call, AGENT) == [PAUSE, stop("legal")]
    story = Story(purpose("quality"), LEGAL)
    story.is_recorded()
    assert PRIVATE in offered(story.call, AGENT)
    story.is_private()
    assert PRIVATE not in offered(story.call, AGENT)


def test_nothing_is_asked_of_a_call_that_is_excluded_or_over() -> None:
    story = talking()
    assert offered(replace(story.call, ended_at=story.now), AGENT) == []
    story.is_private()
    assert offered(story.call, AGENT) == []


@pytest.mark.parametrize(
    ("who", "verbs"),
    [
        pytest.param(replace(AGENT, extension="202"), set(), id="an agent of another call"),
        pytest.param(of(Role.LISTENER, "*"), set(), id="a listener"),
        pytest.param(of(Role.SUPERVISOR, "quality"), {"pause", "stop"}, id="a supervisor of one purpose"),
        pytest.param(
            of(Role.SUPERVISOR, "*"), {"pause", "stop", "start", "objection"}, id="a supervisor makes nothing private"
        ),
        pytest.param(
            of(Role.INTEGRATION, "quality", "evidence"),
            {"pause", "stop", "start", "objection", "private"},
            id="a program for all purposes of the call",
        ),
    ],
)
def test_what_is_offered_is_theirs_to_ask(who: Principal, verbs: set[str]) -> None:
    assert {offer["verb"] for offer in offered(talking().call, who)} == verbs


def test_nobody_resumes_a_call_of_which_a_purpose_is_not_theirs() -> None:
    story = talking()
    _paused(story)
    assert "resume" not in {offer["verb"] for offer in offered(story.call, of(Role.SUPERVISOR, "quality"))}
    assert "resume" in {offer["verb"] for offer in offered(story.call, of(Role.SUPERVISOR, "*"))}
