"""How a call begins."""

from dataclasses import replace

from controller.domain.call import Call
from controller.domain.decision import Reason
from controller.domain.names import CallId
from controller.domain.opening import opened
from controller.domain.policy import Asked, Direction, Exclusions, Policy, Route
from tests.unit.domain.stories import CUSTOMER, NOON, policy


def begun(rules: Policy, **asked: str) -> Call:
    return opened(
        rules,
        Asked(**{"direction": Direction.INBOUND, "queue": "support", "language": "", **asked}),  # type: ignore[arg-type]
        call_id=CallId("call"),
        pbx="main",
        linkedid="17.1",
        customer=CUSTOMER,
        customer_hash=b"hash",
        customer_sealed=b"sealed",
        at=NOON,
    )


def test_a_call_begins_on_its_route_in_the_default_language() -> None:
    call = begun(policy())
    assert (call.route is not None, call.language, call.excluded) == (True, "en", None)
    assert (call.customer_hash, call.customer_sealed) == (b"hash", b"sealed")


def test_a_route_may_choose_the_language() -> None:
    spoken = Route(name="french", purposes=("quality",), language="fr")
    assert begun(policy(routes=(spoken,)), language="en").language == "fr"


def test_an_excluded_call_has_no_route_and_nobody_s_number() -> None:
    call = begun(replace(policy(), exclusions=Exclusions(queues=("support",))))
    assert (call.excluded, call.route) == (Reason.EXCLUDED, None)
    assert (call.customer_hash, call.customer_sealed) == (None, None)
