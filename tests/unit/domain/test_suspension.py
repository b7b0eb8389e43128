"""Pauses overlap: nothing is recorded until none is left."""

import pytest

from controller.domain.decision import Reason
from controller.domain.suspension import Suspension, Suspensions, released, suspended

KEYS = Suspension(cause=Reason.PAYMENT, origin="agent", actor="agent:201")
CRM = Suspension(cause=Reason.PAYMENT, origin="api", actor="api:crm")
WISH = Suspension(cause=Reason.AGENT_REQUEST, origin="agent", actor="agent:201")


@pytest.mark.parametrize(
    ("standing", "new", "after"),
    [
        pytest.param((), KEYS, (KEYS,), id="the first stands alone"),
        pytest.param((KEYS,), CRM, (KEYS, CRM), id="the same cause from elsewhere stands beside it"),
        pytest.param((KEYS,), WISH, (KEYS, WISH), id="another cause from the same origin too"),
        pytest.param(
            (KEYS, CRM),
            Suspension(cause=Reason.PAYMENT, origin="agent", actor="agent:202"),
            (KEYS, CRM),
            id="the same cause and origin count once, and the first keeps its place",
        ),
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
    ],
)
def test_releasing(standing: Suspensions, cause: Reason, origin: str, after: Suspensions) -> None:
    assert released(standing, cause=cause, origin=origin) == after
