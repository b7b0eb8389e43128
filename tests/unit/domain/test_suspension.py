"""Pauses overlap: nothing is recorded until none is left."""

import pytest

from controller.domain.decision import Reason
from controller.domain.names import ChannelId
from controller.domain.suspension import Suspension, Suspensions, released, suspended

KEYS = Suspension(cause=Reason.PAYMENT, origin="agent", actor="agent:201")
CRM = Suspension(cause=Reason.PAYMENT, origin="api", actor="api:crm")
COLLEAGUE = Suspension(cause=Reason.PAYMENT, origin="agent", actor="agent:202")
SCREEN = Suspension(cause=Reason.PAYMENT, origin="agent", actor="api")
WISH = Suspension(cause=Reason.AGENT_REQUEST, origin="agent", actor="agent:201")


@pytest.mark.parametrize(
    ("standing", "new", "after"),
    [
        pytest.param((), KEYS, (KEYS,), id="the first stands alone"),
        pytest.param((KEYS,), CRM, (KEYS, CRM), id="the same cause from elsewhere stands beside it"),
        pytest.param((KEYS,), WISH, (KEYS, WISH), id="another cause from the same origin too"),
        pytest.param((KEYS, CRM), KEYS, (KEYS, CRM), id="the same cause, origin and actor count once, in their place"),
        pytest.param((KEYS,), COLLEAGUE, (KEYS, COLLEAGUE), id="a colleague's stands beside it"),
        pytest.param((SCREEN,), KEYS, (SCREEN, KEYS), id="and the keys' beside that of a screen"),
    ],
)
def test_suspending(standing: Suspensions, new: Suspension, after: Suspensions) -> None:
    assert suspended(standing, new) == after


@pytest.mark.parametrize(
    ("standing", "cause", "origin", "after"),
    [
        pytest.param((KEYS,), Reason.PAYMENT, "agent", (), id="cause and origin end their own"),
        pytest.param((KEYS, CRM), Reason.PAYMENT, "agent", (CRM,), id="and leave the others"),
        pytest.param((KEYS,), Reason.PAYMENT, "api", (KEYS,), id="another origin ends nothing"),
        pytest.param((KEYS,), Reason.AGENT_REQUEST, "agent", (KEYS,), id="another cause ends nothing"),
        pytest.param((), Reason.PAYMENT, "agent", (), id="where nothing stands nothing ends"),
        pytest.param(
            (COLLEAGUE, KEYS), Reason.PAYMENT, "agent", (COLLEAGUE,), id="whoever paused ends their own alone"
        ),
        pytest.param((SCREEN,), Reason.PAYMENT, "agent", (), id="whoever did not ends what another began"),
    ],
)
def test_releasing(standing: Suspensions, cause: Reason, origin: str, after: Suspensions) -> None:
    assert released(standing, Suspension(cause=cause, origin=origin, actor="agent:201")) == after


def dialplan(leg: str | None) -> Suspension:
    """A payment that the dialplan of a leg pauses; None: of a channel that is no leg of the call."""
    return Suspension(
        cause=Reason.PAYMENT, origin="dialplan", actor="dialplan", leg=ChannelId(leg) if leg is not None else None
    )


def test_each_leg_that_pays_counts() -> None:
    both = suspended((dialplan("one"),), dialplan("two"))
    assert released(both, dialplan("two")) == (dialplan("one"),)
    assert released(both, dialplan("one")) == (dialplan("two"),)


def test_from_elsewhere_the_first_that_stands_is_ended() -> None:
    assert released((dialplan("one"), dialplan("two")), dialplan(None)) == (dialplan("two"),)
